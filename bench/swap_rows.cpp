// SPDX-License-Identifier: Apache-2.0
#include "bench/swap_rows.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <thread>

#include "bench/gateway.h"
#include "bench/order.h"
#include "runtime/control/live_image.h"
#include "tests/support/packets.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t in_flight_buffers = 4096;
constexpr std::uint32_t rounds = 10;  // with swaps and without, in turn
constexpr std::size_t most_bursts = 16'000'000;
// The pause between two swaps, beside what it takes to make the next image ready.
constexpr auto pause = std::chrono::microseconds(500);

using File = std::vector<std::uint8_t>;

ImagePointer load(const File& file) {
    auto loaded = Image::from_bytes(file);
    if (std::holds_alternative<ImageError>(loaded)) wrong_answer("the image is refused");
    return std::move(std::get<std::unique_ptr<const Image>>(loaded));
}

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

/// Watches each burst: what went in, what the policy that the shard follows makes of it, what came out.
class Watch {
  public:
    explicit Watch(const SwapPlan& plan) : shape_(plan.shape) {
        for (const bool changed : {false, true}) {
            for (std::uint32_t flow = 0; flow < plan.flows; ++flow) {
                fates_[changed].push_back(fate_of(plan.shape, plan.kind, changed, flow));
            }
        }
    }
    void follow(bool changed) {
        current_ = &fates_[changed];
        closely_ = bursts_closely;
    }
    void burst(std::span<const Frame> frames) {
        row_.sent += frames.size();
        for (const Frame& frame : frames) denied_ += (*current_)[flow_of(frame.bytes())].denied ? 1u : 0u;
    }
    void frame(const Frame& frame) {
        const std::uint32_t flow = flow_of(frame.bytes());
        const auto seen = fate_seen(shape_, frame.bytes(), frame.port);
        if (flow >= current_->size() || seen != (*current_)[flow]) {
            ++row_.mixed;
            return;
        }
        ++row_.received;
        if (closely_ != 0 && !test::checksums_valid(frame.bytes())) wrong_answer("a checksum is wrong");
    }
    void end_of_burst() {
        if (closely_ != 0) --closely_;
    }
    void result(SwapRow& row) const {
        row.sent = row_.sent;
        row.received = row_.received;
        row.mixed = row_.mixed;
        row.denied = denied_;
        const std::uint64_t known = row.received + row.mixed + row.denied;
        row.lost = row.sent > known ? row.sent - known : 0;
        if (known > row.sent) wrong_answer("more packets came out than went in");
    }

  private:
    static constexpr unsigned bursts_closely = 16;  // after each swap: checksums too

    Shape shape_;
    std::array<std::vector<Fate>, 2> fates_;
    const std::vector<Fate>* current_ = &fates_[0];
    unsigned closely_ = bursts_closely;
    std::uint64_t denied_ = 0;
    SwapRow row_;
};

/// The thread that has the images made ready: an operator who never stops.
class Operator {
  public:
    Operator(const SwapPlan& plan, const std::array<File, 2>& files, LiveImage& live, unsigned packet_core)
        : plan_(plan), files_(files), live_(live), thread_([this, packet_core] { run(packet_core); }) {}
    ~Operator() { thread_.join(); }
    Operator(const Operator&) = delete;
    Operator& operator=(const Operator&) = delete;

    /// Whether it is swapping, for the packet thread.
    bool swapping() const { return swapping_.load(std::memory_order_relaxed); }
    bool done() const { return done_.load(std::memory_order_acquire); }
    /// When done.
    double milliseconds() const { return median(milliseconds_); }

  private:
    void run(unsigned packet_core) {
        cpu_set_t cores;
        CPU_ZERO(&cores);
        for (long core = 0; core < sysconf(_SC_NPROCESSORS_ONLN); ++core) {
            if (core != packet_core) CPU_SET(static_cast<std::size_t>(core), &cores);
        }
        if (CPU_COUNT(&cores) != 0) pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
        std::uint32_t swap = 0;
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            const Time begin = monotonic_time();
            swapping_ = true;
            for (; swap < plan_.swaps / rounds * round; ++swap) this->swap(files_[(swap + 1) % 2]);
            swapping_ = false;
            std::this_thread::sleep_for(std::chrono::nanoseconds(monotonic_time() - begin));
        }
        done_.store(true, std::memory_order_release);
    }
    void swap(const File& file) {
        const Time begin = monotonic_time();
        const ImagePointer image = load(file);
        if (live_.go_over_to(*image)) wrong_answer("the gateway stays with its image");
        milliseconds_.push_back(static_cast<double>(monotonic_time() - begin) / 1e6);
        std::this_thread::sleep_for(pause);
    }

    const SwapPlan& plan_;
    const std::array<File, 2>& files_;
    LiveImage& live_;
    std::vector<double> milliseconds_;
    std::atomic<bool> swapping_{false}, done_{false};
    std::thread thread_;  // last: it uses the rest
};

/// Packets of tenants that no swap concerns and whose flow was not known.
std::uint64_t unknown_flows(const SwapPlan& plan, const Counters& counters) {
    std::uint64_t sum = 0;
    for (std::uint32_t tenant = 0; tenant < plan.shape.tenants; ++tenant) {
        const auto& traces = counters.tenants[tenant].traces;
        if (!concerns(plan.kind, tenant)) sum += traces.hits + traces.misses;
    }
    return sum;
}

}  // namespace

std::uint32_t buffers_for(const SwapPlan& plan) {
    return plan.flows + in_flight_buffers;
}

SwapRow measure(const SwapPlan& plan, const Routes& internet, const Environment& environment, unsigned core) {
    const std::array<File, 2> files = {swap_file(plan.shape, plan.kind, false, internet),
                                       swap_file(plan.shape, plan.kind, true, internet)};
    DpdkFrames allocator(environment.pool(), environment.longest_frame());
    const FrameList frames = make_frames(plan.shape, uniform_order(plan.flows));
    FrameList one;
    std::ranges::copy(frames[0], one.add());
    PreloadedPort access(environment, access_port, frames), uplink(environment, uplink_port, one);
    ImagePointer running = load(files[0]);
    ShardSettings settings;
    settings.sessions = std::max(1u << 16, plan.flows / 3 * 4);
    Gateway gateway(*running, settings, allocator);
    gateway.connect(access.port(), uplink.port());
    Shard& shard = gateway.shard();
    Mailbox mailbox;
    LiveImage live(running, shard, mailbox, {});

    Watch watch(plan);
    const auto run_burst = [&] {
        gateway.run_watched(
            access.port(), monotonic_time(), [&](std::span<const Frame> burst) { watch.burst(burst); },
            [&](const Frame& frame) { watch.frame(frame); });
        watch.end_of_burst();
    };
    for (std::uint32_t seen = 0; seen < 2 * frames.size(); seen += DpdkPort::burst_frames) run_burst();

    StolenTime stolen(core);
    std::array<Delays, 2> delays{Delays(most_bursts), Delays(most_bursts)};
    std::vector<double> work;
    const std::uint64_t revalidated_before = shard.counters_so_far().cache.revalidated;
    const std::uint64_t unknown_before = unknown_flows(plan, shard.counters_so_far());
    std::uint32_t generation = shard.generation();
    SwapRow row;
    {
        const Operator images(plan, files, live, core);
        std::uint64_t last = __rdtsc();
        while (!images.done()) {
            const std::uint64_t begin = __rdtsc();
            mailbox.serve();
            if (shard.generation() != generation) {
                // What the first burst under the image does before its first packet.
                gateway.run_idle(monotonic_time());
                work.push_back(static_cast<double>(__rdtsc() - begin) / cycles_a_microsecond());
                generation = shard.generation();
                watch.follow(generation % 2 != 0);
            }
            run_burst();
            const std::uint64_t now = __rdtsc();
            delays[images.swapping() ? 0 : 1].add(now - last, stolen);
            last = now;
        }
        row.activate_ms = images.milliseconds();
    }
    mailbox.close();
    if (generation != plan.swaps) wrong_answer("not every image came to the shard");
    row.kind = plan.name;
    row.image_bytes = files[0].size();
    row.swaps = plan.swaps;
    watch.result(row);
    row.shard_work_us_max = *std::ranges::max_element(work);
    row.shard_work_us_median = median(std::move(work));
    row.with_swaps = delays[0].summary();
    row.without = delays[1].summary();
    row.revalidated = shard.counters_so_far().cache.revalidated - revalidated_before;
    row.unchanged_tenant_misses = unknown_flows(plan, shard.counters_so_far()) - unknown_before;
    const Counters& counters = shard.counters();
    if (!counters.balanced()) wrong_answer("the counters are not balanced");
    if (counters.total_drops() != row.denied) wrong_answer("other packets were dropped than the policy denies");
    return row;
}

std::vector<SwapPlan> all_swaps() {
    return {{.name = "rule", .kind = SwapKind::rule},
            {.name = "route", .kind = SwapKind::route},
            {.name = "tenant", .kind = SwapKind::tenant},
            {.name = "all-tenants", .kind = SwapKind::all_tenants},
            {.name = "nat-pool", .kind = SwapKind::nat_pool}};
}

SwapPlan big_swap() {
    return {.name = "big",
            .shape = {.tenants = 10, .rules = 10'000},
            .flows = 10'000,
            .swaps = 10,
            .internet = true};
}

}  // namespace sluice::bench
