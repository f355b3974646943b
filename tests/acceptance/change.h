// SPDX-License-Identifier: Apache-2.0
//
// Topology T1 and what becomes of it while packets flow: images compiled from edited texts, activated between
// two bursts.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tests/acceptance/acceptance.h"

namespace sluice::test {

/// File name to text.
using Texts = std::map<std::string, std::string>;

/// T1 and tenant c behind it: no services, 198.18.3.0/24 on VLAN 701 of V0, and two ways out on U0: VLAN 103
/// (the default route) and VLAN 104.
Texts t1_texts();
/// T1 behind VXLAN (tests/acceptance/overlay).
Texts overlay_texts();
/// The same with a segment that is on ports as well (tests/acceptance/bridge).
Texts bridge_texts();
/// Tunnels over IPv4 and over IPv6 (tests/acceptance/two-underlays).
Texts two_underlays_texts();
/// Tenants behind tunnels and a provider (rules/t1).
Texts provider_texts();
/// The same with `from` replaced by `to` in one file; throws std::logic_error where it does not stand there
/// once.
Texts edited(Texts texts, const std::string& file, std::string_view from, std::string_view to);
Texts without_tenant(Texts texts, const std::string& file);

class ChangeAcceptance : public Acceptance {
  protected:
    ChangeAcceptance() { activate(t1_texts()); }

    void activate(const Texts& texts);

    static constexpr const char* a = "tenants/a.yaml";
    static constexpr const char* b = "tenants/b.yaml";
    static constexpr const char* c = "tenants/c.yaml";

    static Packet from_c5(Packet packet) {
        packet.source = "198.18.3.5";
        packet.source_mac = "02:cc:00:00:00:05";
        packet.destination_mac = "02:00:00:00:01:01";
        packet.vlan = 701;
        return packet;
    }
    std::uint64_t pipeline_runs() { return gateway.counters().cache.pipeline_runs; }
    std::uint64_t revalidated() { return gateway.counters().cache.revalidated; }
    std::uint64_t flow_hits() { return gateway.counters().cache.flow_hits; }
    const RuleCount& rule_of(std::string_view tenant, std::string_view name);

  private:
    std::vector<std::unique_ptr<const Image>> loaded_;
};

}  // namespace sluice::test
