// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/program_store.h"

#include <bit>

namespace sluice {

Recipe Recipe::of(const Program& program) noexcept {
    Recipe recipe;
    const L2Header header{
        {}, program.source_mac, program.tag_count, {program.vids[0], program.vids[1]}, ethertype_ipv4};
    std::array<std::uint8_t, l2_room> l2{};
    write_l2(l2.data() + l2_room - header.bytes(), header);
    recipe.l2 = std::bit_cast<decltype(recipe.l2)>(l2);
    recipe.mtu = program.mtu;
    recipe.out_port = program.out_port;
    recipe.ingress_tenant = program.ingress.tenant;
    recipe.egress_tenant = program.egress.tenant;
    recipe.l2_bytes = static_cast<std::uint8_t>(header.bytes());
    recipe.ttl_cost = program.ttl_cost;
    recipe.short_enough = program.session_count < 2 && !(program.new_source && program.new_destination);
    recipe.tunnelled = program.tunnelled;
    recipe.vni = program.vni;
    recipe.new_source = program.new_source;
    recipe.new_destination = program.new_destination;
    return recipe;
}

ProgramStore::ProgramStore(std::uint32_t capacity, const HashKey& key)
    : key_(key),
      bucket_mask_(std::bit_ceil(capacity) - 1),
      programs_(capacity),
      recipes_(capacity),
      users_(capacity, 0),
      next_(capacity, no_program),
      buckets_(std::size_t{bucket_mask_} + 1, no_program) {
    free_.reserve(capacity);
    for (std::uint32_t i = capacity; i-- > 0;) free_.push_back(i);
}

std::uint64_t ProgramStore::hash(const Program& program) const noexcept {
    const auto pair = [](InterfaceRef ref) { return std::uint64_t{ref.tenant} << 16 | ref.interface; };
    KeyedHash hash(key_);
    hash.add(pair(program.ingress) << 32 | pair(program.egress),
             std::uint64_t{program.ttl_cost} << 8 | program.session_count);
    return hash.value();
}

std::uint32_t ProgramStore::intern(const Program& program) noexcept {
    std::uint32_t& head = buckets_[hash(program) & bucket_mask_];
    for (std::uint32_t i = head; i != no_program; i = next_[i]) {
        if (programs_[i] == program) {
            ++users_[i];
            return i;
        }
    }
    if (free_.empty()) return no_program;
    const std::uint32_t index = free_.back();
    free_.pop_back();
    programs_[index] = program;
    recipes_[index] = Recipe::of(program);
    users_[index] = 1;
    next_[index] = head;
    head = index;
    return index;
}

void ProgramStore::release(std::uint32_t program) noexcept {
    if (--users_[program] != 0) return;
    std::uint32_t* link = &buckets_[hash(programs_[program]) & bucket_mask_];
    while (*link != program) link = &next_[*link];
    *link = next_[program];
    free_.push_back(program);
}

}  // namespace sluice
