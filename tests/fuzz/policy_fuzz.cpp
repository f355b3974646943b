// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a policy: the reader and every check must end, in bounded time, with diagnostics that can be
// shown. The first input byte chooses whether the rest is the gateway's file or a tenant's; texts that pass
// must come out with names resolved.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "compiler/front/render.h"
#include "compiler/sema/check.h"

namespace {

constexpr const char* gateway =
    "gateway: edge\nmac: 02:00:5e:00:01:01\nports: {access: {mtu: 1500}, uplink: {mtu: 9000}}\ntenants: "
    "[blue.yaml, red.yaml]\n";
constexpr const char* red =
    "tenant: red\npeers: [blue]\nsegments: {web: {vlan: {port: access, id: 20}, gateway: 10.1.1.1/24}}\n"
    "uplinks: {internet: {vlan: {port: uplink, id: 901}, address: 203.0.113.11/24}}\n";

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const bool is_gateway = data[0] == 'g';
    const sluice::front::MemoryFiles files({{"p/gateway.yaml", is_gateway ? text : gateway},
                                            {"p/blue.yaml", is_gateway ? "tenant: blue\n" : text},
                                            {"p/red.yaml", red}});
    const auto result = sluice::sema::check_policy("p", files);
    require(result.policy.has_value() == (result.diagnostics.error_count() == 0));
    const auto shown =
        sluice::front::render_text(result.diagnostics, result.sources, sluice::front::Colour::off);
    require(shown.empty() == result.diagnostics.all().empty());
    (void)sluice::front::render_json(result.diagnostics, result.sources);
    if (!result.policy) return 0;
    for (const auto& tenant : result.policy->tenants) {
        for (const auto& interface : tenant.interfaces) {
            const bool is_peer = interface.kind == sluice::policy::InterfaceKind::peer;
            require(is_peer ? interface.peer_tenant < result.policy->tenants.size()
                            : interface.port < result.policy->ports.size());
        }
        for (const auto& rule : tenant.snat) require(rule.out < tenant.interfaces.size() && !rule.pool.empty());
    }
    return 0;
}
