// SPDX-License-Identifier: Apache-2.0
//
// Virtual reassembly (seed-systems 0.4: 30 s, 1,024 datagrams, at most 16 fragments, overlap drops the whole):
// fragments are held until their datagram is complete, then given back in offset order to be judged as one and
// forwarded as they came. rte_ip_frag joins the fragments into one packet, does not report overlap apart and
// keys on addresses and ID alone.
//
// Owner shard only. Allocates in the constructor only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/packet/view.h"
#include "runtime/state/index_table.h"
#include "runtime/state/keyed_hash.h"
#include "runtime/state/observed.h"
#include "runtime/state/reasons.h"
#include "runtime/state/timer_wheel.h"

namespace sluice {

constexpr std::uint32_t most_fragments = 16;

struct FragmentKey {
    Ip source, destination;
    std::uint32_t id = 0;
    std::uint16_t tenant = 0;
    std::uint16_t interface = 0;
    std::uint8_t protocol = 0;
    Family family = Family::v4;
    friend bool operator==(const FragmentKey&, const FragmentKey&) = default;
};

/// One fragment with the views it was parsed into.
using HeldFragment = PacketView;

class FragmentTable {
  public:
    explicit FragmentTable(std::uint32_t datagrams, const HashKey& key, Time timeout = seconds(30));

    enum class Outcome : std::uint8_t {
        held,      // the table keeps the frame
        complete,  // `given_back` is the whole datagram, this fragment included, in offset order
        refused,   // `given_back` is what must be dropped for `reason`, this fragment included
    };
    struct Result {
        Outcome outcome;
        DropReason reason{};
        std::span<const HeldFragment> given_back;  // valid until the next call
    };
    /// FRAG_OVERLAP: it overlaps another one (an exact duplicate as well), or ends behind the last one, or is a
    /// second last one, or exceeds 65,535 bytes. FRAG_LIMIT: too many fragments or datagrams, or a middle
    /// fragment whose payload is empty or not a multiple of 8. Overlap and too many fragments drop the whole:
    /// what is held comes back, and later fragments of that datagram are refused for the same reason until its
    /// time is up. A malformed middle fragment or a full table costs that fragment only.
    Result add(const FragmentKey& key, const HeldFragment& fragment, Time now) noexcept;

    /// `tick` as of the wheel; calls expired(key, span of HeldFragment) for each incomplete datagram whose time
    /// is up (FRAG_TIMEOUT). The callee must not call back into this table.
    template <typename Expired>
    void step(Expired&& expired) {
        timers_.step([&](std::uint32_t index) {
            const Datagram& datagram = datagrams_[index];
            if (datagram.count != 0) {
                expired(datagram.key, std::span<const HeldFragment>(datagram.fragments.data(), datagram.count));
            }
            forget(index);
        });
    }
    bool empty() const noexcept { return timers_.empty(); }
    void jump_to(std::uint64_t tick) noexcept { timers_.jump_to(tick); }
    SLUICE_READ_BY_OTHERS std::uint32_t held_fragments() const noexcept { return held_; }

    /// Gives every held fragment to visit(const HeldFragment&) and forgets all datagrams: for shut-down.
    template <typename Visit>
    void release_all(Visit&& visit) {
        for (std::uint32_t index = 0; index < datagrams_.size(); ++index) {
            Datagram& datagram = datagrams_[index];
            if (!datagram.live) continue;
            for (std::uint32_t i = 0; i < datagram.count; ++i) visit(datagram.fragments[i]);
            forget(index);
        }
    }
    /// The same for the datagrams for whose key which(key) holds: their interface is gone.
    template <typename Which, typename Visit>
    void release_if(Which&& which, Visit&& visit) {
        if (empty()) return;
        for (std::uint32_t index = 0; index < datagrams_.size(); ++index) {
            Datagram& datagram = datagrams_[index];
            if (!datagram.live || !which(datagram.key)) continue;
            for (std::uint32_t i = 0; i < datagram.count; ++i) visit(datagram.key, datagram.fragments[i]);
            forget(index);
        }
    }
    /// What one datagram under reassembly costs, index and timer aside.
    static constexpr std::size_t datagram_bytes() { return sizeof(Datagram); }

  private:
    struct Datagram {
        FragmentKey key;
        std::array<HeldFragment, most_fragments> fragments;  // in offset order
        std::uint32_t count = 0;
        std::uint32_t payload_bytes = 0;  // held so far
        std::uint32_t total_bytes = 0;    // known once the last fragment came; 0 before
        std::optional<DropReason> poisoned;
        bool live = false;
    };
    std::uint64_t hash_of(const FragmentKey& key) const noexcept;
    std::uint32_t find_or_create(const FragmentKey& key, Time now) noexcept;
    Result refuse(const HeldFragment& fragment, DropReason reason) noexcept;
    Result refuse_whole(Datagram& datagram, const HeldFragment& fragment, DropReason reason) noexcept;
    void forget(std::uint32_t index) noexcept;

    HashKey key_;
    Time timeout_;
    std::vector<Datagram> datagrams_;
    std::vector<std::uint32_t> free_;
    IndexTable index_;
    std::array<HeldFragment, most_fragments + 1> given_back_;
    std::uint32_t held_ = 0;
    TimerWheel timers_;
};

}  // namespace sluice
