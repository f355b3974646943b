// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/session_table.h"

namespace sluice {

SessionTable::SessionTable(std::uint32_t capacity, const HashKey& key)
    : timers(capacity), key_(key), capacity_(capacity), index_(capacity * 2), sessions_(capacity) {
    // The lowest index first, which keeps a small table's sessions close together.
    free_.reserve(capacity);
    for (std::uint32_t index = capacity; index-- > 0;) free_.push_back(index);
}

std::optional<SessionTable::Found> SessionTable::find(const Tuple& tuple) const noexcept {
    const std::uint32_t number = index_.find(hash_of(tuple, key_), [&](std::uint32_t candidate) {
        return sessions_[candidate >> 1].tuple[candidate & 1] == tuple;
    });
    if (number == IndexTable::none) return std::nullopt;
    return Found{ref_of(number >> 1), static_cast<Direction>(number & 1)};
}

std::optional<SessionRef> SessionTable::create(const Tuple& forward, const Tuple& reverse) noexcept {
    if (full() || forward == reverse || find(forward) || find(reverse)) return std::nullopt;
    const std::uint32_t index = free_.back();
    free_.pop_back();
    ++live_;
    Session& session = sessions_[index];
    const std::uint32_t generation = session.generation + 1;
    session = Session{};
    session.generation = generation;
    session.live = true;
    session.tuple[0] = forward;
    session.tuple[1] = reverse;
    index_.insert(hash_of(forward, key_), index << 1);
    index_.insert(hash_of(reverse, key_), index << 1 | 1);
    return SessionRef{index, generation};
}

void SessionTable::erase(SessionRef ref) noexcept {
    if (!alive(ref)) return;
    Session& session = sessions_[ref.index];
    index_.erase(hash_of(session.tuple[0], key_), ref.index << 1);
    index_.erase(hash_of(session.tuple[1], key_), ref.index << 1 | 1);
    timers.cancel(ref.index);
    session.live = false;
    free_.push_back(ref.index);
    --live_;
}

}  // namespace sluice
