// SPDX-License-Identifier: Apache-2.0
//
// The records of a longest-prefix-match table (image.fbs, Lpm) while they are written, one after the other.
// One thread. Cost: linear in what is written.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

namespace sluice::lower {

class LpmRecords {
  public:
    explicit LpmRecords(bool wide);

    /// Begins a record and returns the word where it stands.
    std::size_t begin();
    /// A run of branches that starts at `branch`; returns its number. Runs come in the order of their branches.
    unsigned add_run(unsigned branch, std::uint32_t leaf);
    void end();

    /// The record that was written last has no children: drops it where the same record stands already, and
    /// returns where.
    std::size_t share(std::size_t record);

    /// The next record will be the child that `run` of `parent` leads to. Runs come in order.
    void point_to_end(std::size_t parent, unsigned run);

    const std::vector<std::uint64_t>& words() const { return words_; }
    std::vector<std::uint64_t> take() { return std::move(words_); }

  private:
    struct Content {
        const LpmRecords* records;
        std::size_t operator()(std::size_t record) const;              // hash
        bool operator()(std::size_t record, std::size_t other) const;  // equality
    };

    std::size_t size_of(std::size_t record) const;
    void put_leaf(std::size_t record, unsigned run, std::uint32_t leaf);

    bool wide_;
    std::vector<std::uint64_t> words_;
    std::vector<std::uint32_t> leaves_;  // of the record being written
    std::uint64_t run_starts_ = 0;
    std::unordered_set<std::size_t, Content, Content> shared_;
};

}  // namespace sluice::lower
