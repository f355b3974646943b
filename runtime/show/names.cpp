// SPDX-License-Identifier: Apache-2.0
#include "runtime/show/names.h"

#include <fmt/format.h>

#include "runtime/packet/view.h"

namespace sluice {
namespace {

std::string endpoint(Ip ip, std::uint16_t port, const Tuple& tuple) {
    const std::string address = to_string(ip, tuple.family);
    if (tuple.protocol != protocol_tcp && tuple.protocol != protocol_udp) return address;
    return (tuple.family == Family::v4 ? address : "[" + address + "]") + ":" + std::to_string(port);
}

}  // namespace

std::string protocol_name(std::uint8_t protocol) {
    switch (protocol) {
        case protocol_icmp:
            return "icmp";
        case protocol_tcp:
            return "tcp";
        case protocol_udp:
            return "udp";
        case protocol_icmpv6:
            return "icmpv6";
        default:
            return "ip/" + std::to_string(protocol);
    }
}

std::string describe(const Tuple& tuple) {
    return protocol_name(tuple.protocol) + " " + endpoint(tuple.source, tuple.source_port, tuple) + " > " +
           endpoint(tuple.destination, tuple.destination_port, tuple);
}

std::string attachment_words(const image::Interface& row) {
    if (row.encapsulation() == image::Encapsulation::Vxlan) return fmt::format("VNI {}", row.vni());
    if (row.encapsulation() == image::Encapsulation::Geneve) return fmt::format("Geneve VNI {}", row.vni());
    if (row.tag_count() == 0) return "untagged";
    if (row.tag_count() == 1) return fmt::format("VLAN {}", row.outer_vid());
    return fmt::format("VLAN {} inside {}", row.inner_vid(), row.outer_vid());
}

}  // namespace sluice
