// SPDX-License-Identifier: Apache-2.0
#include "runtime/shard/saved_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "runtime/state/timer_wheel.h"

namespace sluice {
namespace {

constexpr flatbuffers::uoffset_t most_tables = 16'000'000;
constexpr flatbuffers::uoffset_t deepest = 16;
constexpr std::size_t first_unsealed = offsetof(SavedHeader, digest) + sizeof(SavedHeader::digest);

SavedHeader header_of(std::span<const std::uint8_t> bytes) {
    SavedHeader header;
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
}

/// Of the header's other fields and the payload.
Digest digest_of_state(std::span<const std::uint8_t> bytes) {
    std::array<Digest, 3> parts{};
    parts[0] = digest_of(bytes.first(offsetof(SavedHeader, digest)));
    parts[1] = digest_of(bytes.subspan(first_unsealed, sizeof(SavedHeader) - first_unsealed));
    parts[2] = digest_of(bytes.subspan(sizeof(SavedHeader)));
    return digest_of({parts[0].data(), sizeof parts});
}

std::string problem_of_header(std::span<const std::uint8_t> bytes, const BootId& boot) {
    if (bytes.size() < sizeof(SavedHeader)) {
        return fmt::format("it has {} bytes, fewer than a header's {}", bytes.size(), sizeof(SavedHeader));
    }
    const SavedHeader header = header_of(bytes);
    if (header.magic != saved_magic) return "it does not begin as a gateway's state does";
    if (header.version != saved_version) {
        return fmt::format("expected version {}, found {}: another sluiced wrote it", saved_version,
                           header.version);
    }
    if (header.header_bytes != sizeof(SavedHeader) ||
        header.payload_bytes != bytes.size() - sizeof(SavedHeader)) {
        return fmt::format("it is torn: expected {} bytes after the header, found {}", header.payload_bytes,
                           bytes.size() - sizeof(SavedHeader));
    }
    if (header.digest != digest_of_state(bytes)) return "it is damaged: its digest is another";
    if (header.boot != boot) return "it is from before the machine was started";
    return {};
}

/// A table that refers to nothing that is not there, with lists that belong together.
bool is_well_formed(std::span<const std::uint8_t> payload) {
    flatbuffers::Verifier verifier(payload.data(), payload.size(), deepest, most_tables);
    if (!saved::VerifyGatewayBuffer(verifier)) return false;
    const saved::Gateway& root = *saved::GetGateway(payload.data());
    if (root.image()->size() != sizeof(Digest)) return false;
    return std::ranges::all_of(*root.tenants(), [](const saved::Tenant* tenant) {
        return tenant->rule_counts()->size() == tenant->rules()->size() + 1;
    });
}

std::vector<std::string> texts(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>& list) {
    std::vector<std::string> result;
    for (const flatbuffers::String* text : list) result.push_back(text->str());
    return result;
}

}  // namespace

std::variant<SavedState, std::string> SavedState::open(std::vector<std::uint8_t> bytes, const BootId& boot,
                                                       Time now, Time most_idle) {
    if (std::string problem = problem_of_header(bytes, boot); !problem.empty()) return problem;
    if (!is_well_formed(std::span(bytes).subspan(sizeof(SavedHeader)))) {
        return "it is well sealed but not well made";
    }
    SavedState state(std::move(bytes));
    if (state.saved_at() > now) return "it is from the future";
    const Time age = now - state.saved_at();
    if (age > most_idle) {
        return fmt::format("it is {} s old, and no session may be idle for more than {} s",
                           age / nanoseconds_per_second, most_idle / nanoseconds_per_second);
    }
    return state;
}

const saved::Gateway& SavedState::root() const {
    return *saved::GetGateway(bytes_.data() + sizeof(SavedHeader));
}

Numbering SavedState::numbering() const {
    Numbering numbering;
    for (const saved::Port* port : *root().ports()) numbering.ports.push_back(port->name()->str());
    for (const saved::Tenant* tenant : *root().tenants()) {
        numbering.tenants.push_back(
            {.name = tenant->name()->str(),
             .interfaces = texts(*tenant->interfaces()),
             .rules = texts(*tenant->rules()),
             .snat_rules = texts(*tenant->snat_rules()),
             .snat_slots = {tenant->snat_slots()->begin(), tenant->snat_slots()->end()}});
    }
    return numbering;
}

Digest SavedState::image() const {
    Digest digest;
    std::ranges::copy(*root().image(), digest.begin());
    return digest;
}

std::vector<std::uint8_t> seal_state(std::span<const std::uint8_t> payload, const BootId& boot) {
    SavedHeader header{};
    header.magic = saved_magic;
    header.version = saved_version;
    header.header_bytes = sizeof header;
    header.payload_bytes = payload.size();
    header.boot = boot;
    std::vector<std::uint8_t> bytes(sizeof header + payload.size());
    std::memcpy(bytes.data(), &header, sizeof header);
    std::ranges::copy(payload, bytes.begin() + sizeof header);
    header.digest = digest_of_state(bytes);
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
}

}  // namespace sluice
