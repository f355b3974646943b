// SPDX-License-Identifier: Apache-2.0
#include "bench/acl_table.h"

#include <rte_acl.h>
#include <rte_malloc.h>

#include <cstring>
#include <stdexcept>
#include <string>

namespace sluice::bench {
namespace {

constexpr std::uint32_t fields = 5;
RTE_ACL_RULE_DEF(AclRule, fields);

// Ports share one input word, as librte_acl wants it.
constexpr rte_acl_field_def definitions[fields] = {
    {RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(AclHeader, protocol)},
    {RTE_ACL_FIELD_TYPE_MASK, 4, 1, 1, offsetof(AclHeader, source)},
    {RTE_ACL_FIELD_TYPE_MASK, 4, 2, 2, offsetof(AclHeader, destination)},
    {RTE_ACL_FIELD_TYPE_RANGE, 2, 3, 3, offsetof(AclHeader, source_port)},
    {RTE_ACL_FIELD_TYPE_RANGE, 2, 4, 3, offsetof(AclHeader, destination_port)}};

std::size_t allocated_bytes() {
    rte_malloc_socket_stats stats{};
    rte_malloc_get_socket_stats(0, &stats);
    return stats.heap_allocsz_bytes;
}

AclRule acl_rule(const test::FilterRule& rule, std::uint32_t number, std::size_t count) {
    AclRule result{};
    result.data.category_mask = 1;
    result.data.priority = static_cast<std::int32_t>(count - number);
    result.data.userdata = number + 1;
    result.field[0].value.u8 = rule.protocol;
    result.field[0].mask_range.u8 = rule.protocol_mask;
    result.field[1].value.u32 = rule.source;
    result.field[1].mask_range.u32 = rule.source_length;
    result.field[2].value.u32 = rule.destination;
    result.field[2].mask_range.u32 = rule.destination_length;
    result.field[3].value.u16 = rule.source_port_low;
    result.field[3].mask_range.u16 = rule.source_port_high;
    result.field[4].value.u16 = rule.destination_port_low;
    result.field[4].mask_range.u16 = rule.destination_port_high;
    return result;
}

void expect_done(int result, const char* what) {
    if (result != 0)
        throw std::runtime_error(std::string("librte_acl: ") + what + ": " + std::strerror(-result));
}

}  // namespace

AclHeader acl_header(const test::FilterHeader& header) {
    return {header.protocol,
            {},
            __builtin_bswap32(header.source),
            __builtin_bswap32(header.destination),
            __builtin_bswap16(header.source_port),
            __builtin_bswap16(header.destination_port)};
}

AclTable::AclTable(const std::vector<test::FilterRule>& rules) : table_(nullptr, rte_acl_free) {
    rte_acl_param parameters{};
    parameters.name = "filters";
    parameters.socket_id = SOCKET_ID_ANY;
    parameters.rule_size = RTE_ACL_RULE_SZ(fields);
    parameters.max_rule_num = static_cast<std::uint32_t>(rules.size());
    table_.reset(rte_acl_create(&parameters));
    if (table_ == nullptr) throw std::runtime_error("librte_acl: no memory for the rules");
    const std::size_t with_rules = allocated_bytes();
    std::vector<AclRule> rows;
    for (std::uint32_t i = 0; i < rules.size(); ++i) rows.push_back(acl_rule(rules[i], i, rules.size()));
    expect_done(rte_acl_add_rules(table_.get(), reinterpret_cast<const rte_acl_rule*>(rows.data()),
                                  static_cast<std::uint32_t>(rows.size())),
                "adding the rules");
    rte_acl_config config{};
    config.num_categories = 1;
    config.num_fields = fields;
    std::memcpy(config.defs, definitions, sizeof definitions);
    expect_done(rte_acl_build(table_.get(), &config), "building");
    expect_done(rte_acl_set_ctx_classify(table_.get(), RTE_ACL_CLASSIFY_AVX2), "choosing AVX2");
    bytes_ = allocated_bytes() - with_rules;
}

void AclTable::lookup(const std::uint8_t* const* headers, std::uint32_t count, std::uint32_t* found) const {
    rte_acl_classify(table_.get(), const_cast<const std::uint8_t**>(headers), found, count, 1);
}

}  // namespace sluice::bench
