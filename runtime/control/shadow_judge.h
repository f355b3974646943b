// SPDX-License-Identifier: Apache-2.0
//
// What an image makes of a packet that begins a flow, with no state of any gateway: allowed or not, by which
// rule of which line, out where, as whom. Names, so that two images can be compared. One thread; allocates.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/image/image.h"
#include "runtime/packet/view.h"
#include "runtime/state/link_states.h"
#include "runtime/state/nat_table.h"
#include "runtime/state/session_table.h"

namespace sluice {

struct ShadowVerdict {
    std::string word;    // allow, drop, reject
    std::string reason;  // of a drop
    std::string tenant;  // whose rule decided
    std::string rule;    // empty: none did; "default"
    std::string file;    // where the policy says so
    std::uint32_t line = 0;
    std::string leaves;   // tenant.interface, where it is forwarded
    std::string becomes;  // the packet as it leaves

    /// Whether traffic would notice: not by which rule.
    bool same_fate(const ShadowVerdict& other) const {
        return word == other.word && leaves == other.leaves && becomes == other.becomes;
    }
    /// "allow by outbound (tenants/blue.yaml:21)".
    std::string text() const;
};

class ShadowJudge {
  public:
    /// The same key makes the same choices of addresses and ports.
    ShadowJudge(std::shared_ptr<const Image> image, const HashKey& key);

    /// By the port's name. The packet's headers have been parsed, not those inside a tunnel.
    ShadowVerdict judge(std::string_view port, const PacketView& arrived);
    const Image& image() const { return *image_; }

  private:
    std::shared_ptr<const Image> image_;
    HashKey key_;
    LinkStates links_;  // all there: what runs beside it tells nothing of lost ones
    SessionTable sessions_;
    NatTable nat_;
};

}  // namespace sluice
