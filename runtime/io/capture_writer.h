// SPDX-License-Identifier: Apache-2.0
//
// Captures out: one nanosecond pcap file a port. The bytes depend on the packets and times alone. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/packet/frame.h"

namespace sluice {

class CaptureWriter {
  public:
    /// Makes DIRECTORY where it is missing and DIRECTORY/PORT.pcap for every port, empty ones too.
    CaptureWriter(const std::string& directory, std::span<const std::string_view> port_names);
    ~CaptureWriter();
    CaptureWriter(const CaptureWriter&) = delete;
    CaptureWriter& operator=(const CaptureWriter&) = delete;

    void write(const Frame& frame, Time time);
    /// Everything to disk. False: not all could be written, see problem().
    bool finish();

    /// The first thing that went wrong, with the file's name; empty while all is well.
    const std::string& problem() const { return problem_; }

  private:
    struct File;
    std::vector<std::unique_ptr<File>> files_;  // by port
    std::string problem_;
};

}  // namespace sluice
