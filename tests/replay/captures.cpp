// SPDX-License-Identifier: Apache-2.0
#include "tests/replay/captures.h"

#include <pcap/pcap.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace sluice::test {
namespace {

std::string big_endian(std::uint32_t value) {
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
            static_cast<char>(value)};
}

// RFC draft-ietf-opsawg-pcapng, 3.1: type, total length, body padded to 32 bits, total length.
std::string block(std::uint32_t type, std::string body) {
    body.resize((body.size() + 3) / 4 * 4);
    const auto length = static_cast<std::uint32_t>(body.size() + 12);
    return big_endian(type) + big_endian(length) + body + big_endian(length);
}

}  // namespace

void write_capture(const std::filesystem::path& path, const std::vector<TimedFrame>& frames,
                   Precision precision, int link_type) {
    const bool nanoseconds = precision == Precision::nanoseconds;
    pcap_t* format = pcap_open_dead_with_tstamp_precision(
        link_type, 262144, nanoseconds ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO);
    pcap_dumper_t* dumper = pcap_dump_open(format, path.c_str());
    if (dumper == nullptr) throw std::runtime_error(pcap_geterr(format));
    for (const TimedFrame& frame : frames) {
        pcap_pkthdr header{};
        header.ts.tv_sec = static_cast<time_t>(frame.time / nanoseconds_per_second);
        header.ts.tv_usec =
            static_cast<suseconds_t>(frame.time % nanoseconds_per_second / (nanoseconds ? 1 : 1000));
        header.caplen = static_cast<bpf_u_int32>(frame.bytes.size());
        header.len = frame.wire_bytes != 0 ? frame.wire_bytes : header.caplen;
        pcap_dump(reinterpret_cast<u_char*>(dumper), &header, frame.bytes.data());
    }
    pcap_dump_close(dumper);
    pcap_close(format);
}

void write_big_endian_pcapng(const std::filesystem::path& path, const std::vector<TimedFrame>& frames) {
    constexpr std::uint32_t section = 0x0a0d0d0a, interface = 1, enhanced_packet = 6;
    const std::string unknown_length = big_endian(0xffffffff) + big_endian(0xffffffff);
    std::string text = block(section, big_endian(0x1a2b3c4d) + big_endian(0x00010000) + unknown_length);
    text += block(interface, big_endian(0x00010000) + big_endian(262144));
    for (const TimedFrame& frame : frames) {
        const std::uint64_t microseconds = frame.time / 1000;
        const auto captured = static_cast<std::uint32_t>(frame.bytes.size());
        text += block(enhanced_packet,
                      big_endian(0) + big_endian(static_cast<std::uint32_t>(microseconds >> 32)) +
                          big_endian(static_cast<std::uint32_t>(microseconds)) + big_endian(captured) +
                          big_endian(captured) + std::string(frame.bytes.begin(), frame.bytes.end()));
    }
    write_text(path, text);
}

std::vector<TimedFrame> read_capture(const std::filesystem::path& path) {
    char error[PCAP_ERRBUF_SIZE] = "";
    pcap_t* pcap = pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error);
    if (pcap == nullptr) throw std::runtime_error(error);
    std::vector<TimedFrame> frames;
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    while (pcap_next_ex(pcap, &header, &bytes) == 1) {
        frames.push_back({static_cast<Time>(header->ts.tv_sec) * nanoseconds_per_second +
                              static_cast<Time>(header->ts.tv_usec),
                          Bytes(bytes, bytes + header->caplen),
                          header->caplen < header->len ? header->len : 0});
    }
    pcap_close(pcap);
    return frames;
}

std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("can't read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

TemporaryDirectory::TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("can't make " + pattern);
    path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace sluice::test
