// SPDX-License-Identifier: Apache-2.0
//
// From one gateway process to the next on the same machine (docs/restart.md): the one that ends writes what it
// knows into a file beside the control socket, the next one reads it, removes it, and only then uses it, so
// that whatever is wrong with it is met once. Main thread, before and after packets.
#pragma once

#include <optional>
#include <string>

#include "runtime/control/live_image.h"
#include "runtime/image/image.h"
#include "runtime/programs/image_source.h"
#include "runtime/shard/saved_state.h"
#include "runtime/shard/shard.h"

namespace sluice {

/// How the gateway began, for people.
struct StartKind {
    bool warm = false;
    std::string why_cold;  // empty: nothing was left
    Shard::Resumed resumed;
    Time silence = 0;  // from the last burst of the process before to the first one of this
};

void log_start(const StartKind& kind);

class Handover {
  public:
    /// `control_socket`: of both processes. `wanted`: else what lies there is removed unread.
    Handover(const std::string& control_socket, const ImageSource& source, bool wanted);

    /// What the shard is to be made of: the image that ran, numbered as it was then; the one to start with
    /// where nothing is taken over.
    const ImagePointer& image() const { return image_; }
    std::optional<std::uint64_t> seed() const;
    /// Gives a shard made so what was left, and has it go over to the image to start with where that is another
    /// one. The image that it runs then.
    ImagePointer resume(Shard& shard);
    /// As of now, when packets are about to be served.
    StartKind start_kind(Time now) const;

    /// After the last burst: for the process that comes next.
    void leave(Shard& shard) const;

  private:
    /// Why not; empty: it is.
    std::string take(std::vector<std::uint8_t> bytes, const ImageSource& source);

    std::string path_;
    std::optional<BootId> boot_;
    std::optional<SavedState> state_;
    ImagePointer image_, next_;  // `next_` only where it is another image
    StartKind kind_;
};

}  // namespace sluice
