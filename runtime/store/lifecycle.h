// SPDX-License-Identifier: Apache-2.0
//
// Which image runs, which one is on probation, and what to go back to. A state machine over the store: the time
// comes in, and going over to an image is somebody else's work (Swap). One thread (the control thread).
//
//   push           activate                      confirm
//   ----> staged ------------> pending (on probation) ------> confirmed ----> earlier
//            |                    | rollback, or not confirmed in time,          | rollback N
//            |                    v or the gateway ended                         v
//            |                 what was confirmed before                      confirmed
//            +--- activate without --confirm-within ---> confirmed
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "runtime/packet/frame.h"
#include "runtime/store/image_store.h"
#include "runtime/store/store_event.h"

namespace sluice {

/// Has the packets see this image from now on, one way or not at all. Why not, as a sentence; null: done.
using Swap = std::function<std::optional<std::string>(std::shared_ptr<const Image> image)>;

/// An image that runs: of the store, or one that had been started from a file.
struct RunningImage {
    std::shared_ptr<const Image> image;
    std::string digest;
    bool in_store = false;
};

/// What the gateway starts with: the image confirmed last; where that one is not good any more, the one before,
/// and so on. A refusal says why of each.
std::variant<RunningImage, StoreRefusal> image_to_start_with(ImageStore& store, std::int64_t wall_seconds,
                                                             const StoreLog& log);

class Lifecycle {
  public:
    /// Of the clock of Time, and of 1970.
    struct Now {
        Time monotonic = 0;
        std::int64_t wall_seconds = 0;
    };
    using Outcome = std::optional<StoreRefusal>;  // null: done

    Lifecycle(ImageStore& store, RunningImage running, Swap swap, StoreLog log)
        : store_(store), running_(std::move(running)), swap_(std::move(swap)), log_(std::move(log)) {}

    /// `digest`: its beginning; empty: the last staged one. With `confirm_within` it is on probation, without
    /// it is confirmed at once.
    Outcome activate(const std::string& digest, std::optional<Time> confirm_within, Now now);
    /// Why activate() would refuse before it has loaded anything.
    Outcome refuses_to_activate(const std::string& digest, Now now);
    Outcome confirm();
    /// What is pending goes: the health gate says why.
    Outcome give_up(const std::string& cause, Now now);
    /// To what ran `steps` before; the steps count confirmed images, newest first. What is gone back to is
    /// confirmed: a second rollback goes forth again.
    Outcome rollback(unsigned steps, Now now);
    /// Ends a probation whose time is over. Call it a few times a second.
    void tick(Now now);
    std::vector<std::string> collect_garbage(std::size_t last);

    const RunningImage& running() const { return running_; }
    bool is_pending() const { return fallback_.has_value(); }
    Time left_to_confirm(Time now) const { return deadline_ > now ? deadline_ - now : 0; }

  private:
    std::variant<ImageRecord, StoreRefusal> find_to_activate(const std::string& digest, Now now) const;
    std::variant<RunningImage, StoreRefusal> load(const std::string& digest);
    Outcome go_over_to(RunningImage next);
    Outcome return_to_fallback(ReturnReason reason, const std::string& cause, Now now);
    Outcome keep_for_good();

    ImageStore& store_;
    RunningImage running_;
    std::optional<RunningImage> fallback_;  // while one is pending; stays in memory, so that no disk is needed
    Time deadline_ = 0;
    Time next_try_ = 0;  // of going back, where that did not work
    Swap swap_;
    StoreLog log_;
};

}  // namespace sluice
