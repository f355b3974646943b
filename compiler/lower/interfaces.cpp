// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <tuple>

#include "compiler/lower/passes.h"
#include "schemas/layout/image_types.h"

namespace sluice::lower {
namespace {

image::InterfaceKind kind_of(policy::InterfaceKind kind) {
    switch (kind) {
        case policy::InterfaceKind::segment:
            return image::InterfaceKind::Segment;
        case policy::InterfaceKind::uplink:
            return image::InterfaceKind::Uplink;
        case policy::InterfaceKind::peer:
            return image::InterfaceKind::Peer;
        case policy::InterfaceKind::transit:
            return image::InterfaceKind::Transit;
        case policy::InterfaceKind::attachment:
            break;
    }
    return image::InterfaceKind::Attachment;
}

image::Encapsulation encapsulation_of(policy::Encapsulation encapsulation) {
    switch (encapsulation) {
        case policy::Encapsulation::none:
            return image::Encapsulation::None;
        case policy::Encapsulation::vxlan:
            return image::Encapsulation::Vxlan;
        case policy::Encapsulation::geneve:
            break;
    }
    return image::Encapsulation::Geneve;
}

image::SourceCheck to_image(policy::SourceCheck check) {
    switch (check) {
        case policy::SourceCheck::off:
            return image::SourceCheck::Off;
        case policy::SourceCheck::loose:
            return image::SourceCheck::Loose;
        case policy::SourceCheck::strict:
            break;
    }
    return image::SourceCheck::Strict;
}

/// Segments hang on the distributed part. What leads outside hangs on the service part where there is one; the
/// provider's links to its tenants do not lead outside.
image::RouterPart part_of(const policy::Tenant& tenant, policy::InterfaceKind kind) {
    const bool service = kind == policy::InterfaceKind::transit ||
                         (kind == policy::InterfaceKind::uplink && tenant.is_provider) ||
                         (kind != policy::InterfaceKind::segment && kind != policy::InterfaceKind::attachment &&
                          tenant.has_service_router());
    return service ? image::RouterPart::Service : image::RouterPart::Distributed;
}

image::Interface interface_row(const policy::Tenant& tenant, const policy::Interface& from,
                               std::uint32_t first_address, std::uint32_t first_remote) {
    const bool is_peer = from.kind == policy::InterfaceKind::peer;
    const std::uint16_t belongs_to = from.kind == policy::InterfaceKind::attachment ? from.segment : 0;
    return {to_image(from.mac),
            from.port == policy::no_index ? std::uint16_t{0} : from.port,
            from.vids.empty() ? std::uint16_t{0} : from.vids[0],
            from.vids.size() < 2 ? std::uint16_t{0} : from.vids[1],
            from.mtu,
            is_peer ? from.peer_tenant : std::uint16_t{0},
            is_peer ? from.peer_interface : belongs_to,
            static_cast<std::uint8_t>(from.vids.size()),
            kind_of(from.kind),
            first_address,
            static_cast<std::uint32_t>(from.addresses.size()),
            from.vni,
            first_remote,
            static_cast<std::uint32_t>(from.remotes.size()),
            encapsulation_of(from.encapsulation),
            part_of(tenant, from.kind),
            to_image(from.source_check),
            from.drops_unknown ? image::UnknownUnicast::Drop : image::UnknownUnicast::Flood,
            from.encapsulation == policy::Encapsulation::none ? std::uint8_t{0}
                                                              : static_cast<std::uint8_t>(from.outer_family)};
}

std::uint32_t row_of(const policy::Interface& interface, const std::optional<Ip>& remote,
                     std::uint32_t first_remote) {
    if (!remote) return no_row;
    const auto place = std::lower_bound(interface.remotes.begin(), interface.remotes.end(), *remote);
    return first_remote + static_cast<std::uint32_t>(place - interface.remotes.begin());
}

bool has_address(const policy::Interface& interface, Ip ip, Family family) {
    return std::any_of(interface.addresses.begin(), interface.addresses.end(), [&](const auto& address) {
        return address.subnet.family == family && address.own == ip;
    });
}

bool has_subnet_of(const policy::Interface& interface, Ip ip, Family family) {
    return std::any_of(interface.addresses.begin(), interface.addresses.end(), [&](const auto& address) {
        return address.subnet.family == family && address.subnet.contains(ip);
    });
}

}  // namespace

void lower_interfaces(const policy::Tenant& tenant, TenantTables& tables) {
    for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
        const policy::Interface& interface = tenant.interfaces[i];
        const auto index = static_cast<std::uint16_t>(i);
        const auto first_remote = static_cast<std::uint32_t>(tables.remotes.size());
        tables.interfaces.push_back(interface_row(
            tenant, interface, static_cast<std::uint32_t>(tables.addresses.size()), first_remote));
        for (const Ip remote : interface.remotes) tables.remotes.push_back(to_image(remote));
        for (const policy::InterfaceAddress& address : interface.addresses) {
            tables.addresses.emplace_back(to_image(address.own), index, address.subnet.length,
                                          static_cast<std::uint8_t>(address.subnet.family));
        }
        for (const policy::StaticNeighbour& neighbour : interface.neighbours) {
            tables.neighbours.emplace_back(to_image(neighbour.ip.ip), to_image(neighbour.mac), index,
                                           row_of(interface, neighbour.remote, first_remote),
                                           static_cast<std::uint8_t>(neighbour.ip.family));
        }
        for (const policy::Station& station : interface.stations) {
            tables.stations.emplace_back(to_image(station.mac), index,
                                         row_of(interface, station.remote, first_remote));
        }
    }
}

void lower_proxied(const policy::Tenant& tenant, TenantTables& tables) {
    for (const image::ExternalAddress& external : tables.externals) {
        const policy::Interface& interface = tenant.interfaces[external.on_interface()];
        const Ip ip = from_image(external.ip());
        const auto family = static_cast<Family>(external.family());
        if (!has_subnet_of(interface, ip, family) || has_address(interface, ip, family)) continue;
        tables.proxied.emplace_back(external.ip(), external.on_interface(), external.family(), 0);
    }
    for (const policy::ProxiedAddress& row : tenant.proxied) {
        tables.proxied.emplace_back(to_image(row.ip.ip), row.interface,
                                    static_cast<std::uint8_t>(row.ip.family), 0);
    }
    const auto key = [](const image::ProxiedAddress& row) {
        return std::tuple(row.interface(), row.family(), from_image(row.ip()));
    };
    std::sort(tables.proxied.begin(), tables.proxied.end(),
              [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

}  // namespace sluice::lower
