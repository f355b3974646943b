// SPDX-License-Identifier: Apache-2.0
//
// Captures in: pcap and pcapng of either byte order and any time resolution, Ethernet only. What can't be used
// is named with the reason, and what stands before the break is still given.
//
// One thread. next() returns memory of the reader, valid until its next call.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "runtime/packet/frame.h"

namespace sluice {

struct CapturedFrame {
    Time time = 0;                        // nanoseconds since 1970, as the capture says
    std::span<const std::uint8_t> bytes;  // what was captured, may be less than what was on the wire
    std::uint32_t wire_bytes = 0;
};

class CaptureReader {
  public:
    /// Opens at once. A file that can't be opened is a reader without packets and with a problem.
    explicit CaptureReader(std::string path);
    ~CaptureReader();
    CaptureReader(CaptureReader&&) noexcept;
    CaptureReader& operator=(CaptureReader&&) noexcept;

    /// nullopt at the end, and where the file breaks (then problem() says why).
    std::optional<CapturedFrame> next();

    const std::string& path() const { return path_; }
    /// Why the file was not read to its end; empty while all is well.
    const std::string& problem() const { return problem_; }
    std::uint64_t packets() const { return packets_; }
    /// Packets of which the capture holds only the beginning (snap length).
    std::uint64_t cut_short() const { return cut_short_; }

  private:
    struct Handle;
    std::string path_;
    std::string problem_;
    std::unique_ptr<Handle> handle_;
    std::uint64_t packets_ = 0;
    std::uint64_t cut_short_ = 0;
};

}  // namespace sluice
