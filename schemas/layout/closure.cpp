// SPDX-License-Identifier: Apache-2.0
#include "schemas/layout/closure.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace sluice {
namespace {

/// What is hashed: every item with its length, so that no two lists have the same bytes.
class Text {
  public:
    void add(std::span<const std::uint8_t> bytes) {
        add(std::uint64_t{bytes.size()});
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    }
    void add(std::string_view text) {
        add(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    }
    void add(std::uint64_t number) {
        for (int shift = 0; shift < 64; shift += 8)
            bytes_.push_back(static_cast<std::uint8_t>(number >> shift));
    }
    Digest digest() const { return digest_of(bytes_); }

  private:
    std::vector<std::uint8_t> bytes_;
};

struct Member {
    std::string_view name;
    std::span<const std::uint8_t> digest;
    std::vector<std::size_t> peers;  // in the order of the interfaces that lead there
};

std::string_view text_of(const flatbuffers::String* text) {
    return text == nullptr ? std::string_view() : text->string_view();
}

std::vector<Member> members_of(const image::Image& root) {
    std::vector<Member> members;
    if (root.tenants() == nullptr) return members;
    const std::size_t count = root.tenants()->size();
    for (const image::TenantSection* row : *root.tenants()) {
        const auto& table = *flatbuffers::GetRoot<image::Tenant>(row->section()->data());
        Member& member = members.emplace_back();
        member.name = text_of(table.name());
        member.digest = {row->digest()->data(), row->digest()->size()};
        if (table.interfaces() == nullptr) continue;
        for (const image::Interface* interface : *table.interfaces()) {
            if (interface->kind() == image::InterfaceKind::Peer && interface->peer_tenant() < count) {
                member.peers.push_back(interface->peer_tenant());
            }
        }
    }
    return members;
}

std::size_t find_root(std::vector<std::size_t>& parents, std::size_t member) {
    while (parents[member] != member) member = parents[member] = parents[parents[member]];
    return member;
}

/// By tenant: the number of one tenant of all that are linked with it.
std::vector<std::size_t> components_of(const std::vector<Member>& members) {
    std::vector<std::size_t> parents(members.size());
    std::iota(parents.begin(), parents.end(), std::size_t{0});
    for (std::size_t i = 0; i < members.size(); ++i) {
        for (const std::size_t peer : members[i].peers)
            parents[find_root(parents, i)] = find_root(parents, peer);
    }
    for (std::size_t i = 0; i < members.size(); ++i) parents[i] = find_root(parents, i);
    return parents;
}

Digest digest_of_component(const Digest& gateway, std::span<const std::size_t> sorted,
                           const std::vector<Member>& members) {
    Text text;
    text.add(std::span<const std::uint8_t>(gateway));
    for (const std::size_t i : sorted) {
        text.add(members[i].name);
        text.add(members[i].digest);
        // A section names its peers by their place among the tenants, which other tenants can move.
        for (const std::size_t peer : members[i].peers) text.add(members[peer].name);
    }
    return text.digest();
}

}  // namespace

Digest gateway_digest(const image::Image& root) {
    Text text;
    text.add(std::uint64_t{root.schema_version()});
    if (root.ports() != nullptr) {
        for (const image::Port* port : *root.ports()) {
            text.add(text_of(port->name()));
            text.add(std::uint64_t{port->mtu()});
            // What goes through its tunnels depends on the endpoint's section.
            const std::uint16_t underlay = port->underlay();
            if (root.tenants() == nullptr || underlay >= root.tenants()->size()) continue;
            const auto* row = root.tenants()->Get(underlay);
            if (row->digest() != nullptr)
                text.add(std::span<const std::uint8_t>(row->digest()->data(), row->digest()->size()));
        }
    }
    return text.digest();
}

std::vector<Digest> closure_digests(const image::Image& root) {
    const std::vector<Member> members = members_of(root);
    const std::vector<std::size_t> components = components_of(members);
    const Digest gateway = gateway_digest(root);
    // By component, and inside one by name: the order of the tenants in the gateway file does not matter.
    std::vector<std::size_t> order(members.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::pair(components[a], members[a].name) < std::pair(components[b], members[b].name);
    });
    std::vector<Digest> closures(members.size());
    for (std::size_t first = 0; first < order.size();) {
        std::size_t end = first;
        while (end < order.size() && components[order[end]] == components[order[first]]) ++end;
        const std::span<const std::size_t> component(order.data() + first, end - first);
        const Digest digest = digest_of_component(gateway, component, members);
        for (const std::size_t i : component) closures[i] = digest;
        first = end;
    }
    return closures;
}

void seal_closures(std::span<std::uint8_t> payload) {
    const image::Image& root = *image::GetImage(payload.data());
    const std::vector<Digest> closures = closure_digests(root);
    for (std::size_t i = 0; i < closures.size(); ++i) {
        const auto* room = root.tenants()->Get(static_cast<flatbuffers::uoffset_t>(i))->closure();
        if (room == nullptr || room->size() != closures[i].size()) continue;
        std::copy(closures[i].begin(), closures[i].end(), payload.begin() + (room->data() - payload.data()));
    }
}

}  // namespace sluice
