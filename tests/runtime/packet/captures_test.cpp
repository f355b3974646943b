// SPDX-License-Identifier: Apache-2.0
// Every frame of every capture we have, good and bad, through the parsers in buffers of exactly its size, and
// what is sound in it compared with a second reading by the C library's structs.
#include <gtest/gtest.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <pcap/pcap.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "runtime/packet/build.h"
#include "runtime/packet/describe.h"
#include "runtime/packet/rewrite.h"
#include "tests/runtime/packet/parsing.h"
#include "tests/support/bytes.h"

namespace sluice {
namespace {

using test::Bytes;

std::filesystem::path capture_folder() {
    const char* data = std::getenv("SLUICE_DATA");
    if (data != nullptr) return std::filesystem::path(data) / "pcap";
    const char* source = std::getenv("SLUICE_SOURCE_DIR");
    return std::filesystem::path(source != nullptr ? source : ".") / "../shared/data/pcap";
}

struct Tally {
    std::size_t frames = 0, sound = 0, translated = 0;
};

/// What the C library's structs say about a packet that C1 has let through.
void expect_agreement_v4(const Bytes& packet, const IpView& view) {
    struct ip header;
    std::memcpy(&header, packet.data(), sizeof header);
    EXPECT_EQ(view.source, Ip::from_v4(ntohl(header.ip_src.s_addr)));
    EXPECT_EQ(view.destination, Ip::from_v4(ntohl(header.ip_dst.s_addr)));
    EXPECT_EQ(view.protocol, header.ip_p);
    EXPECT_EQ(view.ttl, header.ip_ttl);
    EXPECT_EQ(view.total_length, ntohs(header.ip_len));
    EXPECT_EQ(view.header_length, header.ip_hl * 4u);
    EXPECT_EQ(view.fragment_offset, (ntohs(header.ip_off) & IP_OFFMASK) * 8);
    EXPECT_EQ(view.more_fragments, (ntohs(header.ip_off) & IP_MF) != 0);
    EXPECT_EQ(test::slow_checksum(std::span(packet).first(view.header_length)), 0);
}

void expect_agreement_v6(const Bytes& packet, const IpView& view) {
    struct ip6_hdr header;
    std::memcpy(&header, packet.data(), sizeof header);
    char text[64];
    EXPECT_EQ(to_string(view.source, Family::v6), inet_ntop(AF_INET6, &header.ip6_src, text, sizeof text));
    EXPECT_EQ(view.ttl, header.ip6_hlim);
    EXPECT_EQ(view.total_length, ntohs(header.ip6_plen) + 40u);
    if (!view.has_options && view.fragment_header_offset == 0 && header.ip6_nxt != 51) {
        EXPECT_EQ(view.protocol, header.ip6_nxt);
        EXPECT_EQ(view.header_length, 40u);
    }
}

void expect_agreement_l4(const Bytes& packet, const IpView& view) {
    if (view.fragment_offset != 0 || (view.l4_kind != L4Kind::tcp && view.l4_kind != L4Kind::udp)) return;
    struct udphdr ports;
    ASSERT_GE(packet.size(), view.header_length + sizeof ports);
    std::memcpy(&ports, packet.data() + view.header_length, sizeof ports);
    EXPECT_EQ(view.source_port, ntohs(ports.uh_sport));
    EXPECT_EQ(view.destination_port, ntohs(ports.uh_dport));
}

/// A right checksum stays right and a wrong one wrong, whatever is translated.
void expect_translation_keeps_checksums(Bytes packet, std::uint16_t ethertype, const IpView& view) {
    Bytes frame(12, 2);
    test::append16(frame, ethertype);
    test::append(frame, packet);
    const bool valid = test::checksums_valid(frame);
    const Ip other = view.family == Family::v4 ? Ip::from_v4(0xcb00710a) : Ip{0x20010db8ffff0000, 0x10};
    const std::uint16_t source_port = view.source_port != 0 ? 61234 : 0;
    const auto translation =
        Translation::between(view, other, view.destination, source_port, view.destination_port);
    apply_translation(frame.data() + 14, view, translation);
    EXPECT_EQ(test::checksums_valid(frame), valid) << describe(frame);
}

void read_ip(Bytes packet, std::uint16_t ethertype, Tally& tally) {
    IpView view;
    if (parse_ip_packet(packet, ethertype, view)) return;
    ++tally.sound;
    packet.resize(view.total_length);
    view.family == Family::v4 ? expect_agreement_v4(packet, view) : expect_agreement_v6(packet, view);
    expect_agreement_l4(packet, view);
    if (view.l4_kind == L4Kind::icmp_error && view.fragment_offset == 0) {
        const Bytes quoted(packet.begin() + view.header_length + icmp_error_header_bytes, packet.end());
        (void)parse_quoted_packet(quoted, view.family);
    }
    expect_translation_keeps_checksums(packet, ethertype, view);
    ++tally.translated;
}

void read_frame(const Bytes& frame, Tally& tally) {
    ++tally.frames;
    (void)describe(frame);
    const auto l2 = parse_l2(frame);
    if (!l2) return;
    Bytes packet(frame.begin() + l2->length, frame.end());
    if (l2->ethertype == ethertype_arp) (void)parse_arp(packet);
    read_ip(std::move(packet), l2->ethertype, tally);
}

/// Frames of other links are read as if they were IP: any bytes may come.
void read_capture(const std::filesystem::path& path, Tally& tally) {
    char error[PCAP_ERRBUF_SIZE];
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> capture(pcap_open_offline(path.c_str(), error),
                                                                 pcap_close);
    if (!capture) return;
    const bool ethernet = pcap_datalink(capture.get()) == DLT_EN10MB;
    pcap_pkthdr* header;
    const std::uint8_t* data;
    while (pcap_next_ex(capture.get(), &header, &data) == 1) {
        const Bytes frame(data, data + header->caplen);
        if (ethernet) {
            read_frame(frame, tally);
        } else {
            read_ip(frame, !frame.empty() && frame[0] >> 4 == 6 ? ethertype_ipv6 : ethertype_ipv4, tally);
        }
    }
}

TEST(Captures, AreReadAsASecondParserReadsThem) {
    const auto folder = capture_folder();
    if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "no captures in " << folder;
    Tally tally;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        const auto extension = entry.path().extension();
        if (extension != ".pcap" && extension != ".pcapng") continue;
        SCOPED_TRACE(entry.path().filename());
        read_capture(entry.path(), tally);
        if (HasFailure()) return;  // one capture's failures are enough to read
    }
    RecordProperty("frames", static_cast<int>(tally.frames));
    RecordProperty("sound", static_cast<int>(tally.sound));
    EXPECT_GT(tally.frames, 0u);
    EXPECT_GT(tally.sound, tally.frames / 2) << "most of what others captured is sound";
    std::printf("%zu frames, %zu sound packets\n", tally.frames, tally.sound);
}

}  // namespace
}  // namespace sluice
