// SPDX-License-Identifier: Apache-2.0
#include "tests/replay/conversations.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>

#include "tests/support/bytes.h"

namespace sluice::test {
namespace {

constexpr std::uint32_t longest_packet = 9216;  // a jumbo frame's; what is longer never was on a wire
constexpr std::size_t most_fragments_held = 16;

/// How many bytes there are before the IP packet, or nothing where there is none.
std::optional<std::size_t> link_bytes(int link_type, const Bytes& frame) {
    constexpr std::size_t cooked = 16;
    switch (link_type) {
        case DLT_EN10MB: {
            const std::size_t length = frame.size() < 14 ? 0 : l2_length(frame);
            if (length == 0 || length > frame.size()) return std::nullopt;
            const std::uint16_t type = get16(frame, length - 2);
            return type == 0x0800 || type == 0x86dd ? std::optional(length) : std::nullopt;
        }
        case DLT_LINUX_SLL:
            return frame.size() < cooked ? std::nullopt : std::optional(cooked);
        case DLT_RAW:
        case DLT_IPV4:
        case DLT_IPV6:
            return 0;
        default:
            return std::nullopt;
    }
}

Bytes over_ethernet(std::span<const std::uint8_t> packet) {
    Bytes frame(12, 2);
    append16(frame, packet[0] >> 4 == 6 ? 0x86dd : 0x0800);
    append(frame, packet);
    return frame;
}

bool one_host(Ip ip, Family family) {
    if (family == Family::v4) return ip.v4() >> 24 < 224 && ip.v4() != 0;
    const bool link_local = ip.hi >> 54 == 0xfe80 >> 6;
    return ip.hi >> 56 != 0xff && !link_local && ip != Ip{};
}

/// Why a gateway has no business with it, or nullptr.
const char* no_business(const Decoded& packet) {
    if (!packet.is_ip()) return "not IP";
    if (!packet.fault.empty()) return packet.fault.c_str();
    if (packet.source_route) return "source route";
    if (!one_host(packet.source, packet.family) || !one_host(packet.destination, packet.family) ||
        packet.source == packet.destination)
        return "not between two hosts";
    if (packet.ttl <= 1) return "not for routers";
    if (packet.total_bytes > longest_packet) return "longer than a wire takes";
    return nullptr;
}

/// Puts fragments together; throws away what a gateway would.
class Fragments {
  public:
    /// The datagram, if this was its last frame.
    std::optional<Datagram> add(std::size_t index, const Decoded& part) {
        const auto key = std::tuple(part.source, part.destination, part.id,
                                    part.family == Family::v4 ? part.protocol : std::uint8_t{0});
        Datagram& datagram = waiting_[key];
        datagram.frames.push_back(index);
        datagram.parts.push_back(part);
        std::sort(datagram.parts.begin(), datagram.parts.end(),
                  [](const Decoded& a, const Decoded& b) { return a.fragment_offset < b.fragment_offset; });
        std::size_t reached = 0;
        for (const Decoded& piece : datagram.parts) {
            if (piece.fragment_offset != reached) return std::nullopt;  // a gap, or an overlap for good
            reached += piece.l4.size();
        }
        if (datagram.parts.back().more_fragments || datagram.parts.size() > most_fragments_held)
            return std::nullopt;
        Datagram whole = std::move(datagram);
        waiting_.erase(key);
        whole.whole = joined(whole.parts);
        whole.whole.more_fragments = false;
        return whole;
    }
    std::size_t waiting() const {
        std::size_t frames = 0;
        for (const auto& [key, datagram] : waiting_) frames += datagram.frames.size();
        return frames;
    }

  private:
    std::map<std::tuple<Ip, Ip, std::uint32_t, std::uint8_t>, Datagram> waiting_;
};

}  // namespace

Conversations conversations_of(const std::vector<Bytes>& frames) {
    Conversations result;
    result.frames = frames;
    Fragments fragments;
    std::map<std::tuple<Family, std::uint8_t, End, End>, std::size_t> flows;  // by client and server
    for (std::size_t index = 0; index < frames.size(); ++index) {
        const Decoded packet = decode(frames[index]);
        if (const char* why = no_business(packet)) {
            ++result.left_out[why];
            continue;
        }
        std::optional<Datagram> datagram;
        if (packet.is_fragment()) {
            datagram = fragments.add(index, packet);
            if (!datagram) continue;
        } else {
            datagram = Datagram{0, false, {index}, {packet}, packet};
        }
        const Decoded& whole = datagram->whole;
        const bool tcp = whole.kind() == Kind::tcp;
        if (!tcp && whole.kind() != Kind::udp) {
            result.left_out["neither TCP nor UDP"] += datagram->frames.size();
            continue;
        }
        const End source{whole.source, whole.source_port()};
        const End destination{whole.destination, whole.destination_port()};
        auto flow = flows.find({whole.family, whole.protocol, source, destination});
        datagram->from_client = flow != flows.end();
        if (flow == flows.end()) flow = flows.find({whole.family, whole.protocol, destination, source});
        if (flow == flows.end()) {
            const bool opened = !tcp || (whole.tcp_flags() & 0x17) == 0x02;  // of SYN, ACK, RST, FIN
            datagram->from_client = opened || source.port > destination.port;
            const End& client = datagram->from_client ? source : destination;
            const End& server = datagram->from_client ? destination : source;
            flow = flows.emplace(std::tuple(whole.family, whole.protocol, client, server), result.flows.size())
                       .first;
            result.flows.push_back({whole.family, whole.protocol, client, server, opened});
        }
        datagram->flow = flow->second;
        result.datagrams.push_back(std::move(*datagram));
    }
    if (fragments.waiting() != 0) result.left_out["fragments of no sound datagram"] = fragments.waiting();
    return result;
}

Conversations read_conversations(const std::filesystem::path& path) {
    char error[PCAP_ERRBUF_SIZE];
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(pcap_open_offline(path.c_str(), error),
                                                                 pcap_close);
    if (!capture) throw std::runtime_error(error);
    const int link_type = pcap_datalink(capture.get());
    std::vector<Bytes> frames;
    std::size_t others = 0;
    pcap_pkthdr* header;
    const std::uint8_t* data;
    while (pcap_next_ex(capture.get(), &header, &data) == 1) {
        const Bytes frame(data, data + header->caplen);
        const auto before = link_bytes(link_type, frame);
        if (before && *before < frame.size()) {
            frames.push_back(over_ethernet(std::span(frame).subspan(*before)));
        } else {
            ++others;
        }
    }
    Conversations result = conversations_of(frames);
    if (others != 0) result.left_out["not IP"] += others;
    return result;
}

void Stream::add(const Decoded& segment) {
    const std::size_t header = (segment.byte(12) >> 4) * 4u;
    const std::uint32_t sequence = get32(segment.l4, 4) + ((segment.tcp_flags() & 2) != 0 ? 1 : 0);
    if (!begun_) begin_ = sequence;
    begun_ = true;
    // Before or behind the beginning, by the half of the circle it is in.
    const std::int64_t place = static_cast<std::int32_t>(sequence - begin_) + (std::int64_t{1} << 32);
    for (std::size_t at = header; at < segment.l4.size(); ++at) {
        const std::int64_t position = place + static_cast<std::int64_t>(at - header);
        const auto [page, fresh] = pages_.try_emplace(position / page_bytes);
        if (fresh) page->second.fill(-1);
        std::int16_t& byte = page->second[static_cast<std::size_t>(position % page_bytes)];
        if (byte < 0) byte = segment.l4[at];
    }
}

std::size_t Stream::bytes() const {
    std::size_t count = 0;
    for (const auto& [number, page] : pages_) {
        count += static_cast<std::size_t>(
            std::count_if(page.begin(), page.end(), [](int byte) { return byte >= 0; }));
    }
    return count;
}

}  // namespace sluice::test
