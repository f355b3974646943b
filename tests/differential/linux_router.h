// SPDX-License-Identifier: Apache-2.0
//
// One tenant's router made of Linux: a network namespace with a TAP device for each interface. The namespace
// has no name and lives as long as this object (and at most as long as the process), so nothing can stay
// behind.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/policy/policy.h"
#include "tests/support/sent_frame.h"
#include "tests/support/vxlan.h"

namespace sluice::test {

/// In front of what the remote endpoint of a segment behind VXLAN sends.
Outer outer_of(const policy::Policy& policy, const policy::Interface& interface);

class LinuxRouter {
  public:
    /// Empty where this machine can do it, else what is missing.
    static std::string unavailable(bool vxlan = false);

    /// Throws std::runtime_error where a command fails.
    LinuxRouter(const policy::Policy& policy, const policy::Tenant& tenant);
    ~LinuxRouter();
    LinuxRouter(const LinuxRouter&) = delete;
    LinuxRouter& operator=(const LinuxRouter&) = delete;

    /// Sends untagged frames into an interface and returns all that came out, with the interface's index as
    /// port. Frames of a segment behind VXLAN are those of the wire. An ARP probe behind them, whose
    /// answer is awaited, tells when Linux is done.
    std::vector<SentFrame> exchange(std::uint16_t interface, std::span<const Bytes> frames);

    /// What left after the answer: a busy kernel may finish with another device later. Waits a little.
    std::vector<SentFrame> late();

  private:
    void add_device(std::size_t index);
    void drain(std::vector<SentFrame>& out, std::uint16_t probed, bool& answered);
    bool tunnelled(std::size_t index) const;

    const policy::Policy& policy_;
    const policy::Tenant& tenant_;
    int namespace_ = -1;
    std::vector<int> devices_;
};

}  // namespace sluice::test
