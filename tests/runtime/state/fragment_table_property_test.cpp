// SPDX-License-Identifier: Apache-2.0
// The fragment table against a model that keeps a datagram as a map from byte to "seen".
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "runtime/state/fragment_table.h"
#include "tests/runtime/state/fragments.h"

namespace sluice {
namespace {

using Outcome = FragmentTable::Outcome;

struct Piece {
    unsigned offset, length;
    bool more;
};

/// One datagram, byte by byte.
class Model {
  public:
    Outcome add(const Piece& piece) {
        if (piece.more && (piece.length == 0 || piece.length % 8 != 0)) return Outcome::refused;
        if (poisoned_) return Outcome::refused;
        const unsigned end = piece.offset + piece.length;
        bool bad = 20 + end > 65535;
        for (unsigned byte = piece.offset; byte < end; ++byte) bad |= bytes_.contains(byte);
        if (!piece.more) bad |= end_.has_value() || (!bytes_.empty() && bytes_.rbegin()->first >= end);
        if (piece.more && end_) bad |= end > *end_;
        if (bad || offsets_.size() == most_fragments) {
            poisoned_ = true;
            offsets_.clear();
            return Outcome::refused;
        }
        for (unsigned byte = piece.offset; byte < end; ++byte) bytes_[byte] = true;
        offsets_.insert(piece.offset);
        if (!piece.more) end_ = end;
        return end_ && bytes_.size() == *end_ ? Outcome::complete : Outcome::held;
    }
    const std::multiset<unsigned>& offsets() const { return offsets_; }

  private:
    std::map<unsigned, bool> bytes_;
    std::multiset<unsigned> offsets_;
    std::optional<unsigned> end_;
    bool poisoned_ = false;
};

/// A datagram cut into fragments, shuffled, with duplicates, strangers and losses mixed in.
std::vector<Piece> random_pieces() {
    std::vector<Piece> pieces;
    unsigned offset = 0;
    for (int i = *rc::gen::inRange(1, 18); i > 0; --i) {
        const unsigned length = *rc::gen::inRange(1u, 5u) * 8;
        pieces.push_back({offset, length, true});
        offset += length;
    }
    pieces.push_back({offset, *rc::gen::inRange(0u, 20u), false});
    for (int i = *rc::gen::weightedElement<int>({{6, 0}, {2, 1}, {1, 3}}); i > 0; --i) {
        const unsigned at = *rc::gen::inRange(0u, offset / 8 + 3) * 8;
        // Offset 0 with nothing to follow is a whole packet, no fragment.
        pieces.push_back({at, *rc::gen::inRange(0u, 24u), at == 0 || *rc::gen::arbitrary<bool>()});
    }
    for (std::size_t i = pieces.size(); i > 1; --i) {
        std::swap(pieces[i - 1], pieces[*rc::gen::inRange<std::size_t>(0, i)]);
    }
    if (*rc::gen::inRange(0, 5) == 0) pieces.pop_back();
    return pieces;
}

RC_GTEST_PROP(FragmentTableProperty, JudgesLikeAMapOfBytes, ()) {
    constexpr std::uint32_t datagrams = 3;
    FragmentTable table(datagrams, HashKey::from_seed(*rc::gen::arbitrary<std::uint64_t>()));
    std::map<std::uint32_t, Model> models;
    std::vector<std::pair<std::uint32_t, Piece>> arrivals;
    std::vector<std::vector<Piece>> left(datagrams);
    for (auto& pieces : left) pieces = random_pieces();
    while (true) {
        std::vector<std::uint32_t> ids;
        for (std::uint32_t id = 0; id < datagrams; ++id) {
            if (!left[id].empty()) ids.push_back(id);
        }
        if (ids.empty()) break;
        const std::uint32_t id = ids[*rc::gen::inRange<std::size_t>(0, ids.size())];
        arrivals.emplace_back(id, left[id].back());
        left[id].pop_back();
    }
    for (const auto& [id, piece] : arrivals) {
        const FragmentKey key{.source = {}, .destination = {}, .id = id};
        const auto result = table.add(key, test::fragment(piece.offset, piece.length, piece.more), 0);
        const auto before = models[id].offsets();
        const Outcome expected = models[id].add(piece);
        RC_ASSERT(result.outcome == expected);
        std::multiset<unsigned> given_back;
        unsigned previous = 0;
        for (const HeldFragment& held : result.given_back) {
            if (expected == Outcome::complete) {
                RC_ASSERT(held.ip.fragment_offset >= previous);
                previous = held.ip.fragment_offset;
            }
            given_back.insert(held.ip.fragment_offset);
        }
        if (expected == Outcome::held) {
            RC_ASSERT(given_back.empty());
        } else if (expected == Outcome::complete) {
            RC_ASSERT(given_back == models[id].offsets());
            models.erase(id);
        } else {
            // This fragment, and what was held where the whole was dropped.
            std::multiset<unsigned> dropped{piece.offset};
            if (models[id].offsets() != before) dropped.insert(before.begin(), before.end());
            RC_ASSERT(given_back == dropped);
        }
        std::size_t held = 0;
        for (const auto& [other, model] : models) held += model.offsets().size();
        RC_ASSERT(table.held_fragments() == held);
    }
}

}  // namespace
}  // namespace sluice
