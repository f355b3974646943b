// SPDX-License-Identifier: Apache-2.0
//
// The part of a rewrite that whole and quoted packets share. Internal to sluice_packet.
#pragma once

#include <cstdint>

#include "runtime/packet/bytes.h"
#include "runtime/packet/checksum.h"
#include "runtime/packet/rewrite.h"

namespace sluice {

inline void update_checksum(std::uint8_t* at, std::uint16_t delta) noexcept {
    store16(at, ChecksumDelta::from_value(delta).apply(load16(at)));
}

/// Rewrites what `l4_bytes` bytes of layer 4 hold: fields and checksums behind them are left alone.
void write_translation(std::uint8_t* l3, std::uint32_t l4_bytes, const IpView& view,
                       const Translation& translation) noexcept;

}  // namespace sluice
