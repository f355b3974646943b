// SPDX-License-Identifier: Apache-2.0
//
// An image on its way to a gateway, in chunks; after a broken connection it goes on where it was. Any thread;
// blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <stdexcept>
#include <string>

namespace sluice {

/// A request to its answer. Throws ConnectionLost where none came.
using AskGateway = std::function<nlohmann::ordered_json(const nlohmann::ordered_json& request)>;
struct ConnectionLost : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Bytes that are over there, of all.
using PushProgress = std::function<void(std::uint64_t sent, std::uint64_t total)>;

/// The gateway's last answer: {"ok": true, "result": the image} or a refusal. `bytes` hold an image's header at
/// least. Connections may be lost `retries` times. Throws ConnectionLost.
nlohmann::ordered_json push_image(const AskGateway& ask, std::span<const std::uint8_t> bytes,
                                  const std::string& signature, const PushProgress& progress,
                                  unsigned retries = 3);

}  // namespace sluice
