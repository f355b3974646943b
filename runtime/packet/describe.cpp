// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/describe.h"

#include <iomanip>
#include <sstream>

#include "runtime/packet/build.h"
#include "runtime/packet/parse.h"

namespace sluice {
namespace {

void say_endpoint(std::ostream& out, Ip ip, Family family, std::uint16_t port, bool has_ports) {
    const bool brackets = has_ports && family == Family::v6;
    out << (brackets ? "[" : "") << to_string(ip, family) << (brackets ? "]" : "");
    if (has_ports) out << ':' << port;
}

void say_tcp_flags(std::ostream& out, std::uint8_t flags) {
    constexpr char letters[] = "FSRPAUEW";
    if (flags == 0) out << '-';
    for (unsigned bit = 0; bit < 8; ++bit) {
        if ((flags >> bit & 1) != 0) out << letters[bit];
    }
}

void say_icmp(std::ostream& out, const IpView& view) {
    out << (view.family == Family::v4 ? " icmp" : " icmpv6");
    if (view.fragment_offset != 0) return;
    out << ' ' << unsigned{view.icmp_type} << '/' << unsigned{view.icmp_code};
    if (view.l4_kind == L4Kind::icmp_query) out << " id " << (view.source_port | view.destination_port);
}

void say_layer4(std::ostream& out, const IpView& view) {
    switch (view.l4_kind) {
        case L4Kind::other:
            out << " protocol " << unsigned{view.protocol};
            return;
        case L4Kind::udp:
            out << " udp";
            return;
        case L4Kind::tcp:
            out << " tcp";
            if (view.fragment_offset == 0) say_tcp_flags(out << ' ', view.tcp_flags);
            return;
        case L4Kind::icmp_query:
        case L4Kind::icmp_error:
        case L4Kind::icmp_other:
            say_icmp(out, view);
            return;
    }
}

void say_ip(std::ostream& out, std::span<const std::uint8_t> packet, std::uint16_t ethertype) {
    IpView view;
    if (const auto reason = parse_ip_packet(packet, ethertype, view)) {
        out << (ethertype == ethertype_ipv4 ? "ipv4 " : "ipv6 ") << name_of(*reason) << " len "
            << packet.size();
        return;
    }
    const bool has_ports =
        (view.l4_kind == L4Kind::tcp || view.l4_kind == L4Kind::udp) && view.fragment_offset == 0;
    say_endpoint(out, view.source, view.family, view.source_port, has_ports);
    out << " > ";
    say_endpoint(out, view.destination, view.family, view.destination_port, has_ports);
    say_layer4(out, view);
    out << " ttl " << unsigned{view.ttl} << " len " << view.total_length;
    if (view.fragment) {
        out << " fragment " << view.fragment_offset << (view.more_fragments ? "+" : "") << " id " << view.id;
    }
}

void say_arp(std::ostream& out, std::span<const std::uint8_t> packet) {
    const auto arp = parse_arp(packet);
    if (!arp) {
        out << "arp unreadable len " << packet.size();
        return;
    }
    out << "arp ";
    if (arp->operation == 1 || arp->operation == 2) {
        out << (arp->operation == 1 ? "request" : "reply");
    } else {
        out << arp->operation;
    }
    out << ' ' << to_string(arp->sender_ip, Family::v4) << ' ' << to_string(arp->sender_mac) << " > "
        << to_string(arp->target_ip, Family::v4) << ' ' << to_string(arp->target_mac);
}

}  // namespace

std::string describe(std::span<const std::uint8_t> frame) {
    std::ostringstream out;
    const auto l2 = parse_l2(frame);
    if (!l2) {
        out << "SHORT len " << frame.size();
        return out.str();
    }
    if (l2->outer_vid != absent_tag) {
        out << "vlan " << l2->outer_vid;
        if (l2->inner_vid != absent_tag) out << '.' << l2->inner_vid;
        out << ' ';
    }
    out << to_string(l2->source) << " > " << to_string(l2->destination) << ' ';
    const auto packet = frame.subspan(l2->length);
    if (l2->ethertype == ethertype_ipv4 || l2->ethertype == ethertype_ipv6) {
        say_ip(out, packet, l2->ethertype);
    } else if (l2->ethertype == ethertype_arp) {
        say_arp(out, packet);
    } else {
        out << "ethertype " << std::hex << std::setw(4) << std::setfill('0') << l2->ethertype << std::dec
            << " len " << frame.size();
    }
    return out.str();
}

}  // namespace sluice
