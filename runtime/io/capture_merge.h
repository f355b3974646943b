// SPDX-License-Identifier: Apache-2.0
//
// Any number of captures as one stream in order of time. Packets of equal time come in the order of the inputs,
// and each file keeps its own order; a time stamp that goes back is raised to the latest one seen, since time
// never goes back. One thread. Cost: a heap of the files' next packets, O(log files) a packet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/io/capture_reader.h"

namespace sluice {

struct CaptureInput {
    std::uint16_t port = 0;
    std::string path;
};

struct MergedFrame {
    Time time = 0;  // never less than the one before
    std::uint16_t port = 0;
    std::span<const std::uint8_t> bytes;  // valid until the next call of next()
};

class CaptureMerge {
  public:
    explicit CaptureMerge(const std::vector<CaptureInput>& inputs);

    std::optional<MergedFrame> next();

    /// In the order of the inputs; their problems are complete once next() gave nullopt.
    const std::vector<CaptureReader>& readers() const { return readers_; }

  private:
    struct Head {
        Time time;
        std::size_t input;
        std::span<const std::uint8_t> bytes;
        /// Turned round: the standard heap has its greatest element on top.
        bool operator<(const Head& other) const {
            return time != other.time ? time > other.time : input > other.input;
        }
    };
    void pull(std::size_t input);

    std::vector<CaptureReader> readers_;
    std::vector<std::uint16_t> ports_;
    std::vector<Head> heads_;
    std::optional<std::size_t> to_pull_;  // whose packet next() gave out last
    Time now_ = 0;
};

}  // namespace sluice
