// SPDX-License-Identifier: Apache-2.0
//
// MT-A32: a thousand tenants with the same inside addresses, kept apart, and what an idle one costs.
#include <malloc.h>

#include "tests/acceptance/change.h"
#include "tests/support/compile.h"

namespace sluice::test {
namespace {

constexpr unsigned tenants = 1000;
constexpr unsigned flows_a_tenant = 10;
constexpr std::uint16_t first_vlan = 2;

std::string net_of(unsigned tenant, unsigned first) {
    return std::to_string(first) + "." + std::to_string(tenant / 250) + "." + std::to_string(tenant % 250) +
           ".";
}
std::string external_of(unsigned tenant) {
    return net_of(tenant, 45) + "9";
}

Texts many_tenants(unsigned count) {
    Texts texts;
    std::string list;
    for (unsigned i = 0; i < count; ++i) {
        const std::string file = "tenants/t" + std::to_string(i) + ".yaml";
        const std::string vlan = std::to_string(first_vlan + i);
        texts[file] = "tenant: t" + std::to_string(i) +
                      "\nsegments:\n  lan:\n    vlan: {port: V0, id: " + vlan +
                      "}\n    gateway: 10.1.1.1/24\n    neighbours: {10.1.1.5: \"02:aa:00:00:00:05\"}\n" +
                      "uplinks:\n  net:\n    vlan: {port: U0, id: " + vlan +
                      "}\n    address: " + net_of(i, 44) + "2/29\n    neighbours: {" + net_of(i, 44) +
                      "1: \"02:00:00:00:09:01\"}\n" + "routes:\n  - {to: 0.0.0.0/0, via: " + net_of(i, 44) +
                      "1}\n" + "nat:\n  - {snat: 10.1.1.0/24, out: net, to: " + external_of(i) + "}\n" +
                      "firewall:\n  rules:\n    - {name: out, from: lan, to: net, action: allow}\n";
        list += (i == 0 ? "" : ", ") + file;
    }
    texts["gateway.yaml"] =
        "gateway: many\nmac: 02:00:00:00:01:01\nports:\n  V0: {mtu: 1500}\n  U0: {mtu: 1500}\n"
        "tenants: [" +
        list + "]\n";
    return texts;
}

Packet inside(unsigned tenant, unsigned flow) {
    return {.source_mac = "02:aa:00:00:00:05",
            .destination_mac = "02:00:00:00:01:01",
            .vlan = static_cast<std::uint16_t>(first_vlan + tenant),
            .source_port = static_cast<std::uint16_t>(5000 + flow),
            .destination_port = 7};
}

class ManyTenants : public testing::TestWithParam<CacheTiers> {};
SLUICE_ACCEPTANCE(ManyTenants);

TEST_P(ManyTenants, MT_A32_each_flow_keeps_to_its_tenant) {
    const auto image = compile_texts(many_tenants(tenants));
    ShardSettings settings;
    settings.cache = GetParam();
    TestGateway gateway(*image, settings);
    std::vector<std::uint16_t> ports(tenants * flows_a_tenant);
    for (unsigned round = 0; round < 2; ++round) {
        for (unsigned i = 0; i < ports.size(); ++i) {
            const unsigned tenant = i % tenants, flow = i / tenants;
            const Decoded sent = only(gateway.inject("V0", udp(inside(tenant, flow))));
            ASSERT_EQ(sent.vids.at(0), first_vlan + tenant);
            ASSERT_EQ(text(sent.source), external_of(tenant));
            if (round == 1) {
                ASSERT_EQ(sent.source_port(), ports[i]);
            }
            ports[i] = sent.source_port();
        }
    }
    for (unsigned i = 0; i < ports.size(); ++i) {
        const unsigned tenant = i % tenants, flow = i / tenants;
        Packet reply{.source_mac = "02:00:00:00:09:01",
                     .destination_mac = "02:00:00:00:01:01",
                     .vlan = static_cast<std::uint16_t>(first_vlan + tenant),
                     .source = "198.18.0.9",
                     .destination = external_of(tenant),
                     .source_port = 7,
                     .destination_port = ports[i]};
        const Decoded received = only(gateway.inject("U0", udp(reply)));
        ASSERT_EQ(received.vids.at(0), first_vlan + tenant);
        ASSERT_EQ(received.destination_port(), 5000 + flow);
        reply.vlan = static_cast<std::uint16_t>(first_vlan + (tenant + 1) % tenants);
        for (const SentFrame& stray : gateway.inject("U0", udp(reply))) {
            ASSERT_EQ(stray.port, gateway.port_of("U0")) << "never into another tenant's segment";
        }
    }
    EXPECT_EQ(gateway.counters().sessions.created, ports.size());
    EXPECT_TRUE(gateway.counters().balanced());
}

std::size_t heap_bytes() {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

TEST(IdleTenants, MT_A32_one_costs_no_more_than_64_kilobytes) {
    constexpr std::size_t few = 8;
    const auto bytes_of = [](unsigned count, std::unique_ptr<TestGateway>& gateway) {
        static std::vector<std::unique_ptr<const Image>> kept;
        kept.push_back(compile_texts(many_tenants(count)));
        const std::size_t before = heap_bytes();
        gateway = std::make_unique<TestGateway>(*kept.back());
        return heap_bytes() - before + kept.back()->bytes();
    };
    std::unique_ptr<TestGateway> small, large;
    const std::size_t bytes_small = bytes_of(few, small);
    const std::size_t bytes_large = bytes_of(tenants, large);
    const std::size_t each = (bytes_large - std::min(bytes_large, bytes_small)) / (tenants - few);
    RecordProperty("bytes_a_tenant", static_cast<int>(each));
    EXPECT_LE(each, 64u << 10);
}

}  // namespace
}  // namespace sluice::test
