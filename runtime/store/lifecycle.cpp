// SPDX-License-Identifier: Apache-2.0
#include "runtime/store/lifecycle.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {
namespace {

using Kind = StoreEvent::Kind;

constexpr Time pause_before_next_try = nanoseconds_per_second;

StoreRefusal refused(std::string text) {
    return {StoreRefusal::Kind::refused, std::move(text)};
}

std::string name_of(const RunningImage& image) {
    return image.in_store ? image.digest : image.digest + " (started from a file)";
}

}  // namespace

std::variant<RunningImage, StoreRefusal> image_to_start_with(ImageStore& store, std::int64_t wall_seconds,
                                                             const StoreLog& log) {
    const std::vector<std::string> history = store.manifest().history;
    std::string why;
    auto kind = StoreRefusal::Kind::refused;
    for (auto digest = history.rbegin(); digest != history.rend(); ++digest) {
        auto loaded = store.load(*digest);
        if (const auto* error = std::get_if<StoreRefusal>(&loaded)) {
            const std::string line =
                fmt::format("the confirmed image {} does not start: {}", *digest, error->text);
            log({Kind::failed, line, *digest, std::nullopt});
            if (error->kind == StoreRefusal::Kind::integrity) kind = error->kind;
            why += (why.empty() ? "" : "; ") + line;
            continue;
        }
        if (digest != history.rbegin()) {
            try {
                store.note_return({history.back(), *digest, why, wall_seconds, ReturnReason::not_startable});
            } catch (const StoreFailure& failure) {
                log({Kind::failed, failure.what(), *digest, std::nullopt});
            }
            log({Kind::returned,
                 fmt::format("image {} is started with in place of image {}", *digest, history.back()),
                 history.back(), ReturnReason::not_startable});
        }
        return RunningImage{std::get<std::shared_ptr<const Image>>(std::move(loaded)), *digest, true};
    }
    if (!history.empty()) return StoreRefusal{kind, why};
    return refused("no image was ever confirmed here: name one to start with, then push and activate");
}

std::variant<ImageRecord, StoreRefusal> Lifecycle::find_to_activate(const std::string& digest, Now now) const {
    if (is_pending()) {
        return refused(
            fmt::format("image {} is waiting for its confirmation, {} s are left: confirm or rollback first",
                        running_.digest, left_to_confirm(now.monotonic) / nanoseconds_per_second));
    }
    auto found = store_.find(digest);
    if (const auto* record = std::get_if<ImageRecord>(&found)) {
        if (running_.in_store && running_.digest == record->digest) {
            return refused(fmt::format("image {} runs already", record->digest));
        }
        if (auto error = store_.refuses_to_activate(*record)) return std::move(*error);
    }
    return found;
}

Lifecycle::Outcome Lifecycle::refuses_to_activate(const std::string& digest, Now now) {
    auto found = find_to_activate(digest, now);
    if (auto* error = std::get_if<StoreRefusal>(&found)) return std::move(*error);
    return std::nullopt;
}

Lifecycle::Outcome Lifecycle::give_up(const std::string& cause, Now now) {
    if (!is_pending()) return refused("no image is waiting for a confirmation");
    return return_to_fallback(ReturnReason::gate_tripped, cause, now);
}

Lifecycle::Outcome Lifecycle::activate(const std::string& digest, std::optional<Time> confirm_within, Now now) {
    const auto found = find_to_activate(digest, now);
    if (const auto* error = std::get_if<StoreRefusal>(&found)) return *error;
    const ImageRecord& record = std::get<ImageRecord>(found);
    auto loaded = load(record.digest);
    if (auto* error = std::get_if<StoreRefusal>(&loaded)) return std::move(*error);
    RunningImage& next = std::get<RunningImage>(loaded);
    const RunningImage before = running_;
    if (!confirm_within) {
        if (auto error = go_over_to(std::move(next))) return error;
        fallback_ = before;
        return keep_for_good();
    }
    // Before the packets see it: whoever dies in between must not boot it.
    store_.set_pending(record.digest);
    if (auto error = go_over_to(std::move(next))) {
        store_.clear_pending(std::nullopt);
        return error;
    }
    fallback_ = before;
    deadline_ = now.monotonic + *confirm_within;
    next_try_ = 0;
    log_({Kind::activated,
          fmt::format("image {} is active for {} s; unless it is confirmed, image {} comes back",
                      running_.digest, *confirm_within / nanoseconds_per_second, name_of(before)),
          running_.digest, std::nullopt});
    return std::nullopt;
}

Lifecycle::Outcome Lifecycle::confirm() {
    if (!is_pending()) return refused("no image is waiting for a confirmation");
    store_.set_confirmed(running_.digest);
    fallback_.reset();
    log_({Kind::confirmed, fmt::format("image {} is confirmed", running_.digest), running_.digest,
          std::nullopt});
    return std::nullopt;
}

Lifecycle::Outcome Lifecycle::rollback(unsigned steps, Now now) {
    if (steps == 0) return refused("rollback goes back by one image or more");
    if (is_pending() && steps == 1)
        return return_to_fallback(ReturnReason::by_hand, "rolled back by hand", now);
    std::vector<std::string> earlier = store_.manifest().history;
    std::ranges::reverse(earlier);
    std::erase(earlier, running_.digest);
    const unsigned at = steps - 1 - (is_pending() && !fallback_->in_store ? 1 : 0);
    if (at >= earlier.size()) {
        return refused(fmt::format("there are {} images to go back to, not {}", earlier.size(), steps));
    }
    const RunningImage before = fallback_.value_or(running_);
    auto loaded = load(earlier[at]);
    if (auto* error = std::get_if<StoreRefusal>(&loaded)) return std::move(*error);
    if (auto error = go_over_to(std::get<RunningImage>(std::move(loaded)))) return error;
    fallback_ = before;
    return keep_for_good();
}

void Lifecycle::tick(Now now) {
    if (!is_pending() || now.monotonic < std::max(deadline_, next_try_)) return;
    next_try_ = now.monotonic + pause_before_next_try;
    if (const auto error = return_to_fallback(ReturnReason::not_confirmed, "not confirmed in time", now)) {
        log_({Kind::failed,
              fmt::format("image {} was not confirmed and still runs: {}", running_.digest, error->text),
              running_.digest, std::nullopt});
    }
}

std::vector<std::string> Lifecycle::collect_garbage(std::size_t last) {
    std::vector<std::string> keep{running_.digest};
    if (fallback_) keep.push_back(fallback_->digest);
    return store_.collect_garbage(keep, last);
}

std::variant<RunningImage, StoreRefusal> Lifecycle::load(const std::string& digest) {
    auto loaded = store_.load(digest);
    if (auto* error = std::get_if<StoreRefusal>(&loaded)) return std::move(*error);
    return RunningImage{std::get<std::shared_ptr<const Image>>(std::move(loaded)), digest, true};
}

Lifecycle::Outcome Lifecycle::go_over_to(RunningImage next) {
    if (auto why = swap_(next.image)) {
        return refused(fmt::format("image {} is not active: {}", next.digest, *why));
    }
    running_ = std::move(next);
    return std::nullopt;
}

// A restart must boot what runs: where the disk does not take that, it does not run.
Lifecycle::Outcome Lifecycle::keep_for_good() {
    try {
        return confirm();
    } catch (const StoreFailure& failure) {
        const std::string why = failure.what();
        if (swap_(fallback_->image)) throw;
        running_ = *fallback_;
        fallback_.reset();
        return refused(why + "; the image before runs again");
    }
}

Lifecycle::Outcome Lifecycle::return_to_fallback(ReturnReason reason, const std::string& cause, Now now) {
    if (auto why = swap_(fallback_->image)) return refused(*why);
    const ImageReturn event{running_.digest, fallback_->in_store ? fallback_->digest : std::string(), cause,
                            now.wall_seconds, reason};
    log_({Kind::returned,
          fmt::format("image {} comes back in place of image {}: {}", name_of(*fallback_), running_.digest,
                      cause),
          running_.digest, reason});
    running_ = std::move(*fallback_);
    fallback_.reset();
    try {
        store_.clear_pending(event);
    } catch (const StoreFailure& failure) {
        // What runs is right, and a restart makes the same of what stands on the disk.
        log_({Kind::failed, failure.what(), running_.digest, std::nullopt});
    }
    return std::nullopt;
}

}  // namespace sluice
