// SPDX-License-Identifier: Apache-2.0
//
// Programs interned by content: flows with the same trace share one. Counted by the flows that use it; a
// program goes with its last flow. Owner shard only. Allocates in the constructor only. intern: one hash and
// usually one compare.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/cache/program.h"
#include "runtime/cache/recipe.h"
#include "runtime/state/big_array.h"
#include "runtime/state/fetch_line.h"
#include "runtime/state/keyed_hash.h"

namespace sluice {

class ProgramStore {
  public:
    ProgramStore(std::uint32_t capacity, const HashKey& key);

    /// One use more of this program; no_program when the store is full.
    std::uint32_t intern(const Program& program) noexcept;
    /// One use more of a program in use.
    void share(std::uint32_t program) noexcept { ++users_[program]; }
    void release(std::uint32_t program) noexcept;
    /// Fetches what sharing and carrying out a program touches.
    void prefetch(std::uint32_t program) const noexcept {
        fetch_line(&recipes_[program]);
        fetch_line(&users_[program]);
    }
    const Program& operator[](std::uint32_t program) const noexcept { return programs_[program]; }
    const Recipe* recipes() const noexcept { return &recipes_[0]; }  // by program
    std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(programs_.size() - free_.size()); }

  private:
    std::uint64_t hash(const Program& program) const noexcept;

    HashKey key_;
    std::uint32_t bucket_mask_;
    std::vector<Program> programs_;
    BigArray<Recipe> recipes_;
    std::vector<std::uint32_t> users_, next_;
    std::vector<std::uint32_t> buckets_;  // chains through next_
    std::vector<std::uint32_t> free_;
};

}  // namespace sluice
