// SPDX-License-Identifier: Apache-2.0
//
// What frames enter an interface by, as one number: image::Binding::key. Any thread; no allocation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

constexpr std::uint16_t absent_binding_tag = 0xffff;

/// By port and VLAN tags.
constexpr std::uint64_t binding_key(std::uint16_t port, std::uint16_t outer_vid, std::uint16_t inner_vid) {
    return std::uint64_t{port} << 32 | std::uint64_t{outer_vid} << 16 | inner_vid;
}

/// Tunnels of one gateway: by port and remote endpoint, VXLAN and Geneve apart.
constexpr std::size_t most_tunnels = 4096;

/// A VNI of Geneve, which has its own numbers beside VXLAN's.
constexpr std::uint32_t vni_of_geneve(std::uint32_t vni) {
    return 1u << 24 | vni;
}
/// By port and the VNI of a tunnel that ends there.
constexpr std::uint64_t tunnel_binding_key(std::uint16_t port, std::uint32_t vni) {
    return std::uint64_t{1} << 63 | std::uint64_t{port} << 32 | vni;
}

constexpr bool is_tunnel_binding(std::uint64_t key) {
    return key >> 63 != 0;
}
constexpr std::uint16_t port_of_binding(std::uint64_t key) {
    return static_cast<std::uint16_t>(key >> 32);
}
/// The same frames of another port.
constexpr std::uint64_t on_port(std::uint64_t key, std::uint16_t port) {
    return (key & ~(std::uint64_t{0xffff} << 32)) | std::uint64_t{port} << 32;
}

}  // namespace sluice
