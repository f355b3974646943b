// SPDX-License-Identifier: Apache-2.0
//
// From one image to another under a running shard: everything is made ready in the calling thread, the packet
// thread only swaps what is ready, between two bursts, and the old image goes when nobody refers to it.
//
// go_over_to(): one control thread. The image that runs stands in a variable of the caller's that lives longer
// than the shard: the shard reads it until the end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>

#include "runtime/control/mailbox.h"
#include "runtime/image/image.h"
#include "runtime/shard/shard.h"

namespace sluice {

using ImagePointer = std::shared_ptr<const Image>;

/// What devices are opened for: a port that came, went or has another MTU. Nothing: the ports are the same.
std::optional<std::string> port_difference(const Image& running, const Image& next);

class LiveImage {
  public:
    /// `next_comes` is told of an image before packets see it; `wait_for_readers` returns when no packet thread
    /// looks at the one before any more (none: the mailbox' answer says so).
    LiveImage(ImagePointer& running, Shard& shard, Mailbox& mailbox,
              std::function<void(const ImagePointer&)> next_comes, std::function<void()> wait_for_readers = {})
        : running_(running),
          shard_(shard),
          mailbox_(mailbox),
          next_comes_(std::move(next_comes)),
          wait_for_readers_(std::move(wait_for_readers)) {}

    /// Blocks until the shard has moved. Why not, as a sentence; then nothing has changed.
    std::optional<std::string> go_over_to(const Image& loaded);

    /// While this is held the shard stays with the image that runs, and so do its counters: go_over_to() waits
    /// with its last step. Any thread but the packet thread; for moments.
    std::shared_lock<std::shared_mutex> hold() const { return std::shared_lock(moving_); }

  private:
    ImagePointer& running_;
    Shard& shard_;  // touched by jobs only, but for prepare()
    Mailbox& mailbox_;
    std::function<void(const ImagePointer&)> next_comes_;
    std::function<void()> wait_for_readers_;
    mutable std::shared_mutex moving_;
};

}  // namespace sluice
