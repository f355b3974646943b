// SPDX-License-Identifier: Apache-2.0
//
// Hosts whose sessions are counted one by one (RFC 6888 REQ-4): how many a host inside has opened, and how many
// connections to a host nobody has completed yet. Of tenants that limit them, alone. Owner shard only.
// Allocates in the constructor only; memory is used as hosts come. Each call costs one look-up: a line of the
// index and one of 32 bytes.
#pragma once

#include <cstdint>

#include "runtime/packet/view.h"
#include "runtime/state/big_array.h"
#include "runtime/state/keyed_hash.h"
#include "runtime/state/observed.h"
#include "runtime/state/rate_meter.h"
#include "runtime/state/tag_index.h"

namespace sluice {

enum class HostRole : std::uint8_t { opens, is_half_open };

struct HostKey {
    Ip ip;
    std::uint16_t tenant = 0;  // its slot
    Family family = Family::v4;
    HostRole role = HostRole::opens;
    friend bool operator==(const HostKey&, const HostKey&) = default;
};

class HostTable {
  public:
    /// Twice as many as sessions are enough: each counts for one host of either role at most.
    HostTable(std::uint32_t hosts, const HashKey& key);

    /// Whether one more may begin now. 0: no limit.
    bool allows(const HostKey& host, Time now, std::uint32_t most, std::uint32_t a_second) const noexcept;
    /// One has begun. False: there is no room to count it, and it does not count.
    bool count(const HostKey& host, Time now, std::uint32_t a_second) noexcept;
    /// One that counted has ended.
    void release(const HostKey& host, Time now) noexcept;

    std::uint32_t counted(const HostKey& host) const noexcept;
    SLUICE_READ_BY_OTHERS std::uint32_t size() const noexcept { return live_; }

  private:
    struct Record {
        HostKey host;
        RateMeter meter;
        std::uint32_t count : 31, live : 1;
    };
    static_assert(sizeof(Record) <= 40);

    std::uint64_t hash(const HostKey& host) const noexcept {
        return KeyedHash(key_)
            .add(host.ip.hi, host.ip.lo)
            .add(std::uint64_t{host.tenant} << 16 | static_cast<std::uint64_t>(host.family) << 8 |
                     static_cast<std::uint64_t>(host.role),
                 0)
            .value();
    }
    std::uint32_t find(const HostKey& host) const noexcept {
        return index_.find(hash(host), [&](std::uint32_t number) { return records_[number].host == host; });
    }
    std::uint32_t add(const HostKey& host, Time now) noexcept;
    void forget(std::uint32_t number) noexcept;
    /// Forgets a few that count nothing and whose rate is as of one that never was.
    void tidy(Time now, std::uint32_t places, bool any_rate) noexcept;

    HashKey key_;
    BigArray<Record> records_;
    TagIndex index_;
    std::uint32_t next_ = 0;        // never used yet from here
    std::uint32_t given_back_ = 0;  // the last one, plus one, linked through count
    std::uint32_t hand_ = 0;        // where tidy() goes on
    std::uint32_t live_ = 0;
};

}  // namespace sluice
