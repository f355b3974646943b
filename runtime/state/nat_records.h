// SPDX-License-Identifier: Apache-2.0
//
// The pool under the NAT table. A record is a mapping with one remote address that its filter admits, or one
// more such address of a mapping. Each session needs at most one, so as many as sessions are enough. Owner
// shard only. Allocates in the constructor only.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/state/big_array.h"

namespace sluice {

/// `Address` is four bytes for IPv4 (24 bytes a record) and Ip for IPv6.
template <typename Address>
struct NatRecord {
    enum Kind : std::uint32_t { tcp, udp, icmp, remote_only };

    Address inside;  // of remote_only: nothing
    Address remote;
    std::uint16_t inside_port, external_port;
    std::uint32_t remote_sessions;  // towards `remote`
    std::uint64_t sessions : 24, kind : 2, external : 20, snat_rule : 16, live : 1,
        in_block : 1;  // remote_only: see mapping
    std::uint32_t mapping() const noexcept { return inside_port | std::uint32_t{external_port} << 16; }
    void set_mapping(std::uint32_t mapping) noexcept {
        inside_port = static_cast<std::uint16_t>(mapping);
        external_port = static_cast<std::uint16_t>(mapping >> 16);
    }
};
static_assert(sizeof(NatRecord<std::uint32_t>) == 24);

template <typename Address>
class NatPool {
  public:
    explicit NatPool(std::uint32_t capacity) : records_(capacity) {}

    bool full() const noexcept { return given_back_ == 0 && next_ == records_.size(); }
    std::uint32_t take() noexcept {
        if (given_back_ == 0) return next_++;
        const std::uint32_t number = given_back_ - 1;
        given_back_ = records_[number].remote_sessions;
        return number;
    }
    void give_back(std::uint32_t number) noexcept {
        records_[number].live = 0;
        records_[number].remote_sessions = given_back_;
        given_back_ = number + 1;
    }
    /// Of the record that take() would give.
    const void* next_line() const noexcept { return &records_[given_back_ != 0 ? given_back_ - 1 : next_]; }
    NatRecord<Address>& operator[](std::uint32_t number) noexcept { return records_[number]; }
    const NatRecord<Address>& operator[](std::uint32_t number) const noexcept { return records_[number]; }
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(records_.size()); }

  private:
    BigArray<NatRecord<Address>> records_;
    std::uint32_t next_ = 0;        // never used yet from here
    std::uint32_t given_back_ = 0;  // the last one, plus one, linked through remote_sessions
};

}  // namespace sluice
