// SPDX-License-Identifier: Apache-2.0
//
// For tests: captures written with libpcap, read back whole, and a folder that goes away with the test.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/packet/frame.h"
#include "tests/support/packets.h"

namespace sluice::test {

struct TimedFrame {
    Time time = 0;
    Bytes bytes;
    std::uint32_t wire_bytes = 0;  // 0: all of it was captured
    friend bool operator==(const TimedFrame&, const TimedFrame&) = default;
};

enum class Precision { microseconds, nanoseconds };

/// A pcap file. `link_type` is a DLT_ number, 1 is Ethernet.
void write_capture(const std::filesystem::path& path, const std::vector<TimedFrame>& frames,
                   Precision precision = Precision::nanoseconds, int link_type = 1);
/// A pcapng file in big-endian byte order with microsecond time stamps.
void write_big_endian_pcapng(const std::filesystem::path& path, const std::vector<TimedFrame>& frames);
std::vector<TimedFrame> read_capture(const std::filesystem::path& path);

std::string read_text(const std::filesystem::path& path);
void write_text(const std::filesystem::path& path, const std::string& text);

class TemporaryDirectory {
  public:
    TemporaryDirectory();
    ~TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace sluice::test
