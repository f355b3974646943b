// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <tuple>

#include "runtime/image/verify_tenant.h"
#include "schemas/layout/image_types.h"

namespace sluice::verify {
namespace {

constexpr std::uint16_t smallest_mtu_v4 = 68;    // RFC 791
constexpr std::uint16_t smallest_mtu_v6 = 1280;  // RFC 8200 5

bool is_vid(std::uint16_t vid) {
    return vid >= 1 && vid <= 4094;
}

Refusal check_attachment(const image::Interface& row, std::size_t port_count) {
    if (row.port() >= port_count) {
        return fmt::format("is on port {}, the image has {}", row.port(), port_count);
    }
    if (row.tag_count() > 2) return fmt::format("has {} VLAN tags, expected at most 2", row.tag_count());
    if (row.tag_count() >= 1 && !is_vid(row.outer_vid())) {
        return fmt::format("has outer VLAN id {}, expected 1 to 4094", row.outer_vid());
    }
    if (row.tag_count() == 2 && !is_vid(row.inner_vid())) {
        return fmt::format("has inner VLAN id {}, expected 1 to 4094", row.inner_vid());
    }
    if (row.encapsulation() > image::Encapsulation::MAX) {
        return fmt::format("has encapsulation {}, expected at most {}",
                           static_cast<unsigned>(row.encapsulation()),
                           static_cast<unsigned>(image::Encapsulation::MAX));
    }
    if (row.encapsulation() != image::Encapsulation::None &&
        ((row.kind() != image::InterfaceKind::Segment && row.kind() != image::InterfaceKind::Transit) ||
         row.tag_count() != 0)) {
        return "has tunnels and is no untagged segment or transit";
    }
    if (row.kind() == image::InterfaceKind::Transit && row.tag_count() != 0)
        return "is a transit with VLAN tags";
    constexpr std::uint32_t most_vni = (1u << 24) - 1;
    if (row.vni() > most_vni) return fmt::format("has VNI {}, expected at most {}", row.vni(), most_vni);
    if (from_image(row.mac()).is_group()) {
        return fmt::format("has the group address {} for a MAC", to_string(from_image(row.mac())));
    }
    return std::nullopt;
}

/// Each interface's in turn, so that a neighbour's remote can be found in its own interface's.
Refusal check_remotes(const TenantView& tenant, const image::Interface& row, std::uint64_t& next_remote) {
    if (row.first_remote() != next_remote || !fits(next_remote, row.remote_count(), tenant.remotes.size())) {
        return fmt::format("has remotes {} and the next {}, expected to begin at {} of {}", row.first_remote(),
                           row.remote_count(), next_remote, tenant.remotes.size());
    }
    const bool tunnelled = row.encapsulation() != image::Encapsulation::None;
    if (tunnelled != (row.remote_count() != 0)) return fmt::format("has {} remotes", row.remote_count());
    const bool ipv4 = row.outer_family() == static_cast<std::uint8_t>(Family::v4);
    const bool ipv6 = row.outer_family() == static_cast<std::uint8_t>(Family::v6);
    if (tunnelled ? !ipv4 && !ipv6 : row.outer_family() != 0) {
        return fmt::format("has remotes of family {}", row.outer_family());
    }
    const auto remotes = tenant.remotes.subspan(row.first_remote(), row.remote_count());
    for (std::size_t i = 0; i < remotes.size(); ++i) {
        if (!is_canonical(remotes[i], row.outer_family()) || from_image(remotes[i]) == Ip{} ||
            (i != 0 && from_image(remotes[i - 1]) >= from_image(remotes[i]))) {
            return fmt::format("has remote {} out of order or no IPv{} address", i, row.outer_family());
        }
    }
    next_remote += row.remote_count();
    return std::nullopt;
}

/// Attachments stand behind all others, in the order of the segments that they belong to.
Refusal check_segment_of(const TenantView& tenant, std::size_t index) {
    const image::Interface& row = tenant.interfaces[index];
    if ((row.kind() == image::InterfaceKind::Attachment) != (index >= tenant.first_attachment)) {
        return "is an attachment and stands before others, or the other way round";
    }
    if (row.kind() != image::InterfaceKind::Attachment) return std::nullopt;
    const std::size_t segment = row.peer_interface();
    if (segment >= tenant.first_attachment ||
        tenant.interfaces[segment].kind() != image::InterfaceKind::Segment ||
        tenant.interfaces[segment].encapsulation() == image::Encapsulation::None ||
        tenant.interfaces[segment].mtu() > row.mtu()) {
        return fmt::format("is attached to interface {}, which is no segment with tunnels of an MTU that fits",
                           segment);
    }
    if (index > tenant.first_attachment && tenant.interfaces[index - 1].peer_interface() > segment) {
        return "is attached to an earlier segment than the one before it";
    }
    if (row.address_count() != 0 || row.source_check() != image::SourceCheck::Off) {
        return "is an attachment and has addresses or a source check";
    }
    return std::nullopt;
}

Refusal check_row(const TenantView& tenant, std::size_t index, std::size_t port_count,
                  std::uint64_t& next_address) {
    const image::Interface& row = tenant.interfaces[index];
    if (row.kind() > image::InterfaceKind::MAX) {
        return fmt::format("has kind {}, expected at most {}", static_cast<unsigned>(row.kind()),
                           static_cast<unsigned>(image::InterfaceKind::MAX));
    }
    if (row.kind() != image::InterfaceKind::Peer) {
        if (auto refusal = check_attachment(row, port_count)) return refusal;
    } else if (row.tag_count() != 0 || row.encapsulation() != image::Encapsulation::None ||
               row.source_check() != image::SourceCheck::Off) {
        return "is a link to a tenant and has VLAN tags, tunnels or a source check";
    }
    if (row.part() > image::RouterPart::MAX || row.source_check() > image::SourceCheck::MAX) {
        return fmt::format("is of router part {} and has source check {}, expected at most {} and {}",
                           static_cast<unsigned>(row.part()), static_cast<unsigned>(row.source_check()),
                           static_cast<unsigned>(image::RouterPart::MAX),
                           static_cast<unsigned>(image::SourceCheck::MAX));
    }
    if (row.unknown() > image::UnknownUnicast::MAX) {
        return fmt::format("has {} for unknown stations, expected at most {}",
                           static_cast<unsigned>(row.unknown()),
                           static_cast<unsigned>(image::UnknownUnicast::MAX));
    }
    if (auto refusal = check_segment_of(tenant, index)) return refusal;
    if (row.mtu() < smallest_mtu_v4)
        return fmt::format("has MTU {}, expected at least {}", row.mtu(), smallest_mtu_v4);
    if (row.first_address() != next_address ||
        !fits(next_address, row.address_count(), tenant.addresses.size())) {
        return fmt::format("has addresses {} and the next {}, expected to begin at {} of {}",
                           row.first_address(), row.address_count(), next_address, tenant.addresses.size());
    }
    next_address += row.address_count();
    for (const auto& address : tenant.addresses.subspan(row.first_address(), row.address_count())) {
        if (address.interface() != index) {
            return fmt::format("has an address of interface {}", address.interface());
        }
        if (!is_canonical(address.ip(), address.family())) return "has an address that is of neither family";
        const auto family = static_cast<Family>(address.family());
        if (address.prefix_length() > address_bits(family)) {
            return fmt::format("has a prefix length of {}, expected at most {}", address.prefix_length(),
                               address_bits(family));
        }
        if (family == Family::v6 && row.mtu() < smallest_mtu_v6) {
            return fmt::format("has MTU {}, expected at least {} with an IPv6 address", row.mtu(),
                               smallest_mtu_v6);
        }
    }
    return std::nullopt;
}

Refusal check_proxied(const TenantView& tenant) {
    const auto key = [](const image::ProxiedAddress& row) {
        return std::tuple(row.interface(), row.family(), from_image(row.ip()));
    };
    for (std::size_t i = 0; i < tenant.proxied.size(); ++i) {
        const image::ProxiedAddress& row = tenant.proxied[i];
        if (row.interface() >= tenant.interfaces.size() || !is_canonical(row.ip(), row.family())) {
            return fmt::format("proxied address {} names no interface or is of neither family", i);
        }
        if (i != 0 && !(key(tenant.proxied[i - 1]) < key(row))) {
            return fmt::format("proxied address {} is not sorted behind the one before it", i);
        }
    }
    return std::nullopt;
}

Refusal check_neighbours(const TenantView& tenant) {
    for (std::size_t i = 0; i < tenant.neighbours.size(); ++i) {
        const image::StaticNeighbour& row = tenant.neighbours[i];
        if (row.interface() >= tenant.interfaces.size() || !is_canonical(row.ip(), row.family())) {
            return fmt::format("static neighbour {} names no interface or is of neither family", i);
        }
        const image::InterfaceKind kind = tenant.interfaces[row.interface()].kind();
        if (kind == image::InterfaceKind::Peer || kind == image::InterfaceKind::Attachment) {
            return fmt::format("static neighbour {} is on a link to a tenant or an attachment", i);
        }
        const image::Interface& interface = tenant.interfaces[row.interface()];
        const bool tunnelled = interface.encapsulation() != image::Encapsulation::None;
        const std::uint32_t behind = row.remote() - interface.first_remote();
        if (tunnelled ? behind >= interface.remote_count() : row.remote() != no_row) {
            return fmt::format("static neighbour {} is behind remote {}, which its interface does not have", i,
                               row.remote());
        }
    }
    return std::nullopt;
}

Refusal check_stations(const TenantView& tenant) {
    const auto key = [](const image::Station& row) {
        return std::pair(row.interface(), from_image(row.mac()));
    };
    for (std::size_t i = 0; i < tenant.stations.size(); ++i) {
        const image::Station& row = tenant.stations[i];
        if (row.interface() >= tenant.interfaces.size()) {
            return fmt::format("station {} is on interface {}, there are {}", i, row.interface(),
                               tenant.interfaces.size());
        }
        const image::Interface& interface = tenant.interfaces[row.interface()];
        if (row.remote() - interface.first_remote() >= interface.remote_count()) {
            return fmt::format("station {} is behind remote {}, which its interface does not have", i,
                               row.remote());
        }
        if (i != 0 && !(key(tenant.stations[i - 1]) < key(row))) {
            return fmt::format("station {} is not sorted behind the one before it", i);
        }
    }
    return std::nullopt;
}

}  // namespace

bool is_canonical(const image::Ip& ip, std::uint8_t family) {
    if (family == static_cast<std::uint8_t>(Family::v6)) return true;
    return family == static_cast<std::uint8_t>(Family::v4) && ip.lo() == 0 && (ip.hi() & 0xffffffff) == 0;
}

Refusal check_interfaces(const TenantView& tenant, std::size_t port_count) {
    constexpr std::size_t most_interfaces = 0xffff;  // 0xffff itself stands for none
    if (tenant.interfaces.size() > most_interfaces) {
        return fmt::format("has {} interfaces, expected at most {}", tenant.interfaces.size(), most_interfaces);
    }
    if (tenant.interface_names.size() != tenant.interfaces.size()) {
        return fmt::format("{} interfaces have {} names", tenant.interfaces.size(),
                           tenant.interface_names.size());
    }
    if (auto refusal = check_names(tenant.interface_names, "interface")) return refusal;
    std::uint64_t next_address = 0, next_remote = 0;
    for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
        if (auto refusal = check_row(tenant, i, port_count, next_address)) {
            return fmt::format("interface \"{}\" {}", tenant.interface_names[i], *refusal);
        }
        if (auto refusal = check_remotes(tenant, tenant.interfaces[i], next_remote)) {
            return fmt::format("interface \"{}\" {}", tenant.interface_names[i], *refusal);
        }
    }
    if (next_remote != tenant.remotes.size()) {
        return fmt::format("the interfaces have {} remotes, the table {}", next_remote, tenant.remotes.size());
    }
    if (next_address != tenant.addresses.size()) {
        return fmt::format("the interfaces have {} addresses, the table {}", next_address,
                           tenant.addresses.size());
    }
    if (auto refusal = check_proxied(tenant)) return refusal;
    if (auto refusal = check_neighbours(tenant)) return refusal;
    return check_stations(tenant);
}

}  // namespace sluice::verify
