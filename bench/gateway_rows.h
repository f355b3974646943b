// SPDX-License-Identifier: Apache-2.0
//
// What gateway_bench measures: the list, and how each kind is measured. Names are a contract: scripts read
// them.
#pragma once

#include <string>
#include <vector>

#include "bench/workload.h"
#include "runtime/io/dpdk_environment.h"

namespace sluice::bench {

enum class Kind : std::uint8_t { established, new_session, churn, scan, attacked };
enum class Order : std::uint8_t { uniform, zipf, random, colliding };
enum class Size : std::uint8_t { quick, usual, large, named };  // named: only by --row

struct RowPlan {
    std::string name;
    Kind kind = Kind::established;
    std::uint32_t flows = 0;
    Shape shape = {};
    Order order = Order::uniform;
    Size size = Size::usual;
    bool replies = false;       // every second burst comes back from the other side
    bool only_replies = false;  // with `replies`: what goes out is not timed
    bool cache = true;
    bool expiring = false;  // new_session: as many end as begin
    bool single = false;    // new_session: bursts of one
    bool attack = true;     // attacked: else the other packets are received, but not given to the gateway
};

struct Row {
    std::string name;
    std::uint32_t flows = 0, rules = 0, tenants = 0;
    double cycles = 0, floor = 0;  // a packet; where each packet opens a session, a session
};

struct Effort {
    std::uint32_t windows = 200;  // of each kind, established and churn
    std::uint32_t rounds = 5;     // times a session table is filled
};

/// Everything, in the order of printing.
std::vector<RowPlan> all_rows();
/// Packet buffers that the row needs for its sources.
std::uint32_t buffers_for(const RowPlan& plan);
/// Checks, then measures. Ends the program on a wrong answer.
Row measure(const RowPlan& plan, const Image& image, const Environment& environment, const Effort& effort);

}  // namespace sluice::bench
