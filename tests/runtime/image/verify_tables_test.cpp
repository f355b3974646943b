// SPDX-License-Identifier: Apache-2.0
//
// Tables whose rows do not fit each other: what the compiler's passes never make, and an attacker might.
#include <gtest/gtest.h>

#include "tests/runtime/image/refusal.h"

namespace sluice {
namespace {

using image::LpmNode;
using lower::TenantTables;

struct Case {
    const char* name;
    void (*change)(TenantTables&);
    const char* sentence;
};

class WrongTable : public testing::TestWithParam<Case> {};

std::string case_name(const testing::TestParamInfo<Case>& row) {
    return row.param.name;
}

TEST_P(WrongTable, IsRefusedWithItsSentence) {
    EXPECT_EQ(test::refusal_of_tables(GetParam().change), GetParam().sentence);
}

TEST(WrongTable, NothingChangedIsAccepted) {
    EXPECT_EQ(test::refusal_of_tables([](TenantTables&) {}), "accepted");
}

LpmNode with_children(const LpmNode& node, std::uint64_t children, std::uint32_t first_child) {
    return {children, node.leaf_starts(), first_child, node.first_leaf()};
}
LpmNode with_leaves(const LpmNode& node, std::uint64_t starts, std::uint32_t first_leaf) {
    return {node.children(), starts, node.first_child(), first_leaf};
}

// routes4 of blue: node 0 is the root, node 1 its first child.
constexpr Case lpm_cases[] = {
    {"ChildrenLeadBack",
     [](TenantTables& t) {
         t.routes4.nodes[1] = with_children(t.routes4.nodes[1], t.routes4.nodes[1].children(), 1);
     },
     R"(tenant "blue": routes4: the children of node 1 begin at node 1, expected 4)"},
    {"ChildrenBeyondTheEnd",
     [](TenantTables& t) {
         t.routes4.nodes[0] = with_children(t.routes4.nodes[0], t.routes4.nodes[0].children(), 4'000'000'000);
     },
     R"(tenant "blue": routes4: the children of node 0 begin at node 4000000000, expected 1)"},
    {"LeavesBeyondTheEnd",
     [](TenantTables& t) {
         t.routes4.nodes[0] = with_leaves(t.routes4.nodes[0], t.routes4.nodes[0].leaf_starts(), 4'000'000'000);
     },
     R"(tenant "blue": routes4: the leaves of node 0 begin at leaf 4000000000, expected 0)"},
    {"NoRunBegins", [](TenantTables& t) { t.routes4.nodes[0] = with_leaves(t.routes4.nodes[0], 0, 0); },
     R"(tenant "blue": routes4: the first leaf branch of node 0 does not start a run)"},
    {"RunBeginsAtAChild",
     [](TenantTables& t) { t.routes4.nodes[0] = with_leaves(t.routes4.nodes[0], ~0ULL, 0); },
     R"(tenant "blue": routes4: node 0 has a branch that is both a child and the start of a leaf run)"},
    {"LeafBeyondTheAdjacencies",
     [](TenantTables& t) { t.routes4.leaves[2] = static_cast<std::uint32_t>(t.adjacencies.size()); },
     R"(tenant "blue": routes4: leaf 2 is 23, expected less than 23)"},
    {"LeafOfTheOtherFamily", [](TenantTables& t) { t.routes6.leaves[0] = 1; },
     R"(tenant "blue": routes6 leads to adjacency 1 of the other family)"},
    {"TooManyLeaves", [](TenantTables& t) { t.routes6.leaves.push_back(0); },
     R"(tenant "blue": routes6 leads to 46 leaves and has 47)"},
    {"TooFewNodes", [](TenantTables& t) { t.routes4.nodes.resize(1); },
     R"(tenant "blue": routes4 leads to 4 nodes and has 1)"},
    {"TooManyNodes", [](TenantTables& t) { t.routes4.nodes.push_back(t.routes4.nodes.back()); },
     R"(tenant "blue": routes4: nothing leads to node 21)"},
    {"LeavesWithoutNodes", [](TenantTables& t) { t.routes4.nodes.clear(); },
     R"(tenant "blue": routes4 has 37 leaves and no node)"},
    {"TooDeep",
     [](TenantTables& t) {
         t.routes4.nodes.clear();
         t.routes4.leaves.clear();
         for (std::uint32_t i = 0; i < 7; ++i) {
             t.routes4.nodes.emplace_back(i < 6 ? 1 : 0, i < 6 ? 2 : 1, i < 6 ? i + 1 : 0, i);
             t.routes4.leaves.push_back(0);
         }
     },
     R"(tenant "blue": routes4: node 5 is on level 6, the last of its family, and has children)"},
    {"ClassBeyondTheRows", [](TenantTables& t) { t.sets4.leaves[0] = 5; },
     R"(tenant "blue": sets4: leaf 0 is 5, expected less than 5)"},
};
INSTANTIATE_TEST_SUITE_P(Lpm, WrongTable, testing::ValuesIn(lpm_cases), case_name);

constexpr Case row_cases[] = {
    {"NoAdjacencyZero", [](TenantTables& t) { t.adjacencies[0] = t.adjacencies[1]; },
     R"(tenant "blue": adjacency 0 is not "no route")"},
    {"SecondNoRoute", [](TenantTables& t) { t.adjacencies[1] = t.adjacencies[0]; },
     R"(tenant "blue": adjacency 1 is "no route", which is adjacency 0 alone)"},
    {"AdjacencyKind",
     [](TenantTables& t) {
         t.adjacencies[1] = image::Adjacency({}, 0, 0, 0, 4, static_cast<image::AdjacencyKind>(9));
     },
     R"(tenant "blue": adjacency 1 has kind 9, expected at most 8)"},
    {"GroupBeyondTheEnd", [](TenantTables& t) { t.ecmp_members.pop_back(); },
     R"(tenant "blue": adjacency 4 has members 0 and the next 2, the table has 1)"},
    {"GroupOfItself", [](TenantTables& t) { t.ecmp_members[0] = 4; },
     R"(tenant "blue": adjacency 4 has member 4, which is neither a gateway nor a connected network)"},
    {"MemberBeyondTheEnd", [](TenantTables& t) { t.ecmp_members[0] = 400; },
     R"(tenant "blue": adjacency 4 has member 400, there are 23 adjacencies)"},
    {"AddressesBeyondTheEnd", [](TenantTables& t) { t.addresses.pop_back(); },
     R"(tenant "blue": interface "internet" has addresses 3 and the next 2, expected to begin at 3 of 4)"},
    {"AddressesOfNobody", [](TenantTables& t) { t.addresses.push_back(t.addresses[0]); },
     R"(tenant "blue": the interfaces have 5 addresses, the table 6)"},
    {"AddressOfAnother", [](TenantTables& t) { t.addresses[0] = t.addresses[2]; },
     R"(tenant "blue": interface "web" has an address of interface 1)"},
    {"ProxiedNotSorted", [](TenantTables& t) { t.proxied[1] = t.proxied[0]; },
     R"(tenant "blue": proxied address 1 is not sorted behind the one before it)"},
    {"ExternalsNotSorted", [](TenantTables& t) { t.externals[2] = t.externals[1]; },
     R"(tenant "blue": external address 2 is not sorted behind the one before it)"},
    {"DnatOfNobody", [](TenantTables& t) { t.dnat_rules.push_back(t.dnat_rules[3]); },
     R"(tenant "blue": the external addresses have 4 DNAT rules, the table 5)"},
    {"DnatBeyondTheEnd", [](TenantTables& t) { t.dnat_rules.pop_back(); },
     R"(tenant "blue": external address 0 has DNAT rules 0 and the next 4, expected to begin at 0 of 3)"},
    {"DnatUnsorted", [](TenantTables& t) { std::swap(t.dnat_rules[0], t.dnat_rules[3]); },
     R"(tenant "blue": external address 0 has a DNAT rule behind a less specific one)"},
    {"OneToOneOfNobody", [](TenantTables& t) { t.one_to_one_rules.push_back(t.one_to_one_rules[0]); },
     R"(tenant "blue": one-to-one rule 1 belongs to no external address)"},
    {"OneToOneBeyondTheEnd", [](TenantTables& t) { t.one_to_one_rules.clear(); },
     R"(tenant "blue": external address 3 has one-to-one rule 0, there are 0)"},
    {"PoolBeyondTheExternals", [](TenantTables& t) { t.pool_addresses[0] = 4; },
     R"(tenant "blue": SNAT rule 0 has external address 4 in its pool, there are 4)"},
    {"PoolFlag", [](TenantTables& t) { t.pool_addresses[1] = 1; },
     R"(tenant "blue": external address 2 has in_pool 1, expected 0)"},
    {"SourcesBeyondTheEnd", [](TenantTables& t) { t.prefixes.clear(); },
     R"(tenant "blue": SNAT rule 0 has sources 0 and the next 1, the table has 0)"},
    {"ServicesBeyondTheEnd", [](TenantTables& t) { t.services.pop_back(); },
     R"(tenant "blue": firewall rule 2 has services 3 and the next 1, the table has 3)"},
    {"MaskBeyondTheEnd", [](TenantTables& t) { t.masks.pop_back(); },
     R"(tenant "blue": firewall rule 3 has a mask of zones at word 4 of 4, beyond the end)"},
    {"SetWords", [](TenantTables& t) { t.set_words = 2; },
     R"(tenant "blue": set_words is 2, expected 1 for 3 sets)"},
    {"ZoneWords", [](TenantTables& t) { t.zone_words = 0; },
     R"(tenant "blue": zone_words is 0, expected 1 for 4 interfaces)"},
    {"ClassZeroInASet", [](TenantTables& t) { t.class_rows[0] = 1; },
     R"(tenant "blue": address class 0 belongs to a set)"},
    {"ClassBits", [](TenantTables& t) { t.class_rows[1] = 8; },
     R"(tenant "blue": address class 1 has a bit beyond the last of 3 sets)"},
    {"NoClasses", [](TenantTables& t) { t.class_rows.clear(); },
     R"(tenant "blue": class_rows has 0 words, expected a multiple of 1)"},
    {"RulesWithoutNames", [](TenantTables& t) { t.rules.pop_back(); },
     R"(tenant "blue": 4 firewall rules have 5 names)"},
    {"RuleName", [](TenantTables& t) { std::swap(t.rules[0], t.rules[1]); },
     R"(tenant "blue": firewall rule 0 has name 1, expected its own number)"},
    {"RuleAction",
     [](TenantTables& t) {
         t.rules[0] = image::FirewallRule(no_row, no_row, no_row, no_row, 0, 0, 0, 0,
                                          static_cast<image::FirewallAction>(3), 1, 1, 0);
     },
     R"(tenant "blue": firewall rule 0 has action 3, expected at most 2)"},
    {"RuleAnyAndMask",
     [](TenantTables& t) {
         t.rules[0] =
             image::FirewallRule(0, no_row, no_row, no_row, 0, 0, 0, 0, image::FirewallAction::Allow, 1, 1, 0);
     },
     R"(tenant "blue": firewall rule 0 matches any address on its from side and has a mask as well)"},
};
INSTANTIATE_TEST_SUITE_P(Rows, WrongTable, testing::ValuesIn(row_cases), case_name);

}  // namespace
}  // namespace sluice
