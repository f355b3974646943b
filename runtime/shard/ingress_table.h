// SPDX-License-Identifier: Apache-2.0
//
// By which interface a frame enters: an array by port and VLAN, with what the first look at a packet needs of
// the interface beside it. QinQ takes the image's binary search. Made from the image; owner shard only.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/cache/program.h"
#include "runtime/image/image.h"
#include "runtime/shard/start.h"

namespace sluice {

constexpr std::uint16_t no_ingress = 0xffff;

struct Ingress {
    Mac mac;                     // the router's, there
    std::uint64_t mac_bits = 0;  // the same as the machine reads eight bytes, the upper two zero
    std::uint32_t key_bits = 0;  // the first four bytes of an IPv4 key, but for the protocol
    std::uint16_t number = 0;    // its slot, and its place in the table
    std::uint16_t scope = 0;     // of the flow keys of what enters: the tenant, or the ingress (FlowKind)
    bool stateful = false;       // the tenant has a service router: its sessions are looked up first
    std::uint32_t epoch = 0;     // the generation in which what its packets can read changed last
    InterfaceRef interface;
};

class IngressTable {
  public:
    explicit IngressTable(const Image& image);

    /// no_ingress where nothing is bound; a VID of absent_tag for none.
    std::uint16_t find(std::uint16_t port, std::uint16_t outer_vid, std::uint16_t inner_vid) const noexcept {
        if (inner_vid != absent_tag) return find_qinq(port, outer_vid, inner_vid);
        return by_port_and_vid_[std::size_t{port} * rows_a_port + (outer_vid == absent_tag ? 0u : outer_vid)];
    }
    /// Of one port: by VID, the first for untagged frames.
    const std::uint16_t* rows(std::uint16_t port) const noexcept {
        return &by_port_and_vid_[std::size_t{port} * rows_a_port];
    }
    const Ingress& operator[](std::uint16_t number) const noexcept { return ingresses_[number]; }
    const StartRow& start_row(std::uint16_t number) const noexcept { return start_rows_[number]; }
    LastStart& last_start(std::uint16_t number) noexcept { return last_starts_[number]; }
    const Ingress* data() const noexcept { return ingresses_.data(); }
    std::size_t size() const noexcept { return ingresses_.size(); }

  private:
    static constexpr std::size_t rows_a_port = 4096;  // 0: untagged; it is no VLAN's number
    std::uint16_t find_qinq(std::uint16_t port, std::uint16_t outer_vid,
                            std::uint16_t inner_vid) const noexcept;

    const Image* image_;
    std::vector<Ingress> ingresses_;
    std::vector<StartRow> start_rows_;    // by ingress
    std::vector<LastStart> last_starts_;  // the same
    std::vector<std::uint16_t> by_port_and_vid_;
};

}  // namespace sluice
