// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/push.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/image/base64.h"
#include "schemas/layout/hexadecimal.h"
#include "schemas/layout/image_header.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

// As base64 and with what stands around it below the 64 KiB that a request may have.
constexpr std::uint64_t chunk_bytes = 45 * 1024;

bool accepted(const Json& answer) {
    return answer.at("ok").get<bool>();
}

Json push_once(const AskGateway& ask, std::span<const std::uint8_t> bytes, const std::string& digest,
               const std::string& signature, const PushProgress& progress) {
    Json answer = ask({{"command", "push-begin"}, {"digest", digest}, {"bytes", bytes.size()}});
    if (!accepted(answer)) return answer;
    bool present = answer.at("result").at("present").get<bool>();
    std::uint64_t offset = answer.at("result").at("offset").get<std::uint64_t>();
    while (!present && offset < bytes.size()) {
        const auto chunk = bytes.subspan(offset, std::min(chunk_bytes, bytes.size() - offset));
        answer = ask(
            {{"command", "push-chunk"}, {"digest", digest}, {"offset", offset}, {"data", to_base64(chunk)}});
        if (!accepted(answer)) return answer;
        offset = answer.at("result").at("offset").get<std::uint64_t>();
        progress(offset, bytes.size());
    }
    return ask({{"command", "push-finish"}, {"digest", digest}, {"signature", signature}});
}

}  // namespace

Json push_image(const AskGateway& ask, std::span<const std::uint8_t> bytes, const std::string& signature,
                const PushProgress& progress, unsigned retries) {
    const std::string digest = hexadecimal(bytes.subspan(offsetof(ImageHeader, digest), 32));
    for (;; --retries) {
        try {
            return push_once(ask, bytes, digest, signature, progress);
        } catch (const ConnectionLost&) {
            if (retries == 0) throw;
        }
    }
}

}  // namespace sluice
