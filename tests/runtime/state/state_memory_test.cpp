// SPDX-License-Identifier: Apache-2.0
// What state costs, and that docs/memory.md says so. Run with --gtest_filter='*MemoryDocument*' for the lines.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "runtime/cache/rule_memo.h"
#include "runtime/cache/trace_cache.h"
#include "runtime/state/fragment_table.h"
#include "runtime/state/nat_table.h"
#include "runtime/state/neighbour_table.h"
#include "runtime/state/session_table.h"
#include "runtime/state/station_table.h"

namespace sluice {
namespace {

constexpr std::size_t timer_bytes = TimerWheel::node_bytes();
constexpr std::size_t free_list_bytes = sizeof(std::uint32_t);
constexpr std::size_t flow_index_bytes = 64 / TagIndex::wished_per_line + 1;
constexpr std::size_t index_bytes = 2 * IndexTable::slot_bytes;  // at half load, capacity a power of two

std::string row(const std::string& what, std::size_t bytes) {
    return "| " + what + " | " + std::to_string(bytes) + " |";
}

TEST(StateMemory, DocumentHasTheFiguresOfThisBuild) {
    const std::size_t session =
        2 * sizeof(FlowEntry) + SessionTable::record_bytes() + timer_bytes + 2 * flow_index_bytes;
    const std::size_t wide_session = session + 2 * sizeof(WideLine) + sizeof(WideSession);
    const std::size_t stateless_flow = sizeof(FlowEntry) + sizeof(WideLine) + flow_index_bytes;
    const std::size_t mapping = NatTable::mapping_bytes(Family::v4) + 2 * flow_index_bytes;
    const std::size_t mapping6 = NatTable::mapping_bytes(Family::v6) + 2 * flow_index_bytes;
    const std::size_t neighbour = NeighbourTable::neighbour_bytes() + timer_bytes + index_bytes;
    const std::size_t datagram = FragmentTable::datagram_bytes() + timer_bytes + free_list_bytes + index_bytes;
    // The tables may be full; the indices have thirteen keys a line of sixteen then, 81 %.
    EXPECT_LE(session + mapping, 192u);
    const std::string rows[] = {
        row("IPv4 session with one NAT mapping, all in all", session + mapping),
        row("IPv6 session with one NAT mapping, all in all", wide_session + mapping6),

        row("session, both directions", session),
        row("session of IPv6, twice translated or one of several on a path", wide_session),
        row("flow without a session", stateless_flow),
        row("NAT mapping with one remote address of its filter, or one such address more", mapping),
        row("the same of IPv6", mapping6),
        row("ports of a SNAT pool address, once all its protocols are used", 3 * sizeof(PortSpace)),
        row("port at rest (UDP and ICMP with endpoint-independent filtering)", sizeof(RestingPort)),
        row("neighbour", neighbour),
        row("station of a switched segment", StationTable::station_bytes() + index_bytes),
        row("trace of new flows", TraceCache::bytes_a_trace()),
        row("firewall question with its answer", RuleMemo::bytes_an_answer()),
        row("packet held for a neighbour", NeighbourTable::held_packet_bytes()),
        row("datagram under reassembly", datagram)};
    const char* source = std::getenv("SLUICE_SOURCE_DIR");
    ASSERT_NE(source, nullptr);
    std::ifstream file(std::string(source) + "/docs/memory.md");
    std::stringstream text;
    text << file.rdbuf();
    for (const std::string& line : rows) {
        std::cout << line << '\n';
        EXPECT_NE(text.str().find(line), std::string::npos) << "docs/memory.md lacks: " << line;
    }
}

}  // namespace
}  // namespace sluice
