// SPDX-License-Identifier: Apache-2.0
//
// The commands about images, as the control socket has them: JSON in, JSON out. The control thread.
//
//   {"command": "push-begin", "digest": D, "bytes": N}            to {"present": BOOL, "offset": N}
//   {"command": "push-chunk", "digest": D, "offset": N, "data": BASE64}  to the same
//   {"command": "push-finish", "digest": D, "signature": TEXT}    to the image, as "images" has it
//   {"command": "images"}                                         to {"images": [...], "last_return": ...}
//   {"command": "activate", "image": D, "confirm_within_seconds": N}; both may be left out
//   {"command": "confirm"}, {"command": "rollback", "steps": N}   to the image that runs
//   {"command": "gc", "keep": N}                                  to {"removed": [D, ...]}
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>

#include "runtime/store/lifecycle.h"

namespace sluice {

/// What the asking program ends with, and why.
struct CommandRefused : std::runtime_error {
    CommandRefused(const std::string& text, int exit) : std::runtime_error(text), exit_code(exit) {}
    int exit_code;
};

class ImageCommands {
  public:
    ImageCommands(ImageStore& store, Lifecycle& lifecycle) : store_(store), lifecycle_(lifecycle) {}

    static bool knows(const std::string& command);
    /// Throws CommandRefused, StoreFailure, and nlohmann's exceptions where the request lacks something.
    nlohmann::ordered_json answer(const nlohmann::ordered_json& request, Lifecycle::Now now);
    /// Of the image that runs: digest, state, revision, key, seconds left to confirm it.
    nlohmann::ordered_json running(Time now) const;
    /// Null where the gateway never went back by itself.
    nlohmann::ordered_json last_return() const;

  private:
    nlohmann::ordered_json image_json(const ImageRecord& record) const;
    nlohmann::ordered_json images(Time now) const;
    nlohmann::ordered_json push(const nlohmann::ordered_json& request, Lifecycle::Now now);
    std::string state_of(const std::string& digest) const;

    ImageStore& store_;
    Lifecycle& lifecycle_;
};

}  // namespace sluice
