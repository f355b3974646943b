// SPDX-License-Identifier: Apache-2.0
//
// A replay: captures in, the runtime on virtual time, captures and counters out. The clock is the captures'
// own; it starts at the first packet and stops at the last one, so what is still waiting then is counted as
// held.
//
// One thread. Deterministic: the outputs depend on the image, the captures and the settings, to the byte.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/image/image.h"
#include "runtime/io/capture_merge.h"
#include "runtime/io/capture_writer.h"
#include "runtime/io/heap_frames.h"
#include "runtime/shard/shard.h"

namespace sluice {

struct ReplaySettings {
    std::vector<CaptureInput> inputs;
    std::string output_directory;
    ShardSettings shard;
    /// Told of what goes wrong on the way, one line each, without stopping the replay.
    std::function<void(const std::string&)> warn;
};

class Replay {
  public:
    static constexpr std::size_t burst_packets = 32;

    /// The image must outlive the replay.
    Replay(const Image& image, const ReplaySettings& settings);

    /// Once. True: every capture was read to its end and every packet written.
    bool run();

    const Counters& counters() { return shard_.counters(); }

  private:
    void process(Time time);
    void run_timers_until(Time time);
    void collect(Time time);
    bool warn_about_inputs();

    const ReplaySettings& settings_;
    HeapFrames frames_;
    Shard shard_;
    CaptureMerge captures_;
    CaptureWriter writer_;
    std::vector<Frame> burst_;
    Output output_;
};

}  // namespace sluice
