// SPDX-License-Identifier: Apache-2.0
//
// Another translator between the IP versions, to judge ours: tayga, a process with a TUN device in a network
// namespace of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/packets.h"

namespace sluice::test {

class Tayga {
  public:
    /// Empty where this machine can do it, else what is missing.
    static std::string unavailable();

    /// `maps`: pairs of addresses, IPv4 then IPv6, that stand for each other; all others by `prefix` (RFC
    /// 6052). Throws std::runtime_error where it does not start.
    Tayga(const std::string& prefix, const std::vector<std::pair<std::string, std::string>>& maps);
    ~Tayga();
    Tayga(const Tayga&) = delete;
    Tayga& operator=(const Tayga&) = delete;

    /// Sends IP packets, without layer 2, and returns all that came out. An echo request to tayga's own address
    /// behind them, whose answer is awaited, tells when it is done.
    std::vector<Bytes> exchange(const std::vector<Bytes>& packets);

  private:
    void send(const Bytes& packet);

    std::string folder_;
    std::unique_ptr<ChildProcess> process_;
    int socket_ = -1;
    int device_ = 0;
};

}  // namespace sluice::test
