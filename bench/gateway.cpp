// SPDX-License-Identifier: Apache-2.0
#include "bench/gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sluice::bench {

void wrong_answer(const char* what) {
    fmt::print(stderr, "gateway_bench: wrong answer: {}\n", what);
    std::_Exit(1);
}

Gateway::~Gateway() {
    shard_.release_held(output_);
    free_all();
}

void Gateway::free_all() {
    for (const Frame& frame : output_.transmitted) rte_pktmbuf_free(static_cast<rte_mbuf*>(frame.buffer));
    for (const Frame& frame : output_.released) rte_pktmbuf_free(static_cast<rte_mbuf*>(frame.buffer));
    output_.clear();
}

void Checker::forward(const Frame& frame) {
    if (const char* problem = wrong_forward(shape_, frame.bytes(), frame.port)) wrong_answer(problem);
    std::uint64_t& known = translations_.at(flow_of(frame.bytes()));
    const std::uint64_t now = translation_of(frame.bytes());
    if (known != 0 && known != now) wrong_answer("a flow changed its translation");
    known = now;
}

void Checker::reply(const Frame& frame) {
    if (const char* problem = wrong_reply(shape_, frame.bytes(), frame.port)) wrong_answer(problem);
}

std::uint32_t Checker::distinct_flows() const {
    std::vector<std::uint64_t> seen;
    std::ranges::copy_if(translations_, std::back_inserter(seen),
                         [](std::uint64_t known) { return known != 0; });
    std::ranges::sort(seen);
    if (std::ranges::adjacent_find(seen) != seen.end()) wrong_answer("two flows share a translation");
    return static_cast<std::uint32_t>(seen.size());
}

}  // namespace sluice::bench
