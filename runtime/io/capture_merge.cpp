// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/capture_merge.h"

#include <algorithm>

namespace sluice {

CaptureMerge::CaptureMerge(const std::vector<CaptureInput>& inputs) {
    for (const CaptureInput& input : inputs) {
        readers_.emplace_back(input.path);
        ports_.push_back(input.port);
    }
    for (std::size_t input = 0; input < inputs.size(); ++input) pull(input);
}

void CaptureMerge::pull(std::size_t input) {
    if (const auto frame = readers_[input].next()) {
        heads_.push_back({frame->time, input, frame->bytes});
        std::push_heap(heads_.begin(), heads_.end());
    }
}

std::optional<MergedFrame> CaptureMerge::next() {
    // Only now: the reader overwrites the bytes that were given out.
    if (to_pull_) pull(*to_pull_);
    to_pull_.reset();
    if (heads_.empty()) return std::nullopt;
    std::pop_heap(heads_.begin(), heads_.end());
    const Head head = heads_.back();
    heads_.pop_back();
    to_pull_ = head.input;
    now_ = std::max(now_, head.time);
    return MergedFrame{now_, ports_[head.input], head.bytes};
}

}  // namespace sluice
