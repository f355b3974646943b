// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/packet_text.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <vector>

namespace sluice {
namespace {

constexpr std::uint8_t icmp = 1, tcp = 6, udp = 17, icmpv6 = 58;
constexpr std::uint8_t fresh_ttl = 64;
constexpr std::uint32_t small_packet_bytes = 64;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.empty();
    if (!whole || value > std::numeric_limits<Number>::max()) return std::nullopt;
    return static_cast<Number>(value);
}

struct Endpoint {
    IpAndFamily ip;
    std::optional<std::uint16_t> port;
    bool any_port = false;
};

class Parser {
  public:
    Parser(std::string_view text, Wildcards wildcards, PacketTextError& error)
        : text_(text), wildcards_(wildcards), error_(error) {}

    std::optional<PacketText> run() {
        const auto words = split_words();
        if (words.size() != 4 || words[2] != ">") {
            fail(text_,
                 "a packet reads \"PROTOCOL SOURCE > DESTINATION\", for example \"tcp 198.51.100.7:40000 > "
                 "10.1.1.10:443\"");
            return std::nullopt;
        }
        PacketText packet;
        if (!protocol(words[0], packet)) return std::nullopt;
        const auto source = endpoint(words[1], packet.has_ports());
        if (!source) return std::nullopt;
        const auto destination = endpoint(words[3], packet.has_ports());
        if (!destination) return std::nullopt;
        packet.family = source->ip.family;
        packet.source = source->ip.ip;
        packet.destination = destination->ip.ip;
        packet.source_port = source->port.value_or(0);
        packet.destination_port = destination->port.value_or(0);
        packet.any_source_port = source->any_port;
        packet.any_destination_port = destination->any_port;
        if (destination->ip.family != packet.family) {
            fail(words[3], "source and destination are of different IP versions");
            return std::nullopt;
        }
        const bool wrong_icmp = (packet.protocol == icmp && packet.family == Family::v6) ||
                                (packet.protocol == icmpv6 && packet.family == Family::v4);
        if (wrong_icmp) {
            fail(words[0], packet.protocol == icmp ? "ICMP is for IPv4; IPv6 has icmpv6"
                                                   : "ICMPv6 is for IPv6; IPv4 has icmp");
            return std::nullopt;
        }
        return packet;
    }

  private:
    std::vector<std::string_view> split_words() const {
        std::vector<std::string_view> words;
        for (std::size_t at = 0; at < text_.size() && words.size() < 6;) {
            const std::size_t begin = text_.find_first_not_of(' ', at);
            if (begin == std::string_view::npos) break;
            const std::size_t end = std::min(text_.find(' ', begin), text_.size());
            words.push_back(text_.substr(begin, end - begin));
            at = end;
        }
        return words;
    }

    void fail(std::string_view where, std::string words) {
        error_.begin = static_cast<std::size_t>(where.data() - text_.data());
        error_.end = error_.begin + where.size();
        error_.words = std::move(words);
    }

    bool protocol(std::string_view word, PacketText& packet) {
        const auto slash = word.find('/');
        const auto name = word.substr(0, slash);
        const bool has_more = slash != std::string_view::npos;
        if (name == "tcp" || name == "udp") {
            packet.protocol = name == "tcp" ? tcp : udp;
            if (has_more) fail(word, fmt::format("ports stand behind the addresses: \"{} A:P > B:Q\"", name));
            return !has_more;
        }
        if (name == "icmp" || name == "icmpv6") {
            packet.protocol = name == "icmp" ? icmp : icmpv6;
            packet.icmp_type = name == "icmp" ? 8 : 128;
            return !has_more || icmp_kind(word, word.substr(slash + 1), packet);
        }
        if (name == "ip" && has_more) return numbered_protocol(word, word.substr(slash + 1), packet);
        fail(word, "a protocol is one of tcp, udp, icmp, icmp/TYPE/CODE, icmpv6, icmpv6/TYPE/CODE, ip/NUMBER");
        return false;
    }

    bool icmp_kind(std::string_view word, std::string_view kind, PacketText& packet) {
        const auto slash = kind.find('/');
        const auto type = parse_number<std::uint8_t>(kind.substr(0, slash));
        const auto code = slash == std::string_view::npos ? std::optional<std::uint8_t>(std::uint8_t{0})
                                                          : parse_number<std::uint8_t>(kind.substr(slash + 1));
        if (!type || !code) {
            fail(word, "an ICMP type and an ICMP code are numbers from 0 to 255");
            return false;
        }
        packet.icmp_type = *type;
        packet.icmp_code = *code;
        return true;
    }

    bool numbered_protocol(std::string_view word, std::string_view digits, PacketText& packet) {
        const auto number = parse_number<std::uint8_t>(digits);
        if (!number) {
            fail(word, "an IP protocol is a number from 0 to 255");
            return false;
        }
        packet.protocol = *number;
        if (packet.has_ports() || packet.is_icmp()) {
            const char* name = *number == tcp    ? "tcp"
                               : *number == udp  ? "udp"
                               : *number == icmp ? "icmp"
                                                 : "icmpv6";
            fail(word, fmt::format("write this protocol as \"{}\"", name));
            return false;
        }
        return true;
    }

    std::optional<Endpoint> endpoint(std::string_view word, bool wants_port) {
        std::string_view address = word;
        std::string_view port;
        bool has_port = false;
        if (word.starts_with('[')) {
            const auto bracket = word.find(']');
            if (bracket == std::string_view::npos) {
                fail(word, "the closing ] is missing");
                return std::nullopt;
            }
            address = word.substr(1, bracket - 1);
            const auto rest = word.substr(bracket + 1);
            has_port = rest.starts_with(':');
            if (has_port) port = rest.substr(1);
            if (!has_port && !rest.empty()) {
                fail(word, "behind ] there may only be : and a port");
                return std::nullopt;
            }
        } else if (const auto colon = word.find(':');
                   colon != std::string_view::npos && word.rfind(':') == colon) {
            address = word.substr(0, colon);
            port = word.substr(colon + 1);
            has_port = true;
        }
        const auto ip = parse_ip(address);
        if (!ip) {
            fail(address.empty() ? word : address, "this is not an IP address");
            return std::nullopt;
        }
        if (has_port != wants_port) {
            fail(word, wants_port ? (ip->family == Family::v6 ? "a port is missing: write [ADDRESS]:PORT"
                                                              : "a port is missing: write ADDRESS:PORT")
                                  : "this protocol has no ports");
            return std::nullopt;
        }
        Endpoint result{*ip, std::nullopt, false};
        if (!has_port) return result;
        if (port == "*" && wildcards_ == Wildcards::allowed) {
            result.any_port = true;
            return result;
        }
        result.port = parse_number<std::uint16_t>(port);
        if (!result.port) {
            fail(word, port == "*" ? "* stands for a port only in what a packet becomes"
                                   : "a port is a number from 0 to 65535");
            return std::nullopt;
        }
        return result;
    }

    std::string_view text_;
    Wildcards wildcards_;
    PacketTextError& error_;
};

std::string endpoint_text(Ip ip, Family family, bool has_port, std::uint16_t port, bool any) {
    const auto address = sluice::to_string(ip, family);
    if (!has_port) return address;
    const auto number = any ? std::string("*") : std::to_string(port);
    return family == Family::v6 ? fmt::format("[{}]:{}", address, number)
                                : fmt::format("{}:{}", address, number);
}

}  // namespace

std::optional<PacketText> parse_packet_text(std::string_view text, Wildcards wildcards,
                                            PacketTextError& error) {
    return Parser(text, wildcards, error).run();
}

std::string to_string(const PacketText& packet) {
    std::string protocol;
    if (packet.protocol == tcp) {
        protocol = "tcp";
    } else if (packet.protocol == udp) {
        protocol = "udp";
    } else if (packet.is_icmp()) {
        const unsigned echo = packet.protocol == icmp ? 8 : 128;
        protocol = packet.protocol == icmp ? "icmp" : "icmpv6";
        if (packet.icmp_type != echo || packet.icmp_code != 0) {
            protocol += fmt::format("/{}/{}", packet.icmp_type, packet.icmp_code);
        }
    } else {
        protocol = fmt::format("ip/{}", packet.protocol);
    }
    const bool ports = packet.has_ports();
    return fmt::format(
        "{} {} > {}", protocol,
        endpoint_text(packet.source, packet.family, ports, packet.source_port, packet.any_source_port),
        endpoint_text(packet.destination, packet.family, ports, packet.destination_port,
                      packet.any_destination_port));
}

PacketView first_packet_of(const PacketText& text) {
    PacketView packet;
    IpView& ip = packet.ip;
    ip.family = text.family;
    ip.protocol = text.protocol;
    ip.ttl = fresh_ttl;
    ip.source = text.source;
    ip.destination = text.destination;
    ip.total_length = small_packet_bytes;
    ip.header_length = text.family == Family::v4 ? 20 : 40;
    ip.dont_fragment = true;
    if (text.is_icmp()) {
        ip.icmp_type = text.icmp_type;
        ip.icmp_code = text.icmp_code;
        const bool echo = text.icmp_type == (text.protocol == protocol_icmp ? 8 : 128);
        ip.l4_kind = echo ? L4Kind::icmp_query : L4Kind::icmp_other;
        if (echo) ip.source_port = 1;
    } else if (text.has_ports()) {
        ip.l4_kind = text.protocol == protocol_tcp ? L4Kind::tcp : L4Kind::udp;
        ip.source_port = text.source_port;
        ip.destination_port = text.destination_port;
        ip.tcp_flags = text.protocol == protocol_tcp ? tcp_syn : 0;
    }
    return packet;
}

}  // namespace sluice
