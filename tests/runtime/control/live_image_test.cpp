// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/live_image.h"

#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <thread>

#include "runtime/control/metrics.h"
#include "tests/replay/captures.h"
#include "tests/replay/small_policy.h"
#include "tests/support/compile.h"
#include "tests/support/sanitized.h"
#include "tests/support/test_gateway.h"

#if SLUICE_SANITIZED
#include <sanitizer/allocator_interface.h>
#endif

namespace sluice {
namespace {

/// The small policy, with that name for the rule that lets packets out and that MTU on access0.
std::map<std::string, std::string> texts_with(const std::string& rule, const std::string& mtu = "1500") {
    auto texts = test::small_policy("203.0.113.1: '02:00:00:00:09:01'");
    std::string& tenant = texts.at("blue.yaml");
    tenant.replace(tenant.find("outbound"), 8, rule);
    std::string& gateway = texts.at("gateway.yaml");
    gateway.replace(gateway.find("1500"), 4, mtu);
    return texts;
}
ImagePointer image_with(const std::string& rule, const std::string& mtu = "1500") {
    return test::compile_texts(texts_with(rule, mtu));
}

constexpr std::uint64_t flows = 64;

/// A packet thread: a frame a burst, of one flow after the other, and between two bursts the mailbox.
class LiveImageTest : public testing::Test {
  protected:
    LiveImageTest() : thread_([this] { run(); }) {}
    ~LiveImageTest() override { stop(); }
    void stop() {
        stop_ = true;
        if (thread_.joinable()) thread_.join();
    }
    void run() {
        while (!stop_) {
            mailbox_.serve();
            const auto port = static_cast<std::uint16_t>(1000 + (passed_ + lost_) % flows);
            const auto sent = gateway_.inject(0, test::udp({.source_port = port, .destination_port = 53}));
            (sent.size() == 1 ? passed_ : lost_)++;
        }
        mailbox_.close();
    }

    const ImagePointer first_ = image_with("outbound");
    ImagePointer running_ = first_;
    test::TestGateway gateway_{*first_};
    Mailbox mailbox_;
    std::vector<std::weak_ptr<const Image>> told_;
    LiveImage live_{running_, gateway_.shard(), mailbox_,
                    [this](const ImagePointer& next) { told_.push_back(next); }};
    std::atomic<std::uint64_t> passed_{0}, lost_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

TEST_F(LiveImageTest, SwapsUnderTrafficWithoutLossAndFreesWhatItLeaves) {
    constexpr std::uint32_t swaps = 200;
    const std::vector<ImagePointer> images = {image_with("one"), image_with("two"), image_with("three")};
    for (std::uint32_t swap = 0; swap < swaps; ++swap) {
        const std::uint64_t before = passed_;
        ASSERT_EQ(live_.go_over_to(*images[swap % images.size()]), std::nullopt);
        while (passed_ < before + 3) std::this_thread::yield();
    }
    stop();
    EXPECT_EQ(lost_, 0u);
    EXPECT_EQ(running_->generation(), swaps);
    ASSERT_EQ(told_.size(), swaps);
    for (std::uint32_t swap = 0; swap < swaps; ++swap) {
        EXPECT_EQ(told_[swap].expired(), swap + 1 < swaps) << "image " << swap;
    }
    EXPECT_EQ(gateway_.shard().sessions().size(), flows);
    EXPECT_EQ(gateway_.counters().rx[0].packets, passed_);
}

/// Who looks on, in a thread of its own, as often as `pause` lets it.
class Reader {
  public:
    Reader(std::function<void()> read, std::chrono::microseconds pause)
        : thread_([this, read = std::move(read), pause] {
              for (; !stop_; ++reads_) {
                  read();
                  std::this_thread::sleep_for(pause);
              }
          }) {}
    ~Reader() {
        stop_ = true;
        thread_.join();
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    std::uint64_t reads() const { return reads_; }

  private:
    std::atomic<bool> stop_{false};
    std::atomic<std::uint64_t> reads_{0};
    std::thread thread_;  // last: it uses the rest
};

// The thread sanitizer sees whether who reads disturbs packets or swaps: metrics without asking the packet
// thread, statistics by asking it, the image by holding it, all at once.
TEST_F(LiveImageTest, IsReadInEveryWayUnderTrafficAndSwaps) {
    const auto received = [this] {
        const auto held = live_.hold();
        const GatewayState gateway{.ports = {{}, {}}};
        for (const auto& [family, samples] : collect_metrics(*running_, gateway_.shard(), gateway)) {
            if (family.name == "sluice_port_receive_packets_total") return samples[0].value;
        }
        return std::uint64_t{0};
    };
    {
        const Reader metrics(
            [&, last = std::uint64_t{0}]() mutable {
                const std::uint64_t now = received();
                EXPECT_GE(now, last);
                last = now;
            },
            std::chrono::milliseconds(1));
        const Reader statistics(
            [&, last = std::uint64_t{0}]() mutable {
                const auto held = live_.hold();
                Counters copy(*running_);
                mailbox_.run([&] {
                    if (!gateway_.shard().fold_some(64)) return false;
                    copy = gateway_.shard().counters_so_far();
                    return true;
                });
                EXPECT_TRUE(copy.balanced());
                EXPECT_GE(copy.rx[0].packets, last);
                last = copy.rx[0].packets;
            },
            std::chrono::microseconds(0));
        const Reader images(
            [&] {
                ImagePointer image;
                {
                    const auto held = live_.hold();
                    image = running_;
                }
                EXPECT_EQ(image->tenants()[0].name, "blue") << "whoever counts on it keeps it";
            },
            std::chrono::microseconds(100));
        const std::vector<ImagePointer> next = {image_with("one"), image_with("two")};
        for (std::uint32_t swap = 0; swap < 100 || metrics.reads() < 20 || statistics.reads() < 50; ++swap) {
            const std::uint64_t before = passed_;
            ASSERT_EQ(live_.go_over_to(*next[swap % next.size()]), std::nullopt);
            while (passed_ < before + 3) std::this_thread::yield();
        }
        EXPECT_GT(images.reads(), 0u);
    }
    stop();
    EXPECT_EQ(lost_, 0u);
    EXPECT_EQ(received(), passed_);
}

TEST_F(LiveImageTest, WaitsForWhoLooksAtTheImage) {
    const ImagePointer next = image_with("one");
    std::future<std::optional<std::string>> swap;
    {
        const auto held = live_.hold();
        swap = std::async(std::launch::async, [&] { return live_.go_over_to(*next); });
        EXPECT_EQ(swap.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
        EXPECT_EQ(running_, first_);
        const auto held_by_another = live_.hold();
        EXPECT_TRUE(mailbox_.run([] { return true; }))
            << "packets go on, and the packet thread does other jobs";
    }
    EXPECT_EQ(swap.get(), std::nullopt);
    EXPECT_EQ(running_->generation(), 1u);
}

/// What is allocated, and what is mapped, in bytes.
struct MemoryInUse {
    std::size_t allocated = 0, mapped = 0;
};
MemoryInUse memory_in_use() {
    MemoryInUse now;
#if SLUICE_SANITIZED
    now.allocated = __sanitizer_get_current_allocated_bytes();
#else
    const struct mallinfo2 info = mallinfo2();
    now.allocated = info.uordblks + info.hblkhd;
    // A sanitizer maps what it writes of its own, too.
    std::ifstream("/proc/self/statm") >> now.mapped;
    now.mapped *= static_cast<std::size_t>(getpagesize());
#endif
    return now;
}

// SLUICE_SWAPS: so many; under a sanitizer fewer, for its leak check and its races.
TEST_F(LiveImageTest, MemoryAfterTenThousandSwapsIsThatAfterTen) {
    const char* given = std::getenv("SLUICE_SWAPS");
    const auto swaps = static_cast<std::uint32_t>(given != nullptr   ? std::atoi(given)
                                                  : SLUICE_SANITIZED ? 500
                                                                     : 10'000);
    constexpr std::size_t slack = 1 << 16;  // 10'000 swaps that kept 7 bytes each would be more
    std::vector<std::vector<std::uint8_t>> files;
    for (const char* rule : {"one", "two", "three"}) files.push_back(test::compile_file(texts_with(rule)));
    MemoryInUse after_ten;
    for (std::uint32_t swap = 0; swap < swaps; ++swap) {
        // As activate does it: from the file's bytes each time.
        const auto loaded = Image::from_bytes(files[swap % files.size()]);
        ASSERT_EQ(live_.go_over_to(*std::get<std::unique_ptr<const Image>>(loaded)), std::nullopt);
        told_.clear();
        if (swap + 1 == 10) after_ten = memory_in_use();
    }
    const MemoryInUse after = memory_in_use();
    stop();
    std::printf("after 10 swaps %zu bytes allocated, %zu mapped; after %u %zu and %zu\n", after_ten.allocated,
                after_ten.mapped, swaps, after.allocated, after.mapped);
    EXPECT_EQ(lost_, 0u);
    EXPECT_EQ(running_->generation(), swaps);
    EXPECT_LT(after.allocated, after_ten.allocated + slack);
    EXPECT_LT(after.mapped, after_ten.mapped + (1 << 20));
}

TEST(ImageFile, MayBeCutOffAndOverwrittenUnderARunningGateway) {
    const test::TemporaryDirectory directory;
    const std::string path = directory / "edge.img";
    const auto bytes = test::compile_file(texts_with("outbound"));
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    const auto loaded = Image::load(path);
    const auto& image = std::get<std::unique_ptr<const Image>>(loaded);
    test::TestGateway gateway(*image);
    std::uint16_t port = 1;
    const auto expect_all_pass = [&] {
        for (int i = 0; i < 100; ++i) {
            EXPECT_EQ(gateway.inject(0, test::udp({.source_port = port++, .destination_port = 53})).size(), 1u);
        }
    };
    expect_all_pass();
    ASSERT_EQ(truncate(path.c_str(), 100), 0);
    expect_all_pass();
    ASSERT_EQ(truncate(path.c_str(), std::ssize(bytes)), 0);
    std::ofstream(path, std::ios::binary) << std::string(bytes.size(), '\xff');
    expect_all_pass();
    EXPECT_TRUE(std::holds_alternative<ImageError>(Image::load(path))) << "and it is refused from now on";
    expect_all_pass();
}

TEST_F(LiveImageTest, OtherPortsNeedARestart) {
    EXPECT_EQ(live_.go_over_to(*image_with("outbound", "1400")),
              "its port access0 has an MTU of 1400, the open one 1500: devices are set up at a start");
    auto texts = test::small_policy();
    std::string& gateway = texts.at("gateway.yaml");
    gateway.replace(gateway.find("access0: "), 9, "spare0: {mtu: 1500}, access0: ");
    const ImagePointer more = test::compile_texts(texts);
    EXPECT_EQ(live_.go_over_to(*more), "its port spare0 is not open: devices are opened at a start");
    EXPECT_EQ(port_difference(*more, *first_),
              "it has no port spare0, which is open: devices are closed at a restart");
    EXPECT_EQ(running_, first_);
}

TEST_F(LiveImageTest, NothingChangesAfterThePacketThreadHasEnded) {
    stop();
    EXPECT_EQ(live_.go_over_to(*image_with("one")), "the gateway is shutting down");
    EXPECT_EQ(running_, first_);
}

}  // namespace
}  // namespace sluice
