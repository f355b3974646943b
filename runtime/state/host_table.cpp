// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/host_table.h"

#include <algorithm>

namespace sluice {
namespace {

// Two for each that comes: those that linger do not gather.
constexpr std::uint32_t places_a_newcomer = 2;
// Where the table is full of those, which takes more hosts a second than it has places.
constexpr std::uint32_t places_in_need = 64;

}  // namespace

HostTable::HostTable(std::uint32_t hosts, const HashKey& key)
    : key_(key), records_(hosts, Touch::when_used), index_(hosts) {}

bool HostTable::allows(const HostKey& host, Time now, std::uint32_t most,
                       std::uint32_t a_second) const noexcept {
    const std::uint32_t number = find(host);
    if (number == TagIndex::none) return true;
    const Record& record = records_[number];
    return (most == 0 || record.count < most) && record.meter.allows(now, a_second);
}

bool HostTable::count(const HostKey& host, Time now, std::uint32_t a_second) noexcept {
    std::uint32_t number = find(host);
    if (number == TagIndex::none) number = add(host, now);
    if (number == TagIndex::none) return false;
    ++records_[number].count;
    records_[number].meter.count(now, a_second);
    return true;
}

void HostTable::release(const HostKey& host, Time now) noexcept {
    const std::uint32_t number = find(host);
    if (number == TagIndex::none) return;
    Record& record = records_[number];
    if (--record.count == 0 && record.meter.is_idle(now)) forget(number);
}

std::uint32_t HostTable::counted(const HostKey& host) const noexcept {
    const std::uint32_t number = find(host);
    return number == TagIndex::none ? 0 : records_[number].count;
}

std::uint32_t HostTable::add(const HostKey& host, Time now) noexcept {
    tidy(now, places_a_newcomer, false);
    if (given_back_ == 0 && next_ == records_.size()) tidy(now, places_in_need, true);
    std::uint32_t number = next_;
    if (given_back_ != 0) {
        number = given_back_ - 1;
    } else if (next_ == records_.size()) {
        return TagIndex::none;
    }
    const auto hash_of = [this](std::uint32_t other) { return hash(records_[other].host); };
    if (!index_.insert(hash(host), number, hash_of)) return TagIndex::none;
    if (given_back_ != 0) {
        given_back_ = records_[number].count;
    } else {
        ++next_;
    }
    records_[number] = {.host = host, .meter = {}, .count = 0, .live = 1};
    ++live_;
    return number;
}

void HostTable::forget(std::uint32_t number) noexcept {
    Record& record = records_[number];
    index_.erase(hash(record.host), number);
    record.live = 0;
    record.count = given_back_ & 0x7fffffff;
    given_back_ = number + 1;
    --live_;
}

void HostTable::tidy(Time now, std::uint32_t places, bool any_rate) noexcept {
    for (std::uint32_t i = 0; i < std::min(places, next_); ++i) {
        const std::uint32_t at = hand_ < next_ ? hand_ : 0;
        hand_ = at + 1;
        const Record& record = records_[at];
        if (record.live != 0 && record.count == 0 && (any_rate || record.meter.is_idle(now))) forget(at);
    }
}

}  // namespace sluice
