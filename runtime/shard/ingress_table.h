// SPDX-License-Identifier: Apache-2.0
//
// By which interface a frame enters: an array by port and VLAN, with what the first look at a packet needs of
// the interface beside it. QinQ takes the image's binary search. Made from the image; owner shard only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "runtime/cache/program.h"
#include "runtime/image/image.h"
#include "runtime/shard/start.h"
#include "runtime/state/fetch_line.h"
#include "schemas/layout/binding_key.h"

namespace sluice {

constexpr std::uint16_t no_ingress = 0xffff;
constexpr std::uint16_t no_links = 0xffff;

struct Ingress {
    std::uint64_t mac_bits = 0;  // the router's MAC there, as the machine reads eight bytes, the upper two zero
    std::uint32_t key_bits = 0;  // the first four bytes of an IPv4 key, but for the protocol
    std::uint16_t number = 0;    // its slot, and its place in the table
    std::uint16_t scope = 0;     // of the flow keys of what enters: the tenant, or the ingress (FlowKind)
    bool stateful = false;       // the tenant has a service router: its sessions are looked up first
    bool ends_tunnels = false;   // of an underlay
    std::uint16_t links = no_links;  // what leads on to routers with sessions: IngressTable::link_scope
    std::uint32_t epoch = 0;         // the generation in which what its packets can read changed last
    InterfaceRef interface;          // that packets enter
    std::uint16_t attachment = no_interface;  // the slot of the attachment by which they do
    bool switches = false;                    // the interface is a segment with attachments

    Mac mac() const noexcept {
        Mac mac;
        std::memcpy(mac.bytes.data(), &mac_bits, mac.bytes.size());
        return mac;
    }
};
static_assert(sizeof(Ingress) == 32);  // of many tenants', two share a line

/// Where tunnels over a port end, as the machine reads it from the wire. A family that none do over has zeros:
/// no segment has remotes of that family then.
struct TunnelEnd {
    std::uint64_t mac_bits = 0;
    std::uint64_t ipv6[2] = {0, 0};
    std::uint32_t ipv4 = 0;
};

class IngressTable {
  public:
    explicit IngressTable(const Image& image);

    /// no_ingress where nothing is bound; a VID of absent_tag for none.
    std::uint16_t find(std::uint16_t port, std::uint16_t outer_vid, std::uint16_t inner_vid) const noexcept {
        if (inner_vid != absent_tag) return find_qinq(port, outer_vid, inner_vid);
        if (outer_vid == absent_tag && underlays_[port] != no_ingress) return underlays_[port];
        return by_port_and_vid_[std::size_t{port} * rows_a_port + (outer_vid == absent_tag ? 0u : outer_vid)];
    }
    /// nullptr where the port has no tunnel endpoint.
    const TunnelEnd* tunnel_end(std::uint16_t port) const noexcept {
        return underlays_[port] == no_ingress ? nullptr : &tunnel_ends_[port];
    }
    /// Of what came through a tunnel that ends at the port's endpoint; no_ingress where the VNI is unknown.
    std::uint16_t find_vni(std::uint16_t port, std::uint32_t vni) const noexcept {
        const VniPlace* place = place_of(port, vni);
        return place == nullptr ? no_ingress : place->number;
    }
    /// The same; no_ingress as well where the segment has no station behind that IPv4 remote (host order).
    std::uint16_t find_tunnelled(std::uint16_t port, std::uint32_t vni, std::uint32_t remote) const noexcept {
        return find_tunnelled(port, vni, Family::v4, remotes4_.data(), remote);
    }
    /// The same behind an IPv6 remote.
    std::uint16_t find_tunnelled(std::uint16_t port, std::uint32_t vni, Ip remote) const noexcept {
        return find_tunnelled(port, vni, Family::v6, remotes6_.data(), remote);
    }
    /// Of one port: by VID, the first for untagged frames but those of an underlay, which may hold others.
    const std::uint16_t* rows(std::uint16_t port) const noexcept {
        return &by_port_and_vid_[std::size_t{port} * rows_a_port];
    }
    /// Whether packets of any ingress may meet their session behind a link.
    bool any_links() const noexcept { return !links_.empty(); }
    /// Of what enters a router without sessions (its Ingress::links), for that destination: the scope of the
    /// sessions in the router that its route leads to; no_tenant where it leads to none that has sessions. One
    /// longest-prefix match.
    std::uint16_t link_scope(std::uint16_t links, Ip destination, Family family) const noexcept {
        const Links& of = links_[links];
        return of.scopes[(family == Family::v4 ? of.routes4 : of.routes6).lookup(destination)];
    }
    /// Whether some tenant limits the packets that enter by its interfaces.
    bool any_packet_limits() const noexcept { return any_packet_limits_; }
    const Ingress& operator[](std::uint16_t number) const noexcept { return ingresses_[number]; }
    const StartRow& start_row(std::uint16_t number) const noexcept { return start_rows_[number]; }
    /// Fetches what the next first packet of this ingress reads.
    void prefetch_start(std::uint16_t number) const noexcept {
        start_rows_[number].prefetch();
        fetch_line(&last_starts_[number]);
    }
    LastStart& last_start(std::uint16_t number) noexcept { return last_starts_[number]; }
    const Ingress* data() const noexcept { return ingresses_.data(); }
    std::size_t size() const noexcept { return ingresses_.size(); }

  private:
    static constexpr std::size_t rows_a_port = 4096;  // 0: untagged; it is no VLAN's number
    std::uint16_t find_qinq(std::uint16_t port, std::uint16_t outer_vid,
                            std::uint16_t inner_vid) const noexcept;

    struct VniPlace {
        std::uint64_t key = 0;
        std::uint32_t first_remote : 31 = 0, is_ipv6 : 1 = 0;  // in remotes4_ or remotes6_
        std::uint16_t remote_count = 0, number = no_ingress;
    };
    static_assert(sizeof(VniPlace) == 16);
    std::size_t first_place_of(std::uint64_t key) const noexcept {
        return (key * 0x9e3779b97f4a7c15) >> 32 & (by_vni_.size() - 1);
    }
    const VniPlace* place_of(std::uint16_t port, std::uint32_t vni) const noexcept {
        if (by_vni_.empty()) return nullptr;
        const std::uint64_t key = tunnel_binding_key(port, vni);
        for (std::size_t at = first_place_of(key);; at = (at + 1) & (by_vni_.size() - 1)) {
            if (by_vni_[at].key == key) return &by_vni_[at];
            if (by_vni_[at].key == 0) return nullptr;
        }
    }
    template <typename Remote>
    std::uint16_t find_tunnelled(std::uint16_t port, std::uint32_t vni, Family outside, const Remote* remotes,
                                 Remote remote) const noexcept {
        const VniPlace* place = place_of(port, vni);
        if (place == nullptr || (place->is_ipv6 != 0) != (outside == Family::v6)) return no_ingress;
        const Remote* const first = remotes + place->first_remote;
        return std::binary_search(first, first + place->remote_count, remote) ? place->number : no_ingress;
    }
    void add_vni(std::uint64_t key, std::uint16_t number);
    std::uint16_t add_links(const Image& image, const TenantView& tenant);

    struct Links {  // of a tenant without sessions
        std::uint16_t tenant = no_tenant;
        RouteView routes4, routes6;
        std::vector<std::uint16_t> scopes;  // by adjacency
    };

    const Image* image_;
    std::vector<Ingress> ingresses_;
    std::vector<StartRow> start_rows_;    // by ingress
    std::vector<LastStart> last_starts_;  // the same
    std::vector<std::uint16_t> by_port_and_vid_;
    std::vector<std::uint16_t> underlays_;  // by port; no_ingress where it has no tunnel endpoint
    std::vector<TunnelEnd> tunnel_ends_;    // the same
    std::vector<VniPlace> by_vni_;          // open addressing, at most half full
    std::vector<std::uint32_t> remotes4_;   // by place, ascending, in host order
    std::vector<Ip> remotes6_;              // the same
    std::vector<Links> links_;
    bool any_packet_limits_ = false;
};

}  // namespace sluice
