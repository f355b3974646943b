// SPDX-License-Identifier: Apache-2.0
#include "runtime/programs/replay.h"

namespace sluice {

Replay::Replay(const Image& image, const ReplaySettings& settings)
    : settings_(settings),
      shard_(image, settings.shard, frames_),
      captures_(settings.inputs),
      writer_(settings.output_directory, image.port_names()) {
    burst_.reserve(burst_packets);
}

bool Replay::run() {
    if (!writer_.problem().empty()) {
        settings_.warn("error: " + writer_.problem());
        return false;
    }
    Time burst_time = 0;
    while (const auto captured = captures_.next()) {
        // Packets of one burst share one time: what an earlier one changes, the next one meets.
        if (!burst_.empty() && (captured->time != burst_time || burst_.size() == burst_packets))
            process(burst_time);
        burst_time = captured->time;
        burst_.push_back(frames_.copy_of(captured->bytes, captured->port));
    }
    if (!burst_.empty()) process(burst_time);

    shard_.release_held(output_);
    collect(burst_time);
    const bool read = warn_about_inputs();
    const bool written = writer_.finish();
    if (!written) settings_.warn("error: " + writer_.problem());
    return read && written;
}

void Replay::process(Time time) {
    run_timers_until(time);
    shard_.process(burst_, time, output_);
    burst_.clear();
    collect(time);
}

// Each timer at its own time, so that what it sends carries the time when it was due and not the next packet's.
void Replay::run_timers_until(Time time) {
    Time previous = 0;
    for (Time due = shard_.next_timer(); due > previous && due < time; due = shard_.next_timer()) {
        shard_.advance(due, output_);
        collect(due);
        previous = due;
    }
}

void Replay::collect(Time time) {
    for (const Frame& frame : output_.transmitted) {
        writer_.write(frame, time);
        frames_.release(frame);
    }
    for (const Frame& frame : output_.released) frames_.release(frame);
    output_.clear();
}

bool Replay::warn_about_inputs() {
    bool all_read = true;
    for (const CaptureReader& reader : captures_.readers()) {
        if (!reader.problem().empty()) {
            all_read = false;
            settings_.warn(reader.path() + ": error: " + reader.problem());
        }
        if (reader.cut_short() != 0) {
            settings_.warn(reader.path() + ": warning: " + std::to_string(reader.cut_short()) + " of " +
                           std::to_string(reader.packets()) +
                           " packets were cut short when they were captured; processed as they are");
        }
    }
    return all_read;
}

}  // namespace sluice
