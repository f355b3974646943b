// SPDX-License-Identifier: Apache-2.0
#include "bench/preloaded_port.h"

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace sluice::bench {
namespace {

/// A capture file that no folder knows of: gone when the descriptor is closed.
class CaptureInMemory {
  public:
    explicit CaptureInMemory(const FrameList& frames) : descriptor_(memfd_create("frames.pcap", MFD_CLOEXEC)) {
        if (descriptor_ < 0) throw std::runtime_error(fmt::format("memfd_create: {}", std::strerror(errno)));
        std::FILE* file = fdopen(dup(descriptor_), "wb");
        // pcap savefile, version 2.4, Ethernet (pcap-savefile(5)).
        struct FileHeader {
            std::uint32_t magic = 0xa1b2c3d4;
            std::uint16_t major = 2, minor = 4;
            std::uint32_t zone = 0, accuracy = 0, longest = 65535, link_type = 1;
        } constexpr header;
        const std::uint32_t length = frames.bytes_a_frame();
        struct RecordHeader {
            std::uint32_t seconds = 0, microseconds = 0, captured, original;
        } const record{.captured = length, .original = length};
        bool good = std::fwrite(&header, sizeof header, 1, file) == 1;
        for (std::size_t i = 0; i < frames.size() && good; ++i) {
            good = std::fwrite(&record, sizeof record, 1, file) == 1 &&
                   std::fwrite(frames[i].data(), length, 1, file) == 1;
        }
        if (std::fclose(file) != 0 || !good) throw std::runtime_error("no memory for the capture");
    }
    ~CaptureInMemory() { close(descriptor_); }
    CaptureInMemory(const CaptureInMemory&) = delete;
    CaptureInMemory& operator=(const CaptureInMemory&) = delete;

    std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

  private:
    int descriptor_;
};

std::string next_device_name() {
    static int count = 0;
    return fmt::format("net_pcap_bench{}", count++);
}

}  // namespace

EnvironmentSettings environment_of(unsigned core, bool hugepages, unsigned frames,
                                   std::uint32_t longest_frame) {
    EnvironmentSettings settings;
    settings.cores = {core};
    settings.hugepages = hugepages ? Hugepages::automatic : Hugepages::off;
    settings.frames = std::max(settings.frames, frames);
    // A source of a million frames in buffers for 1500 bytes would be 2 GB; these hold 64, and tunnelled ones.
    static_assert(tunnelled_frame_bytes(false) <= 128);
    settings.smallest_data_room_bytes = (longest_frame + 63) / 64 * 64;
    // Each source has a ring of pointers, rounded up to a power of two.
    settings.environment_bytes += std::uint64_t{settings.frames} * 2 * sizeof(void*);
    return settings;
}

PreloadedPort::PreloadedPort(const Environment& environment, std::uint16_t logical_port,
                             const FrameList& frames)
    : name_(next_device_name()), frames_(static_cast<std::uint32_t>(frames.size())) {
    const CaptureInMemory capture(frames);
    const std::string arguments = fmt::format("rx_pcap={},infinite_rx=1", capture.path());
    if (const int result = rte_eal_hotplug_add("vdev", name_.c_str(), arguments.c_str()); result != 0) {
        throw std::runtime_error(fmt::format("no preloaded source: {}", std::strerror(-result)));
    }
    std::vector<std::string> warnings;
    constexpr std::uint16_t mtu = 1500;
    port_ = std::make_unique<DpdkPort>(environment, HostPort{.name = name_, .device = name_}, logical_port, mtu,
                                       warnings);
    rte_eth_dev_get_port_by_name(name_.c_str(), &device_port_);
}

PreloadedPort::~PreloadedPort() {
    port_.reset();
    rte_eal_hotplug_remove("vdev", name_.c_str());
}

void swap_macs_and_send(std::uint16_t device_port) {
    std::array<rte_mbuf*, DpdkPort::burst_frames> mbufs;
    const std::uint16_t count = rte_eth_rx_burst(device_port, 0, mbufs.data(), DpdkPort::burst_frames);
    for (std::uint16_t i = 0; i < count; ++i) {
        auto* ethernet = rte_pktmbuf_mtod(mbufs[i], rte_ether_hdr*);
        std::swap(ethernet->dst_addr, ethernet->src_addr);
    }
    const std::uint16_t sent = rte_eth_tx_burst(device_port, 0, mbufs.data(), count);
    rte_pktmbuf_free_bulk(mbufs.data() + sent, count - sent);
}

}  // namespace sluice::bench
