// SPDX-License-Identifier: Apache-2.0
//
// What the store knows of its images beside their bytes: one small JSON file that is replaced as a whole. Any
// thread; allocates.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice {

struct ImageRecord {
    std::string digest;  // the image's name
    std::uint64_t revision = 0;
    bool revision_signed = false;  // else the store counted: one more than the highest it has
    std::string parent;            // a digest; empty: none
    std::uint64_t bytes = 0;
    std::string gateway;          // whose policy it is
    std::string key;              // that signed it; empty: nobody's signature was asked for
    std::string trusted_comment;  // of that signature
    std::int64_t pushed = 0;      // seconds since 1970
    std::uint64_t used = 0;       // grows with each push and activation: the larger, the later
};

/// Why the gateway went back to an earlier image; the names are stable, dashboards read them.
enum class ReturnReason : std::uint8_t {
    not_confirmed,
    by_hand,
    ended_unconfirmed,
    not_startable,
    gate_tripped
};
constexpr std::array<std::string_view, 5> return_reason_names = {
    "NOT_CONFIRMED", "BY_HAND", "ENDED_UNCONFIRMED", "NOT_STARTABLE", "GATE_TRIPPED"};
constexpr std::string_view name_of(ReturnReason reason) {
    return return_reason_names[static_cast<std::size_t>(reason)];
}
using ReturnCounts = std::array<std::uint64_t, return_reason_names.size()>;

/// The gateway went back by itself, or did not start with what was confirmed last.
struct ImageReturn {
    std::string from, to;  // digests; `to` may be empty: what had been started from a file
    std::string cause;     // a sentence
    std::int64_t at = 0;   // seconds since 1970
    ReturnReason reason = ReturnReason::not_confirmed;
};

struct Manifest {
    std::vector<ImageRecord> images;
    std::vector<std::string> history;   // of confirmed images, each once; the last one is what a restart boots
    std::string pending;                // waits for its confirmation; empty: none
    std::uint64_t lowest_revision = 0;  // the highest signed one that was confirmed: older ones are replays
    std::uint64_t used = 0;             // the highest of the records, and of those that are gone
    std::uint64_t returns = 0;
    ReturnCounts returns_by_reason{};  // manifests older than these counts have none
    std::optional<ImageReturn> last_return;

    const ImageRecord* find(std::string_view digest) const;
    ImageRecord* find(std::string_view digest);
    std::string confirmed() const { return history.empty() ? std::string() : history.back(); }
};

std::string manifest_text(const Manifest& manifest);
/// The text says what is wrong.
std::variant<Manifest, std::string> parse_manifest(std::string_view text);

}  // namespace sluice
