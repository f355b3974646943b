// SPDX-License-Identifier: Apache-2.0
//
// Between the addresses of layout/address.h and their form in an image. Any thread; no allocation.
#pragma once

#include <algorithm>

#include "schemas/image_generated.h"
#include "schemas/layout/address.h"
#include "schemas/layout/binding_key.h"

namespace sluice {

inline image::Ip to_image(Ip ip) {
    return {ip.hi, ip.lo};
}
inline Ip from_image(const image::Ip& ip) {
    return {ip.hi(), ip.lo()};
}

inline Prefix from_image(const image::PrefixRow& row) {
    return {from_image(row.ip()), row.length(), static_cast<Family>(row.family())};
}

inline image::Mac to_image(Mac mac) {
    return image::Mac(flatbuffers::span<const std::uint8_t, 6>(mac.bytes.data(), mac.bytes.size()));
}
inline Mac from_image(const image::Mac& mac) {
    Mac result;
    std::copy_n(mac.bytes()->data(), result.bytes.size(), result.bytes.begin());
    return result;
}

/// Whether frames from a port enter by it: then a binding leads to it.
inline bool takes_frames(const image::Interface& row) {
    if (row.kind() == image::InterfaceKind::Peer) return false;
    return row.kind() != image::InterfaceKind::Transit || row.encapsulation() != image::Encapsulation::None;
}

/// The family outside its tunnels, where it has any.
inline Family outer_family(const image::Interface& row) {
    return static_cast<Family>(row.outer_family());
}

/// Its VNI among those of a port (layout/binding_key.h).
inline std::uint32_t numbered_vni(const image::Interface& row) {
    return row.encapsulation() == image::Encapsulation::Geneve ? vni_of_geneve(row.vni()) : row.vni();
}

}  // namespace sluice
