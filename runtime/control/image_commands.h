// SPDX-License-Identifier: Apache-2.0
//
// The commands about images, as the control socket has them: JSON in, JSON out. One thread (the control
// server's worker), but for shown().
//
//   {"command": "push-begin", "digest": D, "bytes": N}            to {"present": BOOL, "offset": N}
//   {"command": "push-chunk", "digest": D, "offset": N, "data": BASE64}  to the same
//   {"command": "push-finish", "digest": D, "signature": TEXT}    to the image, as "images" has it
//   {"command": "images"}                                         to {"images": [...], "last_return": ...}
//   {"command": "activate", "image": D, "confirm_within_seconds": N, "gate": LIMITS}; all may be left out
//   {"command": "confirm"}, {"command": "rollback", "steps": N}   to the image that runs
//   {"command": "shadow", "action": "start", "image": D, "one_in": N}, {..., "action": "status" or "stop"}
//                                                                 to what Shadow::status() says
//   {"command": "gc", "keep": N}                                  to {"removed": [D, ...]}
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>

#include "runtime/control/health_gate.h"
#include "runtime/control/shadow.h"
#include "runtime/store/lifecycle.h"

namespace sluice {

/// What the asking program ends with, and why.
struct CommandRefused : std::runtime_error {
    CommandRefused(const std::string& text, int exit) : std::runtime_error(text), exit_code(exit) {}
    int exit_code;
};

class ImageCommands {
  public:
    /// `health`: makes where the health gate has its figures from; none: there is no gate. `shadow`: null where
    /// there is no shadow mode.
    using MakeHealth = std::function<std::unique_ptr<HealthSource>()>;
    ImageCommands(ImageStore& store, Lifecycle& lifecycle, Lifecycle::Now now = {}, MakeHealth health = {},
                  Shadow* shadow = nullptr);

    static bool knows(const std::string& command);
    /// Throws CommandRefused, StoreFailure, and nlohmann's exceptions where the request lacks something.
    nlohmann::ordered_json answer(const nlohmann::ordered_json& request, Lifecycle::Now now);
    /// Ends a probation whose time is over. Call it a few times a second, and after each answer.
    void tick(Lifecycle::Now now);

    /// What others may know of the images, as of the last tick: an image that is being verified holds up nobody
    /// who asks.
    struct Shown {
        /// Digest, state, revision, key, seconds left to confirm it.
        std::shared_ptr<const nlohmann::ordered_json> running;
        /// Null where the gateway never went back by itself.
        std::shared_ptr<const nlohmann::ordered_json> last_return;
        ReturnCounts returns{};
        std::uint64_t revision = 0;  // 0: the image is not in the store
        bool pending = false;
    };
    /// Any thread.
    Shown shown() const;

  private:
    void show(Lifecycle::Now now);
    nlohmann::ordered_json running(Time now) const;
    nlohmann::ordered_json last_return() const;
    nlohmann::ordered_json image_json(const ImageRecord& record) const;
    nlohmann::ordered_json images(Time now) const;
    nlohmann::ordered_json push(const nlohmann::ordered_json& request, Lifecycle::Now now);
    nlohmann::ordered_json shadow(const nlohmann::ordered_json& request);
    std::string state_of(const std::string& digest) const;
    /// The figures; null without a gate.
    nlohmann::ordered_json activate(const nlohmann::ordered_json& request, Lifecycle::Now now);

    ImageStore& store_;
    Lifecycle& lifecycle_;
    MakeHealth health_;
    Shadow* shadow_;
    mutable std::mutex shown_mutex_;
    Shown shown_;
};

}  // namespace sluice
