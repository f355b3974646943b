// SPDX-License-Identifier: Apache-2.0
#include "tests/acceptance/acceptance.h"

#include <algorithm>

#include "tests/support/compile.h"

namespace sluice::test {

const Image& topology_t1() {
    static const std::unique_ptr<const Image> image = compile_directory("tests/acceptance/t1");
    return *image;
}

void Acceptance::TearDown() {
    EXPECT_TRUE(gateway.counters().balanced());
    EXPECT_EQ(gateway.frames_in_use(), gateway.counters().held);
}

const RuleCount& Acceptance::rule(std::uint16_t tenant, std::string_view name) {
    const auto names = topology_t1().tenants()[tenant].rule_names.all();
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) ADD_FAILURE() << "no rule " << name;
    return gateway.counters().tenants[tenant].rules[static_cast<std::size_t>(at - names.begin())];
}

Decoded only(const std::vector<SentFrame>& sent) {
    EXPECT_EQ(sent.size(), 1u);
    if (sent.size() != 1) return {};
    EXPECT_TRUE(checksums_valid(sent[0].bytes));
    return decode(sent[0].bytes);
}

std::string text(Ip ip) {
    return to_string(ip, Family::v4);
}

Bytes answer_of_a9() {
    return arp({.source_mac = "02:aa:00:00:00:09",
                .destination_mac = "02:50:56:56:44:52",
                .vlan = 502,
                .operation = 2,
                .sender_mac = "02:aa:00:00:00:09",
                .sender_ip = "10.1.2.9",
                .target_mac = "02:50:56:56:44:52",
                .target_ip = "10.1.2.1"});
}

}  // namespace sluice::test
