// SPDX-License-Identifier: Apache-2.0
//
// A fixed number of packets through a shard, for callgrind to count the instructions of: the same count in
// every run, whatever the neighbours do. ci/perf-gate runs it and reads two dumps a row, called ROW/PACKETS
// with N and 2N packets: the difference over N is the price of a packet, without what is paid once.
//
//     valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=FILE build/bin/instruction_bench [ROW]
#include <fmt/format.h>
#include <valgrind/callgrind.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "bench/order.h"
#include "bench/source.h"
#include "runtime/control/metrics.h"
#include "runtime/shard/shard.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t burst_frames = Source::most_frames;
constexpr std::uint32_t flows = 8192;
constexpr std::uint32_t cached_packets = 8192;
constexpr std::uint32_t fresh_packets = 2048;
constexpr std::uint32_t bursts_a_scrape = 64;
// As long as it takes to open so many sessions.
constexpr Time short_idle = seconds(1);

struct Row {
    const char* name;
    Shape shape;
    bool fresh = false;    // every packet opens a session
    bool ending = false;   // and ends another
    bool replies = false;  // every second burst comes back
    bool cache = true;
    bool scraped = false;  // somebody reads the metrics meanwhile; the reading is not counted
};

constexpr Row rows[] = {
    {.name = "established", .shape = {}},
    {.name = "established-scraped", .shape = {}, .scraped = true},
    {.name = "established-replies", .shape = {}, .replies = true},
    {.name = "established-10-tenants", .shape = {.tenants = 10, .rules = 10}},
    {.name = "established-100-tenants", .shape = {.tenants = 100, .rules = 10}},
    {.name = "established-1000-tenants", .shape = {.tenants = 1000, .rules = 10}},
    {.name = "established-no-cache", .shape = {}, .cache = false},
    {.name = "new-session-10-rules", .shape = {.rules = 10}, .fresh = true},
    {.name = "new-session-1000-rules", .shape = {}, .fresh = true},
    {.name = "new-session-all-rules", .shape = {.destinations = Destinations::all_rules}, .fresh = true},
    {.name = "new-session-1000-tenants", .shape = {.tenants = 1000, .rules = 10}, .fresh = true},
    {.name = "new-session-expiring", .shape = {.rules = 10}, .fresh = true, .ending = true},
};

[[noreturn]] void wrong(const char* row, const char* what) {
    fmt::print(stderr, "instruction_bench: {}: wrong answer: {}\n", row, what);
    std::_Exit(1);
}

class Measurement {
  public:
    explicit Measurement(const Row& row)
        : row_(row),
          image_(make_image(row.shape)),
          shard_(*image_, settings(), no_frames_),
          // Fresh flows to begin with, for N packets and for 2N more.
          inside_(make_frames(row.shape, uniform_order(row.fresh ? 4 * fresh_packets : flows)), access_port),
          outside_(row.fresh ? FrameList() : check_and_answer(), uplink_port) {
        if (row.fresh) pass(fresh_packets);
    }

    void run() {
        dump(packets());
        dump(2 * packets());
        if (!shard_.counters().balanced() || shard_.counters().total_drops() != 0)
            wrong(row_.name, "unbalanced");
        const auto& sessions = shard_.counters().sessions;
        if (!row_.fresh) return;
        if (sessions.created != 4 * packets()) wrong(row_.name, "too few sessions");
        if (sessions.expired < (row_.ending ? 3 * packets() * 95 / 100 : 0)) wrong(row_.name, "too few ended");
    }

  private:
    std::uint32_t packets() const { return row_.fresh ? fresh_packets : cached_packets; }
    ShardSettings settings() const {
        ShardSettings settings;
        settings.sessions = 1u << 15;
        settings.flows = 1u << 16;
        if (!row_.cache) settings.cache = CacheTiers::none;
        if (row_.ending) settings.timeouts.udp = short_idle;
        return settings;
    }

    /// Opens all sessions, twice over so that the second pass is served as the measured ones are.
    FrameList check_and_answer() {
        FrameList answers;
        for (std::uint32_t packet = 0; packet < 2 * flows; packet += burst_frames) {
            shard_.process(inside_.next(burst_frames), now_, output_);
            if (output_.transmitted.size() != burst_frames) wrong(row_.name, "not every packet was forwarded");
            for (const Frame& frame : output_.transmitted) {
                if (const char* problem = wrong_forward(row_.shape, frame.bytes(), frame.port)) {
                    wrong(row_.name, problem);
                }
                if (packet < flows) add_reply(answers, frame.bytes());
            }
            output_.clear();
        }
        Source check(answers, uplink_port);
        for (std::uint32_t packet = 0; row_.replies && packet < 2 * flows; packet += burst_frames) {
            shard_.process(check.next(burst_frames), now_, output_);
            for (const Frame& frame : output_.transmitted) {
                if (const char* problem = wrong_reply(row_.shape, frame.bytes(), frame.port)) {
                    wrong(row_.name, problem);
                }
            }
            if (output_.transmitted.size() != burst_frames) wrong(row_.name, "not every answer was forwarded");
            output_.clear();
        }
        return answers;
    }

    void pass(std::uint32_t count) {
        const Time burst_time = row_.ending ? short_idle * burst_frames / fresh_packets : 0;
        std::uint32_t left = 0;
        for (std::uint32_t packet = 0; packet < count; packet += burst_frames) {
            Source& from = row_.replies && packet / burst_frames % 2 != 0 ? outside_ : inside_;
            shard_.process(from.next(burst_frames), now_, output_);
            now_ += burst_time;
            left += static_cast<std::uint32_t>(output_.transmitted.size());
            output_.clear();
            if (packet / burst_frames % bursts_a_scrape == 0) uncounted([this] { scrape(); });
        }
        if (left != count) wrong(row_.name, "not every packet was forwarded");
    }

    void dump(std::uint32_t count) {
        // The macros read it in a later statement: it must have a name.
        const std::string label = fmt::format("{}/{}", row_.name, count);
        CALLGRIND_START_INSTRUMENTATION;
        CALLGRIND_ZERO_STATS;
        pass(count);
        CALLGRIND_DUMP_STATS_AT(label.c_str());
        CALLGRIND_STOP_INSTRUMENTATION;
    }

    /// In every row, so that what the switch itself costs is in all of them.
    template <typename Work>
    static void uncounted(Work&& work) {
        CALLGRIND_TOGGLE_COLLECT;
        work();
        CALLGRIND_TOGGLE_COLLECT;
    }
    [[gnu::noinline]] void scrape() const {
        if (row_.scraped && prometheus_text(collect_metrics(*image_, shard_, {})).empty())
            wrong(row_.name, "no metrics");
    }

    Row row_;
    NoFrames no_frames_;
    std::unique_ptr<const Image> image_;
    Shard shard_;
    Output output_;
    Time now_ = seconds(1000);
    Source inside_, outside_;
};

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    try {
        for (const sluice::bench::Row& row : sluice::bench::rows) {
            if (argc < 2 || std::strcmp(argv[1], row.name) == 0) sluice::bench::Measurement(row).run();
        }
    } catch (const std::exception& error) {
        fmt::print(stderr, "instruction_bench: {}\n", error.what());
        return 1;
    }
}
