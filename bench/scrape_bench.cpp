// SPDX-License-Identifier: Apache-2.0
//
// What scraping metrics costs packets: established flows through a shard on one core, and on another one a
// thread that reads the metrics as Prometheus does, ten times a second or not at all. Both cases take turns, a
// window each; printed are the cycles a packet of either and how their ratio is spread over the pairs of
// windows.
//
//     build/bin/scrape_bench [PAIRS]
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <thread>

#include "bench/order.h"
#include "bench/source.h"
#include "bench/windows.h"
#include "runtime/control/metrics.h"
#include "runtime/shard/shard.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t flows = 10'000;
constexpr Shape shape{.tenants = 100, .rules = 10};
constexpr auto window_time = std::chrono::milliseconds(200);  // two scrapes
constexpr auto scrape_time = std::chrono::milliseconds(100);

/// Reads metrics while it is told to.
class Scraper {
  public:
    Scraper(const Image& image, const Shard& shard)
        : image_(image), shard_(shard), thread_([this] { run(); }) {}
    ~Scraper() {
        stop_ = true;
        thread_.join();
    }
    Scraper(const Scraper&) = delete;
    Scraper& operator=(const Scraper&) = delete;

    void turn(bool on) { on_ = on; }
    std::uint64_t scrapes() const { return scrapes_; }
    std::size_t text_bytes() const { return text_bytes_; }

  private:
    void run() {
        while (!stop_) {
            if (on_) {
                text_bytes_ = prometheus_text(collect_metrics(image_, shard_, {.ports = {{}, {}}})).size();
                ++scrapes_;
            }
            std::this_thread::sleep_for(scrape_time);
        }
    }

    const Image& image_;
    const Shard& shard_;
    std::atomic<bool> on_{false}, stop_{false};
    std::atomic<std::uint64_t> scrapes_{0};
    std::atomic<std::size_t> text_bytes_{0};
    std::thread thread_;
};

class Loop {
  public:
    explicit Loop(const Image& image) : shard_(image, settings(), no_frames_) {
        for (std::uint32_t packet = 0; packet < 2 * frames_.size(); packet += Source::most_frames) burst();
    }
    Shard& shard() { return shard_; }

    /// Cycles a packet.
    double window() {
        const auto end = std::chrono::steady_clock::now() + window_time;
        const std::uint64_t begin = __rdtsc();
        std::uint64_t packets = 0;
        do {
            for (int i = 0; i < 1000; ++i) packets += burst();
        } while (std::chrono::steady_clock::now() < end);
        return static_cast<double>(__rdtsc() - begin) / static_cast<double>(packets);
    }

  private:
    static ShardSettings settings() {
        ShardSettings settings;
        settings.sessions = 1u << 15;
        return settings;
    }
    std::uint64_t burst() {
        shard_.process(frames_.next(Source::most_frames), seconds(1000), output_);
        const std::size_t sent = output_.transmitted.size();
        if (sent != Source::most_frames) {
            std::fputs("scrape_bench: not every packet was forwarded\n", stderr);
            std::exit(1);
        }
        output_.clear();
        return sent;
    }

    NoFrames no_frames_;
    Shard shard_;
    Source frames_{make_frames(shape, uniform_order(flows)), access_port};
    Output output_;
};

double at(std::vector<double> values, double share) {
    std::ranges::sort(values);
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

void run(int pairs) {
    const auto image = make_image(shape);
    Loop loop(*image);
    Scraper scraper(*image, loop.shard());  // before this thread keeps to one core
    settle_on_core(quietest_core());
    std::vector<double> alone, scraped, ratios;
    for (int pair = 0; pair < pairs; ++pair) {
        double cycles[2];
        for (const bool on : {pair % 2 == 0, pair % 2 != 0}) {
            scraper.turn(on);
            cycles[on] = loop.window();
        }
        alone.push_back(cycles[0]);
        scraped.push_back(cycles[1]);
        ratios.push_back(cycles[1] / cycles[0]);
    }
    fmt::print("{} flows, {} tenants, {} bytes of metrics, {} scrapes in {} windows of {} ms\n", flows,
               shape.tenants, scraper.text_bytes(), scraper.scrapes(), pairs, window_time.count());
    fmt::print("cycles a packet, lower quartile: {:.1f} alone, {:.1f} scraped ten times a second\n",
               lower_quartile(alone), lower_quartile(scraped));
    fmt::print(
        "ratio of pairs: median {:.3f}, half of them in {:.3f} to {:.3f}, nine tenths in {:.3f} to {:.3f}\n",
        at(ratios, 0.5), at(ratios, 0.25), at(ratios, 0.75), at(ratios, 0.05), at(ratios, 0.95));
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
    try {
        sluice::bench::run(argc > 1 ? std::max(1, std::atoi(argv[1])) : 60);
    } catch (const std::exception& error) {
        fmt::print(stderr, "scrape_bench: {}\n", error.what());
        return 1;
    }
}
