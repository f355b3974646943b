// SPDX-License-Identifier: Apache-2.0
//
// Reading metrics writes nothing that the packet thread has, and so takes no line away from it: shown by taking
// the right to write it away. What asks the shard to add up, as `sluicectl stats` does, is the control.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "runtime/control/metrics.h"
#include "tests/replay/small_policy.h"
#include "tests/support/compile.h"
#include "tests/support/sanitized.h"
#include "tests/support/test_gateway.h"

namespace sluice {
namespace {

struct Memory {
    std::uintptr_t begin = 0, end = 0;
    bool heap = false;
};

/// What this process may write.
std::vector<Memory> writable_memory() {
    std::vector<Memory> found;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        Memory memory;
        char dash = 0;
        std::string rights;
        std::istringstream(line) >> std::hex >> memory.begin >> dash >> memory.end >> rights;
        memory.heap = line.ends_with("[heap]");
        if (rights.starts_with("rw")) found.push_back(memory);
    }
    return found;
}

/// The heap, and what was mapped since. Nothing can be freed afterwards.
void protect_what_came(const std::vector<Memory>& before, const std::vector<Memory>& now) {
    for (const Memory& memory : now) {
        std::uintptr_t begin = memory.begin;
        // A mapping may have grown, or merged with its neighbours.
        for (const Memory& other : before) {
            if (memory.heap || other.end <= begin || other.begin >= memory.end) continue;
            if (other.begin > begin) mprotect(reinterpret_cast<void*>(begin), other.begin - begin, PROT_READ);
            begin = other.end;
        }
        if (begin < memory.end) mprotect(reinterpret_cast<void*>(begin), memory.end - begin, PROT_READ);
    }
}

/// Ends the process: with 0 where reading went well. The reader's own memory is an arena of its thread's.
void read_what_is_write_protected(const Image& image, void (*read)(const Image&, Shard&)) {
    static std::atomic<bool> arena_made{false}, go{false};
    static std::atomic<Shard*> shard{nullptr};
    const std::thread reader([&image, read] {
        const auto first = std::make_unique<std::string>(100, 'x');
        arena_made = true;
        while (!go) std::this_thread::yield();
        read(image, *shard);
        _exit(0);
    });
    while (!arena_made) std::this_thread::yield();
    const std::vector<Memory> before = writable_memory();
    test::TestGateway gateway(image);
    gateway.inject(0, test::udp({.destination_port = 53}));
    shard = &gateway.shard();
    const std::vector<Memory> now = writable_memory();
    protect_what_came(before, now);
    go = true;
    for (;;) pause();
}

TEST(MetricsDeathTest, ReadingWritesNothingOfTheShards) {
    if (SLUICE_SANITIZED) GTEST_SKIP() << "a sanitizer writes where others read";
    const auto image = test::compile_texts(test::small_policy("203.0.113.1: '02:00:00:00:09:01'"));
    EXPECT_EXIT(read_what_is_write_protected(*image,
                                             [](const Image& of, Shard& shard) {
                                                 const auto metrics = collect_metrics(of, shard, {});
                                                 if (prometheus_text(metrics).empty()) _exit(1);
                                             }),
                testing::ExitedWithCode(0), "");
    EXPECT_EXIT(read_what_is_write_protected(*image, [](const Image&, Shard& shard) { shard.counters(); }),
                testing::KilledBySignal(SIGSEGV), "");
}

}  // namespace
}  // namespace sluice
