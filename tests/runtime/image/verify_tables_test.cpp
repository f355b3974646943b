// SPDX-License-Identifier: Apache-2.0
//
// Tables whose rows do not fit each other: what the compiler's passes never make, and an attacker might.
#include <gtest/gtest.h>

#include "compiler/lower/lpm_builder.h"
#include "tests/runtime/image/refusal.h"

namespace sluice {
namespace {

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

using lower::LpmTable;

std::uint16_t* leaf_of(LpmTable& table, std::size_t record, unsigned run) {
    return reinterpret_cast<std::uint16_t*>(&table.records[record]) + lpm_leaves_offset / 2 + run;
}
void set_children(LpmTable& table, std::size_t record, std::uint32_t children) {
    auto& word = table.records[record + 1];
    word = word >> 32 << 32 | children;
}

// routes4 of blue: a root of 64 entries, records of the first level at words 0, 2, 5 and 7, the children of the
// second at 10 and 13.
constexpr Case lpm_cases[] = {
    {"RootOfOddSize", [](TenantTables& t) { t.routes4.root.resize(65); },
     R"(tenant "blue": routes4: the root has 65 entries, expected a power of two up to 262144)"},
    {"RecordsWithoutARoot", [](TenantTables& t) { t.routes4.root.clear(); },
     R"(tenant "blue": routes4: the root has 0 entries, expected a power of two up to 262144)"},
    {"RootWithoutRecords", [](TenantTables& t) { t.routes4.records.clear(); },
     R"(tenant "blue": routes4: the first level has 10 words of 0)"},
    {"RootEntryInsideARecord", [](TenantTables& t) { t.routes4.root[0] = 1; },
     R"(tenant "blue": routes4: entry 0 of the root leads to word 1, where no record begins)"},
    {"RootEntryOnTheSecondLevel", [](TenantTables& t) { t.routes4.root[0] = 10; },
     R"(tenant "blue": routes4: entry 0 of the root leads to word 10, where no record begins)"},
    {"RootEntryBeyondTheEnd", [](TenantTables& t) { t.routes4.root[63] = 4'000'000'000; },
     R"(tenant "blue": routes4: entry 63 of the root leads to word 4000000000, where no record begins)"},
    {"RecordOfNoRootEntry",
     [](TenantTables& t) { std::fill(t.routes4.root.begin(), t.routes4.root.end(), 0U); },
     R"(tenant "blue": routes4: nothing leads to the record at word 2)"},
    {"RecordOfNoParent",
     [](TenantTables& t) {
         t.routes4.records.insert(t.routes4.records.end(), {1, 0});
     },
     R"(tenant "blue": routes4: nothing leads to the record at word 56)"},
    {"NoFirstLevel", [](TenantTables& t) { t.routes4.first_level_words = 0; },
     R"(tenant "blue": routes4: the first level has 0 words of 56)"},
    {"FirstLevelBeyondTheEnd", [](TenantTables& t) { t.routes4.first_level_words = 57; },
     R"(tenant "blue": routes4: the first level has 57 words of 56)"},
    {"FirstLevelEndsInsideARecord", [](TenantTables& t) { t.routes4.first_level_words = 9; },
     R"(tenant "blue": routes4: the record at word 2 has a child 3 words behind the first, expected 2)"},
    {"FirstRecordEndsBeyondTheFirstLevel", [](TenantTables& t) { t.routes4.records[0] = ~0ULL; },
     R"(tenant "blue": routes4: the record at word 0 ends at word 18, the first level at word 10)"},
    {"RecordBeyondTheEnd",
     [](TenantTables& t) {
         t.routes4 = lower::build_lpm({{{}, 1}});
         t.routes4.records[0] = ~0ULL;
     },
     R"(tenant "blue": routes4: the record at word 0 ends beyond the table)"},
    {"ChildrenLeadBack", [](TenantTables& t) { set_children(t.routes4, 2, 0); },
     R"(tenant "blue": routes4: the record at word 2 has its children at word 0, expected 10)"},
    {"ChildrenBeyondTheEnd", [](TenantTables& t) { set_children(t.routes4, 2, 4'000'000'000); },
     R"(tenant "blue": routes4: the record at word 2 has its children at word 4000000000, expected 10)"},
    {"ChildrenOfNoBranch", [](TenantTables& t) { set_children(t.routes4, 0, 10); },
     R"(tenant "blue": routes4: the record at word 0 has its children at word 10, expected 0)"},
    {"ChildOfTwoBranches", [](TenantTables& t) { *leaf_of(t.routes4, 2, 3) = 0x8000; },
     R"(tenant "blue": routes4: the record at word 2 has a child 0 words behind the first, expected 3)"},
    {"ChildFarAway", [](TenantTables& t) { *leaf_of(t.routes4, 2, 1) = 0xffff; },
     R"(tenant "blue": routes4: the record at word 2 has a child 32767 words behind the first, expected 0)"},
    {"ChildThatEndsBeyondTheEnd", [](TenantTables& t) { t.routes4.records[54] = ~0ULL; },
     R"(tenant "blue": routes4: the record at word 36 has a child at word 54 of 56)"},
    {"ChildBeyondTheEnd", [](TenantTables& t) { t.routes4.records.resize(10); },
     R"(tenant "blue": routes4: the record at word 2 has a child at word 10 of 10)"},
    {"FirstBranchOfNoRun", [](TenantTables& t) { t.routes4.records[0] = 2; },
     R"(tenant "blue": routes4: the record at word 0 has no run at its first branch)"},
    {"NoRunAtAll", [](TenantTables& t) { t.routes4.records[0] = 0; },
     R"(tenant "blue": routes4: the record at word 0 has no run at its first branch)"},
    {"BytesBehindTheLeaves", [](TenantTables& t) { t.routes4.records[1] |= 1ULL << 63; },
     R"(tenant "blue": routes4: the record at word 0 does not end in zeros)"},
    {"NarrowLeavesReadAsWide", [](TenantTables& t) { t.routes4.wide = true; },
     R"(tenant "blue": routes4: the record at word 2 has a child 1 words behind the first, expected 0)"},
    {"DeeperThanItsFamily", [](TenantTables& t) { t.routes4 = t.routes6; },
     R"(tenant "blue": routes4: the record at word 14 has a child, and decides the last of 32 bits)"},
    {"LeafBeyondTheAdjacencies",
     [](TenantTables& t) { *leaf_of(t.routes4, 13, 1) = static_cast<std::uint16_t>(t.adjacencies.size()); },
     R"(tenant "blue": routes4: the record at word 13 has the leaf 23, expected less than 23)"},
    {"LeafOfTheOtherFamily", [](TenantTables& t) { *leaf_of(t.routes6, 0, 0) = 1; },
     R"(tenant "blue": routes6 leads to adjacency 1 of the other family)"},
    {"ClassBeyondTheCount", [](TenantTables& t) { *leaf_of(t.sets6, 0, 0) = 5; },
     R"(tenant "blue": sets6: the record at word 0 has the leaf 5, expected less than 5)"},
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
    {"NoNatClass", [](TenantTables& t) { t.nat_classes6.clear(); }, "tenant 0: nat_classes6 is missing"},
    {"NatClassOfNobody", [](TenantTables& t) { t.nat_classes4[0] = t.nat_classes4[1]; },
     R"(tenant "blue": IPv4 NAT class 0 does something)"},
    {"NatClassBeyondTheExternals",
     [](TenantTables& t) { t.nat_classes4[2] = image::NatClass(4, 0, 0, 0, 0, 0, 0); },
     R"(tenant "blue": IPv4 NAT class 2 is external address 4, there are 4)"},
    {"NatClassOfTheOtherFamily", [](TenantTables& t) { t.nat_classes6.push_back(t.nat_classes4[1]); },
     R"(tenant "blue": IPv6 NAT class 1 has rules of the other family)"},
    {"NatPortsNotSorted", [](TenantTables& t) { std::swap(t.dnat_ports[1], t.dnat_ports[2]); },
     R"(tenant "blue": IPv4 NAT class 3 has ports that are not sorted from 0)"},
    {"NatPortsBeyondTheEnd", [](TenantTables& t) { t.dnat_ports.pop_back(); },
     R"(tenant "blue": IPv4 NAT class 3 has ports beyond the table)"},
    {"NatPortOfAnotherAddress",
     [](TenantTables& t) {
         t.dnat_ports[0] = image::DnatPort(0, static_cast<std::uint32_t>(t.dnat_rules.size()));
     },
     R"(tenant "blue": IPv4 NAT class 3 leads to DNAT rule 4, which is not of its address)"},
    {"SourceRuleBeyondTheEnd",
     [](TenantTables& t) { t.source_matches[0] = image::SourceMatch(1, 2, 0, image::SourceKind::OneToOne); },
     R"(tenant "blue": IPv4 NAT class 1 has source rule 1 of a kind that has fewer)"},
    {"ExemptionBeyondTheEnd",
     [](TenantTables& t) { t.source_matches[0] = image::SourceMatch(0, 2, 0, image::SourceKind::Exempt); },
     R"(tenant "blue": IPv4 NAT class 1 has source rule 0 of a kind that has fewer)"},
    {"ExemptionOfTheOtherKind",
     [](TenantTables& t) {
         t.exemptions = {image::Exemption(1, 2, 4, 1)};
         t.source_matches[0] = image::SourceMatch(0, 2, 0, image::SourceKind::ExemptTowards);
     },
     R"(tenant "blue": IPv4 NAT class 1 has an exemption of the other kind)"},
    {"SourceRuleOfNoKind",
     [](TenantTables& t) {
         t.source_matches[0] = image::SourceMatch(0, 2, 0, static_cast<image::SourceKind>(4));
     },
     R"(tenant "blue": IPv4 NAT class 1 has a source that is of no kind)"},
    {"TooManyExemptions", [](TenantTables& t) { t.exemptions.assign(33, image::Exemption(1, 2, 4, 1)); },
     R"(tenant "blue": has more exemptions than a NAT class has bits)"},
    {"SourceRuleOfAnotherInterface",
     [](TenantTables& t) { t.source_matches[0] = image::SourceMatch(0, 1, 0, image::SourceKind::OneToOne); },
     R"(tenant "blue": IPv4 NAT class 1 has the source rule of another interface)"},
    {"SourceRuleOfAnotherPrefix",
     [](TenantTables& t) { t.source_matches[0] = image::SourceMatch(0, 2, 1, image::SourceKind::OneToOne); },
     R"(tenant "blue": IPv4 NAT class 1 has the source rule of another NAT64 prefix)"},
    {"ClassOfNoPrefix", [](TenantTables& t) { t.nat_classes6.emplace_back(0xffffffff, 0, 0, 0, 0, 0, 1); },
     R"(tenant "blue": IPv6 NAT class 1 is of NAT64 prefix 0)"},
    {"PrefixWithoutItsClass",
     [](TenantTables& t) { t.nat64_prefixes.emplace_back(image::Ip(0x64ff9b00000000, 0), 96, 6, 0); },
     R"(tenant "blue": NAT64 prefix 0 is not of its NAT class)"},
    {"PrefixWithoutRoom",
     [](TenantTables& t) { t.nat64_prefixes.emplace_back(image::Ip(0x64ff9b00000000, 0), 95, 6, 0); },
     R"(tenant "blue": NAT64 prefix 0 has no room for an IPv4 address)"},
    {"TooManyPrefixes",
     [](TenantTables& t) {
         t.nat64_prefixes.assign(17, {image::Ip(0x64ff9b00000000, 0), 96, 6, 0});
     },
     R"(tenant "blue": 17 NAT64 prefixes, at most 16 are possible)"},
    {"ExternalWithoutItsClass", [](TenantTables& t) { t.nat4 = {}; },
     R"(tenant "blue": external address 0 is not of its NAT class)"},
    {"RulesWithoutNames", [](TenantTables& t) { t.rules.pop_back(); },
     R"(tenant "blue": 4 firewall rules have 5 names)"},
    {"RuleName", [](TenantTables& t) { std::swap(t.rules[0], t.rules[1]); },
     R"(tenant "blue": firewall rule 0 has name 1, expected its own number)"},
    {"RuleAction",
     [](TenantTables& t) {
         t.rules[0] = image::FirewallRule(0, 0, static_cast<image::FirewallAction>(3), 0, 0);
     },
     R"(tenant "blue": firewall rule 0 has action 3, expected at most 2)"},
    {"RuleLog",
     [](TenantTables& t) { t.rules[0] = image::FirewallRule(0, 0, image::FirewallAction::Allow, 2, 0); },
     R"(tenant "blue": firewall rule 0 has log 2, expected 0 or 1)"},
    {"NoAddressClass", [](TenantTables& t) { t.address_class_count = 0; },
     R"(tenant "blue": has no address class, not even the one in no set)"},
    {"FromZones", [](TenantTables& t) { t.from_zones.pop_back(); },
     R"(tenant "blue": from_zones has 3 interfaces, expected 4)"},
    {"ToZones", [](TenantTables& t) { t.to_zones.push_back(0); },
     R"(tenant "blue": to_zones has 5 interfaces, expected 4)"},
    {"ServiceCellsOddSize", [](TenantTables& t) { t.service_cells.pop_back(); },
     R"(tenant "blue": service_cells has 2303 cells, expected a multiple of 256 from 512 on)"},
    {"ServiceCellsMissing", [](TenantTables& t) { t.service_cells.clear(); },
     R"(tenant "blue": has firewall rules and no map of services)"},
    {"ServiceProtocolLeadsOut", [](TenantTables& t) { t.service_cells[262] = 9; },
     R"(tenant "blue": service_cells leads protocol 6 to row 9, there are 9)"},
    {"ServicePageLeadsOut", [](TenantTables& t) { t.service_cells[t.service_cells[6] * 256u + 1] = 9; },
     R"(tenant "blue": service_cells leads row 8 to row 9, there are 9)"},
    {"ClassifierWithoutRules",
     [](TenantTables& t) {
         t.rules.clear();
         t.classifier = {};
     },
     R"(tenant "blue": 0 firewall rules have 5 names)"},
};
INSTANTIATE_TEST_SUITE_P(Rows, WrongTable, testing::ValuesIn(row_cases), case_name);

}  // namespace
}  // namespace sluice
