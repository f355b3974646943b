// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/capture_reader.h"

#include <pcap/pcap.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

namespace sluice {
namespace {

// Classic captures hold unsigned 32-bit seconds, which libpcap may hand out sign-extended; pcapng may hold
// anything. Time beyond the year 2106 is taken as 2106: what we write is a classic capture, and no sum of ours
// overflows.
Time time_of(const timeval& stamp) {
    constexpr std::int64_t latest_second = 0xffffffff;
    std::int64_t second = stamp.tv_sec;
    if (second < 0) second = static_cast<std::int64_t>(static_cast<std::uint32_t>(second));
    const auto fraction = static_cast<Time>(std::clamp<std::int64_t>(stamp.tv_usec, 0, 999'999'999));
    return static_cast<Time>(std::min(second, latest_second)) * nanoseconds_per_second + fraction;
}

std::string link_type_name(int link_type) {
    const char* name = pcap_datalink_val_to_name(link_type);
    return name != nullptr ? name : std::to_string(link_type);
}

}  // namespace

struct CaptureReader::Handle {
    explicit Handle(pcap_t* opened) : pcap(opened) {}
    ~Handle() { pcap_close(pcap); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    pcap_t* pcap;
};

CaptureReader::CaptureReader(std::string path) : path_(std::move(path)) {
    char error[PCAP_ERRBUF_SIZE] = "";
    pcap_t* pcap = pcap_open_offline_with_tstamp_precision(path_.c_str(), PCAP_TSTAMP_PRECISION_NANO, error);
    if (pcap == nullptr) {
        problem_ = error;
        // libpcap names the file where the system refused it, and not where the contents are wrong.
        if (problem_.starts_with(path_ + ": ")) problem_.erase(0, path_.size() + 2);
        return;
    }
    handle_ = std::make_unique<Handle>(pcap);
    if (const int link_type = pcap_datalink(pcap); link_type != DLT_EN10MB) {
        problem_ = "the link type is " + link_type_name(link_type) + ", only Ethernet (EN10MB) can be replayed";
        handle_.reset();
    }
}

CaptureReader::~CaptureReader() = default;
CaptureReader::CaptureReader(CaptureReader&&) noexcept = default;
CaptureReader& CaptureReader::operator=(CaptureReader&&) noexcept = default;

std::optional<CapturedFrame> CaptureReader::next() {
    if (!handle_) return std::nullopt;
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    const int result = pcap_next_ex(handle_->pcap, &header, &bytes);
    if (result != 1) {
        if (result != PCAP_ERROR_BREAK) {
            problem_ = pcap_geterr(handle_->pcap);
            problem_ +=
                packets_ == 0 ? ", before the first packet" : ", behind packet " + std::to_string(packets_);
        }
        handle_.reset();
        return std::nullopt;
    }
    ++packets_;
    if (header->caplen < header->len) ++cut_short_;
    return CapturedFrame{time_of(header->ts), {bytes, header->caplen}, header->len};
}

}  // namespace sluice
