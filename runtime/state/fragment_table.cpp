// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/fragment_table.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::uint32_t ipv6_header_bytes = 40;
constexpr std::uint32_t ipv6_fragment_header_bytes = 8;
constexpr std::uint32_t longest_datagram = 65535;

/// The bytes [begin, end) of the original payload that a fragment carries, and the headers before payload that
/// count towards the 65,535 (IPv4: the whole header, RFC 791 3.2; IPv6: all but the fixed one, RFC 8200 4.5).
struct Extent {
    std::uint32_t begin, end, headers;
};

Extent extent_of(const IpView& ip) noexcept {
    const bool v6 = ip.family == Family::v6;
    // In a first fragment header_length covers extension headers behind the fragment header: part of the
    // payload.
    const std::uint32_t start = v6 ? ip.fragment_header_offset + ipv6_fragment_header_bytes : ip.header_length;
    const std::uint32_t length = ip.total_length > start ? ip.total_length - start : 0;
    const std::uint32_t headers =
        v6 ? std::max<std::uint32_t>(ip.fragment_header_offset, ipv6_header_bytes) - ipv6_header_bytes : start;
    return {ip.fragment_offset, ip.fragment_offset + length, headers};
}

}  // namespace

FragmentTable::FragmentTable(std::uint32_t datagrams, const HashKey& key, Time timeout)
    : key_(key), timeout_(timeout), datagrams_(datagrams), index_(datagrams), timers_(datagrams) {
    free_.reserve(datagrams);
    for (std::uint32_t index = datagrams; index-- > 0;) free_.push_back(index);
}

std::uint64_t FragmentTable::hash_of(const FragmentKey& key) const noexcept {
    return KeyedHash(key_)
        .add(key.source.hi, key.source.lo)
        .add(key.destination.hi, key.destination.lo)
        .add(std::uint64_t{key.id} << 32 | std::uint64_t{key.tenant} << 16 | key.interface,
             std::uint64_t{key.protocol} << 8 | static_cast<std::uint64_t>(key.family))
        .value();
}

std::uint32_t FragmentTable::find_or_create(const FragmentKey& key, Time now) noexcept {
    const std::uint64_t hash = hash_of(key);
    const std::uint32_t known =
        index_.find(hash, [&](std::uint32_t candidate) { return datagrams_[candidate].key == key; });
    if (known != IndexTable::none || free_.empty()) return known;
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Datagram& datagram = datagrams_[index];
    datagram.key = key;
    datagram.live = true;
    index_.insert(hash, index);
    timers_.schedule(index, now + timeout_);
    return index;
}

FragmentTable::Result FragmentTable::refuse(const HeldFragment& fragment, DropReason reason) noexcept {
    given_back_[0] = fragment;
    return {Outcome::refused, reason, {given_back_.data(), 1}};
}

FragmentTable::Result FragmentTable::refuse_whole(Datagram& datagram, const HeldFragment& fragment,
                                                  DropReason reason) noexcept {
    const std::uint32_t count = datagram.count;
    std::copy_n(datagram.fragments.begin(), count, given_back_.begin());
    given_back_[count] = fragment;
    held_ -= count;
    datagram.count = 0;
    datagram.poisoned = reason;
    return {Outcome::refused, reason, {given_back_.data(), count + 1}};
}

FragmentTable::Result FragmentTable::add(const FragmentKey& key, const HeldFragment& fragment,
                                         Time now) noexcept {
    const Extent extent = extent_of(fragment.ip);
    const std::uint32_t length = extent.end - extent.begin;
    const bool last = !fragment.ip.more_fragments;
    if (!last && (length == 0 || length % 8 != 0)) return refuse(fragment, DropReason::FRAG_LIMIT);

    const std::uint32_t index = find_or_create(key, now);
    if (index == IndexTable::none) return refuse(fragment, DropReason::FRAG_LIMIT);
    Datagram& datagram = datagrams_[index];
    if (datagram.poisoned) return refuse(fragment, *datagram.poisoned);

    std::uint32_t place = datagram.count;
    while (place > 0 && datagram.fragments[place - 1].ip.fragment_offset > extent.begin) --place;
    const bool meets_one_before = place > 0 && extent_of(datagram.fragments[place - 1].ip).end > extent.begin;
    const bool meets_one_behind =
        place < datagram.count && extent_of(datagram.fragments[place].ip).begin < extent.end;
    const bool behind_the_last = last ? datagram.total_bytes != 0 || place < datagram.count
                                      : datagram.total_bytes != 0 && extent.end > datagram.total_bytes;
    const bool too_long = extent.headers + extent.end > longest_datagram;
    if (meets_one_before || meets_one_behind || behind_the_last || too_long) {
        return refuse_whole(datagram, fragment, DropReason::FRAG_OVERLAP);
    }
    if (datagram.count == most_fragments) return refuse_whole(datagram, fragment, DropReason::FRAG_LIMIT);

    const auto position = datagram.fragments.begin() + place;
    std::copy_backward(position, datagram.fragments.begin() + datagram.count,
                       datagram.fragments.begin() + datagram.count + 1);
    *position = fragment;
    ++datagram.count;
    ++held_;
    datagram.payload_bytes += length;
    if (last) datagram.total_bytes = extent.end;
    if (datagram.total_bytes == 0 || datagram.payload_bytes != datagram.total_bytes) {
        return {Outcome::held, DropReason{}, {}};
    }

    const std::uint32_t count = datagram.count;
    std::copy_n(datagram.fragments.begin(), count, given_back_.begin());
    forget(index);
    return {Outcome::complete, DropReason{}, {given_back_.data(), count}};
}

void FragmentTable::forget(std::uint32_t index) noexcept {
    Datagram& datagram = datagrams_[index];
    timers_.cancel(index);
    index_.erase(hash_of(datagram.key), index);
    held_ -= datagram.count;
    datagram.count = datagram.payload_bytes = datagram.total_bytes = 0;
    datagram.poisoned.reset();
    datagram.live = false;
    free_.push_back(index);
}

}  // namespace sluice
