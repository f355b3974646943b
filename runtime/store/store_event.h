// SPDX-License-Identifier: Apache-2.0
//
// What becomes of images, for people and programs that look after a gateway. Any thread; allocates.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "runtime/store/manifest.h"

namespace sluice {

struct StoreEvent {
    enum class Kind : std::uint8_t {
        activated,  // on probation
        confirmed,
        returned,  // to another image, for `reason`
        failed,    // what should have been done, and was not
    };
    Kind kind{};
    std::string text;   // a sentence
    std::string image;  // the digest that it is about; of a return, what gave way; empty: none
    std::optional<ReturnReason> reason;
};
using StoreLog = std::function<void(const StoreEvent& event)>;

}  // namespace sluice
