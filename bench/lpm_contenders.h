// SPDX-License-Identifier: Apache-2.0
//
// Tables that answer the same questions in bursts: ours, and those of DPDK that a user would pick instead. Each
// reads addresses and writes answers in the form it is at home in. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/lower/lpm_builder.h"
#include "schemas/layout/lpm_burst.h"

namespace sluice::bench {

/// What is asked, in each form that somebody wants; more than any cache holds.
struct Questions {
    std::vector<std::uint32_t> v4;
    std::vector<Ip> v6;
    std::vector<std::array<std::uint8_t, 16>> v6_bytes;
    std::vector<std::uint16_t> routers;  // whose table, where there is more than one
    std::size_t count = 0;
};

class Contender {
  public:
    virtual ~Contender() = default;
    /// Answers questions first .. first + lpm_burst_size.
    virtual void look_up(const Questions& questions, std::size_t first) = 0;
    /// Of the last burst; 0 where no prefix covers the address.
    virtual std::uint64_t answer(std::size_t place) const = 0;

    std::string name;
    std::size_t bytes = 0;  // that look-ups read; of DPDK's second-level groups only those in use
};

using Entries = std::vector<lower::LpmEntry>;  // sorted by sort_prefixes()
using ContenderPtr = std::unique_ptr<Contender>;

/// One table a router (the same entries are not needed), in memory as an image's is.
ContenderPtr make_sluice(const std::vector<Entries>& routers);
ContenderPtr make_sluice_one_by_one(const Entries& entries);

// These throw std::runtime_error where DPDK refuses.
ContenderPtr make_fib4(const Entries& entries, int socket, unsigned next_hop_bytes);
ContenderPtr make_rte_lpm(const Entries& entries, int socket);
ContenderPtr make_fib6(const Entries& entries, int socket);

}  // namespace sluice::bench
