// SPDX-License-Identifier: Apache-2.0
#include "compiler/lower/lpm_records.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>

#include "schemas/layout/lpm.h"

namespace sluice::lower {

LpmRecords::LpmRecords(bool wide) : wide_(wide), shared_(16, Content{this}, Content{this}) {}

std::size_t LpmRecords::begin() {
    leaves_.clear();
    run_starts_ = 0;
    return words_.size();
}

unsigned LpmRecords::add_run(unsigned branch, std::uint32_t leaf) {
    run_starts_ |= std::uint64_t{1} << branch;
    leaves_.push_back(leaf);
    return static_cast<unsigned>(leaves_.size() - 1);
}

void LpmRecords::end() {
    const std::size_t record = words_.size();
    words_.resize(record + lpm_record_words(run_starts_, wide_));
    if (words_.size() > std::numeric_limits<std::uint32_t>::max()) {
        throw std::length_error("a table of prefixes needs more than an image holds");
    }
    words_[record] = run_starts_;
    for (unsigned run = 0; run < leaves_.size(); ++run) put_leaf(record, run, leaves_[run]);
}

void LpmRecords::put_leaf(std::size_t record, unsigned run, std::uint32_t leaf) {
    auto* place = reinterpret_cast<char*>(&words_[record]) + lpm_leaves_offset + run * (wide_ ? 4UL : 2UL);
    if (wide_) {
        std::memcpy(place, &leaf, sizeof leaf);
    } else {
        const auto narrow = static_cast<std::uint16_t>(leaf);
        std::memcpy(place, &narrow, sizeof narrow);
    }
}

void LpmRecords::point_to_end(std::size_t parent, unsigned run) {
    const auto child = static_cast<std::uint32_t>(words_.size());
    char* place = reinterpret_cast<char*>(&words_[parent + 1]);
    std::uint32_t children;
    std::memcpy(&children, place, sizeof children);
    if (children == 0) {  // no child stands at word 0
        children = child;
        std::memcpy(place, &children, sizeof children);
    }
    const std::uint32_t goes_on = wide_ ? 0x8000'0000 : lpm_narrow_end;
    put_leaf(parent, run, goes_on | (child - children));
}

std::size_t LpmRecords::share(std::size_t record) {
    const auto [first, is_new] = shared_.insert(record);
    if (!is_new) words_.resize(record);
    return *first;
}

std::size_t LpmRecords::size_of(std::size_t record) const {
    return lpm_record_words(words_[record], wide_);
}

std::size_t LpmRecords::Content::operator()(std::size_t record) const {
    std::uint64_t hash = 0;
    for (const std::uint64_t word : std::span(records->words_).subspan(record, records->size_of(record))) {
        hash = (hash ^ word) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 32;
    }
    return hash;
}

bool LpmRecords::Content::operator()(std::size_t record, std::size_t other) const {
    const std::uint64_t* words = records->words_.data();
    return words[record] == words[other] &&
           std::equal(words + record, words + record + records->size_of(record), words + other);
}

}  // namespace sluice::lower
