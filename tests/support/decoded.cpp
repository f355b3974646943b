// SPDX-License-Identifier: Apache-2.0
#include "tests/support/decoded.h"

#include <algorithm>

#include "tests/support/bytes.h"

namespace sluice::test {
namespace {

std::uint16_t word_at(std::span<const std::uint8_t> bytes, std::size_t offset) {
    return static_cast<std::uint16_t>(bytes[offset] << 8 | bytes[offset + 1]);
}

Ip ip_at(std::span<const std::uint8_t> bytes, std::size_t offset, Family family) {
    Ip ip;
    for (std::size_t index = 0; index < (family == Family::v4 ? 4u : 16u); ++index) {
        std::uint64_t& half = index < 8 ? ip.hi : ip.lo;
        half |= std::uint64_t{bytes[offset + index]} << (56 - index % 8 * 8);
    }
    return ip;
}

bool multicast(Ip ip, Family family) {
    return family == Family::v4 ? ip.v4() >> 28 == 0xe : ip.hi >> 56 == 0xff;
}

bool martian_source(Ip ip, Family family) {
    if (multicast(ip, family)) return true;
    if (family == Family::v6) return ip == Ip{0, 1};
    return ip.v4() == 0xffffffff || ip.v4() >> 24 == 127 || ip.v4() >> 24 == 0;
}

bool martian_destination(Ip ip, Family family) {
    if (family == Family::v6) return ip == Ip{0, 1} || ip == Ip{0, 0};
    return ip.v4() >> 24 == 127 || ip.v4() >> 24 == 0;
}

bool has_source_route(const Bytes& options) {
    std::size_t at = 0;
    while (at < options.size() && options[at] != 0) {
        if (options[at] == 131 || options[at] == 137) return true;
        if (options[at] == 1) {
            ++at;
        } else {
            if (at + 1 >= options.size() || options[at + 1] < 2) return false;
            at += options[at + 1];
        }
    }
    return false;
}

void decode_v4(std::span<const std::uint8_t> packet, Decoded& result, bool quoted) {
    result.family = Family::v4;
    if (packet.size() < 20) return void(result.fault = "SHORT");
    if (packet[0] >> 4 != 4) return void(result.fault = "IP_VERSION");
    const std::size_t header = (packet[0] & 15u) * 4;
    if (header < 20) return void(result.fault = "IP_HDRLEN");
    std::size_t total = word_at(packet, 2);
    if (quoted) total = std::max(packet.size(), header);
    if (total > packet.size() || total < header) return void(result.fault = "IP_TOTLEN");
    if (!quoted && slow_checksum(packet.first(header)) != 0) return void(result.fault = "IP_CSUM");
    result.total_bytes = static_cast<std::uint32_t>(total);
    result.source = ip_at(packet, 12, Family::v4);
    result.destination = ip_at(packet, 16, Family::v4);
    result.protocol = packet[9];
    result.ttl = packet[8];
    result.tos = packet[1];
    result.id = word_at(packet, 4);
    result.dont_fragment = (packet[6] & 0x40) != 0;
    result.more_fragments = (packet[6] & 0x20) != 0;
    result.fragment_offset = (word_at(packet, 6) & 0x1fffu) * 8;
    result.options.assign(packet.begin() + 20, packet.begin() + static_cast<std::ptrdiff_t>(header));
    result.source_route = has_source_route(result.options);
    result.l4.assign(packet.begin() + static_cast<std::ptrdiff_t>(header),
                     packet.begin() + static_cast<std::ptrdiff_t>(total));
}

void decode_v6(std::span<const std::uint8_t> packet, Decoded& result, bool quoted) {
    result.family = Family::v6;
    if (packet.size() < 40) return void(result.fault = "SHORT");
    if (packet[0] >> 4 != 6) return void(result.fault = "IP_VERSION");
    std::size_t total = 40u + word_at(packet, 4);
    if (quoted) total = packet.size();
    if (total > packet.size()) return void(result.fault = "IP_TOTLEN");
    result.total_bytes = static_cast<std::uint32_t>(total);
    result.source = ip_at(packet, 8, Family::v6);
    result.destination = ip_at(packet, 24, Family::v6);
    result.ttl = packet[7];
    result.tos = static_cast<std::uint8_t>(word_at(packet, 0) >> 4);
    result.dont_fragment = true;
    std::uint8_t next = packet[6];
    std::size_t at = 40;
    while (next == 0 || next == 43 || next == 44 || next == 60) {
        if (at + 8 > total) return void(result.fault = "IP_HDRLEN");
        const std::size_t length = next == 44 ? 8 : (packet[at + 1] + 1u) * 8;
        if (at + length > total) return void(result.fault = "IP_HDRLEN");
        if (next == 44) {
            result.fragment_offset = word_at(packet, at + 2) & 0xfff8u;
            result.more_fragments = (packet[at + 3] & 1) != 0;
            result.id = static_cast<std::uint32_t>(word_at(packet, at + 4)) << 16 | word_at(packet, at + 6);
        } else {
            if (next == 43 && packet[at + 2] == 0) result.source_route = true;
            result.options.insert(result.options.end(), packet.begin() + static_cast<std::ptrdiff_t>(at),
                                  packet.begin() + static_cast<std::ptrdiff_t>(at + length));
        }
        next = packet[at];
        at += length;
        if (next != 44 && result.fragment_offset != 0) break;
    }
    result.protocol = next;
    result.l4.assign(packet.begin() + static_cast<std::ptrdiff_t>(at),
                     packet.begin() + static_cast<std::ptrdiff_t>(total));
}

void check_addresses_and_l4(Decoded& result) {
    if (!result.fault.empty()) return;
    if (martian_source(result.source, result.family)) return void(result.fault = "MARTIAN_SRC");
    if (martian_destination(result.destination, result.family)) return void(result.fault = "MARTIAN_DST");
    if (result.fragment_offset != 0) return;
    const bool icmp = result.protocol == (result.family == Family::v4 ? 1 : 58);
    const std::size_t least = result.protocol == 6 ? 20 : result.protocol == 17 || icmp ? 8 : 0;
    if (result.l4.size() < least) result.fault = "L4_SHORT";
}

}  // namespace

Kind Decoded::kind() const {
    if (fragment_offset != 0) return Kind::other;
    if (protocol == 6) return Kind::tcp;
    if (protocol == 17) return Kind::udp;
    if (protocol == 1 && family == Family::v4) {
        switch (byte(0)) {
            case 8:
            case 13:
                return Kind::echo_request;
            case 0:
            case 14:
                return Kind::echo_reply;
            case 3:
            case 11:
            case 12:
                return Kind::icmp_error;
            default:
                return Kind::icmp_other;
        }
    }
    if (protocol == 58 && family == Family::v6) {
        if (byte(0) == 128) return Kind::echo_request;
        if (byte(0) == 129) return Kind::echo_reply;
        return byte(0) < 128 ? Kind::icmp_error : Kind::icmp_other;
    }
    return Kind::other;
}

std::uint16_t Decoded::source_port() const {
    const Kind what = kind();
    if (what == Kind::tcp || what == Kind::udp) return word(0);
    return what == Kind::echo_request ? word(4) : 0;
}

std::uint16_t Decoded::destination_port() const {
    const Kind what = kind();
    if (what == Kind::tcp || what == Kind::udp) return word(2);
    return what == Kind::echo_reply ? word(4) : 0;
}

void Decoded::set_ports(std::uint16_t source_port, std::uint16_t destination_port) {
    const auto put = [this](std::size_t offset, std::uint16_t value) {
        l4[offset] = static_cast<std::uint8_t>(value >> 8);
        l4[offset + 1] = static_cast<std::uint8_t>(value);
    };
    switch (kind()) {
        case Kind::tcp:
        case Kind::udp:
            put(0, source_port);
            put(2, destination_port);
            break;
        case Kind::echo_request:
            put(4, source_port);
            break;
        case Kind::echo_reply:
            put(4, destination_port);
            break;
        default:
            break;
    }
}

std::size_t Decoded::checksum_offset() const {
    if (fragment_offset != 0) return 0;
    if (protocol == 6) return 16;
    if (protocol == 17) return 6;
    return (protocol == 1 && family == Family::v4) || (protocol == 58 && family == Family::v6) ? 2 : 0;
}

Bytes Decoded::untouched_l4() const {
    Decoded copy = *this;
    copy.set_ports(0, 0);
    if (const std::size_t offset = checksum_offset(); offset != 0 && offset + 1 < copy.l4.size()) {
        copy.l4[offset] = copy.l4[offset + 1] = 0;
    }
    return copy.l4;
}

Decoded decode(std::span<const std::uint8_t> frame) {
    Decoded result;
    if (frame.size() < 14) {
        result.fault = "SHORT";
        return result;
    }
    std::copy_n(frame.begin(), 6, result.destination_mac.bytes.begin());
    std::copy_n(frame.begin() + 6, 6, result.source_mac.bytes.begin());
    std::size_t at = 12;
    result.ethertype = word_at(frame, at);
    for (int tag = 0; tag < 2 && (result.ethertype == 0x8100 || (tag == 0 && result.ethertype == 0x88a8));
         ++tag) {
        if (at + 6 > frame.size()) {
            result.fault = "SHORT";
            return result;
        }
        const std::uint16_t vid = word_at(frame, at + 2) & 0xfff;
        if (vid != 0) result.vids.push_back(vid);
        at += 4;
        result.ethertype = word_at(frame, at);
    }
    const auto packet = frame.subspan(at + 2);
    if (result.ethertype == 0x0800) decode_v4(packet, result, false);
    if (result.ethertype == 0x86dd) decode_v6(packet, result, false);
    if (result.is_ip()) check_addresses_and_l4(result);
    return result;
}

Decoded decode_quoted(const Decoded& error) {
    Decoded result;
    result.ethertype = error.ethertype;
    if (error.l4.size() < 8) {
        result.fault = "SHORT";
        return result;
    }
    const std::span<const std::uint8_t> packet = std::span(error.l4).subspan(8);
    if (error.family == Family::v4) decode_v4(packet, result, true);
    if (error.family == Family::v6) decode_v6(packet, result, true);
    const bool ports = result.protocol == 6 || result.protocol == 17;
    const std::size_t least = ports ? 4 : result.protocol == 1 || result.protocol == 58 ? 8 : 0;
    if (result.fault.empty() && result.l4.size() < least) result.fault = "SHORT";
    return result;
}

std::uint16_t l4_residue(const Decoded& packet) {
    Bytes bytes;
    if (packet.protocol != 1) {
        for (const Ip& ip : {packet.source, packet.destination}) {
            append32(bytes, static_cast<std::uint32_t>(ip.hi >> 32));
            append32(bytes, static_cast<std::uint32_t>(ip.hi));
            append32(bytes, static_cast<std::uint32_t>(ip.lo >> 32));
            append32(bytes, static_cast<std::uint32_t>(ip.lo));
        }
        append32(bytes, static_cast<std::uint32_t>(packet.l4.size()));
        append32(bytes, packet.protocol);
    }
    append(bytes, packet.l4);
    const std::uint16_t sum = slow_checksum(bytes);
    return sum == 0xffff ? 0 : sum;
}

Decoded joined(const std::vector<Decoded>& parts) {
    Decoded whole = parts.front();
    for (std::size_t index = 1; index < parts.size(); ++index) append(whole.l4, parts[index].l4);
    return whole;
}

std::string describe(const Decoded& packet) {
    std::string text;
    for (const std::uint16_t vid : packet.vids) text += "vlan " + std::to_string(vid) + " ";
    text += to_string(packet.source_mac) + " > " + to_string(packet.destination_mac) + " ";
    if (!packet.is_ip()) return text + "ethertype " + std::to_string(packet.ethertype);
    if (!packet.fault.empty()) text += packet.fault + " ";
    static constexpr const char* names[] = {"tcp",        "udp",        "echo-request", "echo-reply",
                                            "icmp-error", "icmp-other", "protocol"};
    const Kind kind = packet.kind();
    text += names[static_cast<int>(kind)];
    if (kind == Kind::other) text += " " + std::to_string(packet.protocol);
    if (kind == Kind::icmp_error || kind == Kind::icmp_other) {
        text += " " + std::to_string(packet.byte(0)) + "/" + std::to_string(packet.byte(1));
    }
    text += " " + to_string(packet.source, packet.family) + ":" + std::to_string(packet.source_port()) + " > " +
            to_string(packet.destination, packet.family) + ":" + std::to_string(packet.destination_port()) +
            " ttl " + std::to_string(packet.ttl) + " length " + std::to_string(packet.total_bytes);
    if (kind == Kind::tcp) text += " flags " + std::to_string(packet.tcp_flags());
    if (packet.is_fragment()) {
        text += " fragment " + std::to_string(packet.fragment_offset) + (packet.more_fragments ? "+" : "") +
                " id " + std::to_string(packet.id);
    }
    if (packet.dont_fragment && packet.family == Family::v4) text += " DF";
    if (!packet.options.empty()) text += " options";
    if (kind == Kind::icmp_error) text += " about [" + describe(decode_quoted(packet)) + "]";
    return text;
}

}  // namespace sluice::test
