// SPDX-License-Identifier: Apache-2.0
//
// From family, protocol and port (ICMP: type << 8 | code) to a service class, over Tenant.service_cells of
// image.fbs: rows of 256 cells, each cell the number of a row of the next step; equal rows are stored once.
// Written by the compiler, verified at load, read in place. Any thread, read only. Cost: three reads one after
// the other, of few lines, because real policies name few ports. Checks nothing: the image verifier has.
#pragma once

#include <cstddef>
#include <cstdint>

#include "schemas/layout/address.h"

namespace sluice {

constexpr std::size_t service_row_cells = 256;
constexpr std::size_t service_root_rows = 2;  // by protocol: IPv4, IPv6

struct ServiceMapView {
    const std::uint16_t* cells = nullptr;

    std::uint16_t lookup(Family family, std::uint8_t protocol, std::uint16_t port) const noexcept {
        const std::size_t ports = cells[(family == Family::v6 ? service_row_cells : 0) + protocol];
        const std::size_t page = cells[ports * service_row_cells + (port >> 8)];
        return cells[page * service_row_cells + (port & 0xff)];
    }
};

}  // namespace sluice
