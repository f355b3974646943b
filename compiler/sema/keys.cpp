// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/keys.h"

namespace sluice::sema::keys {
namespace {

using front::Code;
constexpr Need required = Need::required;
constexpr Need later = Need::later;

constexpr KeyRow gateway_keys[] = {{"gateway", required}, {"mac", required}, {"ttl"},
                                   {"ports", required},   {"provider"},      {"tenants", required}};
constexpr KeyRow provider_keys[] = {{"router"}, {"uplinks", required}, {"links", required}, {"routes"}};
constexpr KeyRow router_keys[] = {{"transit"}, {"urpf"}, {"ttl"}};
constexpr KeyRow transit_keys[] = {{"subnet", required}, {"vxlan"}, {"geneve"}, {"mac"}};
constexpr KeyRow port_keys[] = {{"mtu"}, {"tunnel-endpoint"}, {"tunnel-gateway"}, {"neighbours"}};
constexpr KeyRow tenant_keys[] = {{"tenant", required},
                                  {"router"},
                                  {"segments"},
                                  {"uplinks"},
                                  {"peers"},
                                  {"routes"},
                                  {"nat"},
                                  {"addresses"},
                                  {"services"},
                                  {"limits"},
                                  {"timeouts"},
                                  {"firewall"},
                                  {"tests"},
                                  {"signatures", later, Code::signatures_later}};
constexpr KeyRow segment_keys[] = {{"vlan"},
                                   {"qinq"},
                                   {"untagged"},
                                   {"vxlan"},
                                   {"geneve"},
                                   {"pbb", later, Code::pbb_later},
                                   {"gateway", required},
                                   {"mac"},
                                   {"mtu"},
                                   {"neighbours"},
                                   {"stations"},
                                   {"bridge"},
                                   {"unknown"},
                                   {"urpf"}};
constexpr KeyRow uplink_keys[] = {{"vlan"}, {"qinq"}, {"untagged"},   {"address", required},
                                  {"mac"},  {"mtu"},  {"neighbours"}, {"urpf"}};
constexpr KeyRow vlan_keys[] = {{"port", required}, {"id", required}};
constexpr KeyRow qinq_keys[] = {{"port", required}, {"outer", required}, {"inner", required}};
constexpr KeyRow untagged_keys[] = {{"port", required}};
constexpr KeyRow vxlan_keys[] = {{"port", required}, {"vni", required}, {"remotes", required}};
constexpr KeyRow geneve_keys[] = {{"port", required}, {"vni", required}, {"remotes", required}};
constexpr KeyRow bridge_keys[] = {{"vlan"}, {"qinq"}, {"untagged"}};
constexpr KeyRow route_keys[] = {{"to", required}, {"via"}, {"blackhole"}, {"tenant"}};
constexpr KeyRow snat_keys[] = {{"snat", required}, {"out", required},   {"to", required}, {"ports"},
                                {"block-size"},     {"blocks-per-host"}, {"filter"}};
constexpr KeyRow nat64_keys[] = {{"nat64", required}, {"from", required}, {"out", required},   {"to", required},
                                 {"ports"},           {"block-size"},     {"blocks-per-host"}, {"filter"}};
constexpr KeyRow dnat_keys[] = {{"dnat", required}, {"on", required}, {"to", required}};
constexpr KeyRow one_to_one_keys[] = {{"one-to-one", required}, {"inside", required}, {"on", required}};
constexpr KeyRow exempt_keys[] = {{"exempt", required}, {"out", required}, {"to"}};
constexpr KeyRow limits_keys[] = {{"sessions"},      {"new-sessions"},      {"packets"},       {"slow-path"},
                                  {"host-sessions"}, {"host-new-sessions"}, {"host-half-open"}};
constexpr KeyRow timeouts_keys[] = {{"udp"},         {"dns"},  {"icmp"}, {"tcp-opening"}, {"tcp-established"},
                                    {"tcp-closing"}, {"other"}};
constexpr KeyRow firewall_keys[] = {{"default"}, {"denied-sessions"}, {"implausible-segments"}, {"rules"}};
constexpr KeyRow rule_keys[] = {{"name", required},
                                {"from", required},
                                {"to", required},
                                {"service"},
                                {"action", required},
                                {"log"},
                                {"inspect", later, Code::inspect_later}};
constexpr KeyRow test_keys[] = {
    {"name", required}, {"packet", required}, {"on", required}, {"expect", required}, {"rule"}, {"becomes"}};

}  // namespace

const ObjectTable gateway{"gateway", "gateway.yaml", gateway_keys};
const ObjectTable provider{"provider", "provider", provider_keys};
const ObjectTable router{"router", "router", router_keys};
const ObjectTable transit{"transit", "transit", transit_keys};
const ObjectTable port{"port", "a port", port_keys};
const ObjectTable tenant{"tenant", "a tenant", tenant_keys};
const ObjectTable segment{"segment", "a segment", segment_keys};
const ObjectTable uplink{"uplink", "an uplink", uplink_keys};
const ObjectTable vlan{"vlan", "vlan", vlan_keys};
const ObjectTable qinq{"qinq", "qinq", qinq_keys};
const ObjectTable untagged{"untagged", "untagged", untagged_keys};
const ObjectTable vxlan{"vxlan", "vxlan", vxlan_keys};
const ObjectTable geneve{"geneve", "geneve", geneve_keys};
const ObjectTable bridge{"bridge", "a bridge's entry", bridge_keys};
const ObjectTable route{"route", "a route", route_keys};
const ObjectTable snat{"snat", "an snat rule", snat_keys};
const ObjectTable nat64{"nat64", "a nat64 rule", nat64_keys};
const ObjectTable dnat{"dnat", "a dnat rule", dnat_keys};
const ObjectTable one_to_one{"one-to-one", "a one-to-one rule", one_to_one_keys};
const ObjectTable exempt{"exempt", "an exemption", exempt_keys};
const ObjectTable timeouts{"timeouts", "timeouts", timeouts_keys};
const ObjectTable limits{"limits", "limits", limits_keys};
const ObjectTable firewall{"firewall", "firewall", firewall_keys};
const ObjectTable rule{"rule", "a rule", rule_keys};
const ObjectTable test{"test", "a test", test_keys};

std::span<const ObjectTable* const> all() {
    static constexpr const ObjectTable* tables[] = {
        &gateway,    &provider, &router,   &transit, &port,     &tenant, &segment, &uplink, &vlan,
        &qinq,       &untagged, &vxlan,    &geneve,  &bridge,   &route,  &snat,    &nat64,  &dnat,
        &one_to_one, &exempt,   &timeouts, &limits,  &firewall, &rule,   &test};
    return tables;
}

}  // namespace sluice::sema::keys
