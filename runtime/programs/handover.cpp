// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/handover.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/programs/log.h"
#include "runtime/programs/packet_loop.h"
#include "runtime/programs/state_file.h"
#include "schemas/layout/hexadecimal.h"

namespace sluice {
namespace {

double as_seconds(Time time) {
    return static_cast<double>(time) / static_cast<double>(nanoseconds_per_second);
}

/// After that long without a packet no session lives, of any tenant.
Time longest_idle_time(const Image& image) {
    Time longest = SessionTimeouts().longest();
    for (const TenantView& tenant : image.tenants()) {
        if (tenant.idle_times == nullptr) continue;
        const image::IdleTimes& own = *tenant.idle_times;
        longest = std::max(longest, seconds(std::max({own.udp(), own.dns(), own.icmp(), own.tcp_opening(),
                                                      own.tcp_established(), own.tcp_closing(), own.other()})));
    }
    return longest;
}

}  // namespace

Handover::Handover(const std::string& control_socket, const ImageSource& source, bool wanted)
    : path_(control_socket + ".state"), boot_(read_boot_id()), image_(source.first.image) {
    auto taken = take_state_file(path_);
    if (std::holds_alternative<NoStateFile>(taken)) return;
    if (!wanted) {
        kind_.why_cold = "asked for";
        return;
    }
    if (const auto* problem = std::get_if<std::string>(&taken)) {
        kind_.why_cold = *problem;
    } else {
        kind_.why_cold = take(std::get<0>(std::move(taken)), source);
    }
    if (kind_.why_cold.empty()) return;
    state_.reset();
    next_.reset();
    image_ = source.first.image;
    log_warning(fmt::format("what the gateway before left is not taken over: {}: {}", path_, kind_.why_cold));
}

std::string Handover::take(std::vector<std::uint8_t> bytes, const ImageSource& source) {
    if (!boot_) return "the kernel does not name this boot of the machine";
    auto opened =
        SavedState::open(std::move(bytes), *boot_, PacketLoop::now(), longest_idle_time(*source.first.image));
    if (auto* problem = std::get_if<std::string>(&opened)) return std::move(*problem);
    state_ = std::get<SavedState>(std::move(opened));
    const ImagePointer first = source.first.image;
    ImagePointer left = first;
    if (!std::ranges::equal(state_->image(), first->digest())) {
        const std::string digest = hexadecimal(state_->image());
        const std::string what = fmt::format("it is of image {}", digest);
        if (!source.store) return what + ", and there is no store to find that in";
        auto loaded = source.store->load(digest);
        if (const auto* refused = std::get_if<StoreRefusal>(&loaded)) {
            return fmt::format("{}, which is not to be had: {}", what, refused->text);
        }
        left = std::get<ImagePointer>(std::move(loaded));
        if (const auto difference = port_difference(*left, *first)) {
            return fmt::format("{}, from which no way leads to {}: {}", what, hexadecimal(first->digest()),
                               *difference);
        }
        next_ = first;
    }
    image_ = left->renumbered(state_->numbering());
    return image_ ? "" : "its names are not those of its image";
}

std::optional<std::uint64_t> Handover::seed() const {
    return state_ ? std::optional(state_->seed()) : std::nullopt;
}

ImagePointer Handover::resume(Shard& shard) {
    if (!state_) return image_;
    kind_.warm = true;
    kind_.resumed = shard.resume(*state_);
    kind_.silence = state_->saved_at();
    state_.reset();
    if (!next_) return image_;
    ImagePointer followed = next_->follow(*image_, shard.forgotten());
    if (!followed) throw std::runtime_error("the image does not follow the one before: start once with --cold");
    const Shard::Activation activation = shard.prepare(*followed);
    if (!shard.activate(*activation)) throw std::logic_error("the shard refuses the image");
    image_ = std::move(followed);
    return image_;
}

StartKind Handover::start_kind(Time now) const {
    StartKind kind = kind_;
    if (kind.warm) kind.silence = now - kind_.silence;
    return kind;
}

void log_start(const StartKind& kind) {
    if (!kind.warm) return;
    log_info(fmt::format("took over {} sessions and {} neighbours, {:.3f} s after the last packet before{}",
                         kind.resumed.sessions, kind.resumed.neighbours, as_seconds(kind.silence),
                         kind.resumed.lost_sessions == 0
                             ? ""
                             : fmt::format("; {} sessions found no place", kind.resumed.lost_sessions)));
}

void Handover::leave(Shard& shard) const {
    if (!boot_) return;
    try {
        const auto bytes = shard.save(*boot_);
        if (const auto problem = leave_state_file(path_, bytes)) {
            log_warning("the next start will know no sessions: " + *problem);
        }
    } catch (const std::bad_alloc&) {
        log_warning("the next start will know no sessions: no memory to write them from");
    }
}

}  // namespace sluice
