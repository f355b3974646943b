// SPDX-License-Identifier: Apache-2.0
//
// Nothing on the packet path allocates: not a cached packet, not a new session, a drop, an answer, a fragment
// or a timer. The program counts every operator new; the frames lie in a pool of the test's own.
#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

#include "runtime/shard/shard.h"
#include "tests/support/compile.h"
#include "tests/support/packets.h"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    if (void* memory = std::aligned_alloc(alignment, rounded)) return memory;
    throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
    return counted(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace sluice::test {
namespace {

class Pool final : public FrameAllocator {
  public:
    Pool() {
        for (auto& slot : slots_) free_[free_count_++] = slot.data();
    }
    Frame allocate(std::uint32_t length) override {
        if (free_count_ == 0 || length > longest_frame()) return {};
        std::uint8_t* slot = free_[--free_count_];
        return {.data = slot + headroom,
                .length = length,
                .tailroom = slot_bytes - headroom - length,
                .headroom = headroom,
                .port = 0,
                .buffer = slot};
    }
    std::uint32_t longest_frame() const override { return slot_bytes - headroom; }
    void release(const Frame& frame) { free_[free_count_++] = static_cast<std::uint8_t*>(frame.buffer); }

  private:
    static constexpr std::uint32_t slot_bytes = 2048;
    static constexpr std::uint16_t headroom = 128;
    std::array<std::array<std::uint8_t, slot_bytes>, 256> slots_;
    std::array<std::uint8_t*, 256> free_{};
    std::size_t free_count_ = 0;
};

std::vector<Bytes> packets_of_all_kinds() {
    const Packet station{
        .source_mac = "02:aa:00:00:00:05", .destination_mac = "02:50:56:56:44:52", .vlan = 501};
    std::vector<Bytes> frames;
    for (std::uint16_t port = 0; port < 20; ++port) {
        Packet packet = station;
        packet.source_port = static_cast<std::uint16_t>(5000 + port);
        frames.push_back(udp(packet));
        packet.tcp_flags = 0x02;
        frames.push_back(tcp(packet));  // opens a session
        packet.destination_port = 23;
        frames.push_back(tcp(packet));  // rejected: a RST goes back
        packet.destination = "10.1.1.1";
        frames.push_back(echo_request(packet));  // answered
        packet.destination = "10.1.2.9";
        frames.push_back(udp(packet));  // waits for a neighbour that never answers
        packet.destination = "198.18.0.9";
        packet.ttl = 1;
        frames.push_back(udp(packet));  // ICMP time exceeded
        packet.ttl = 64;
        packet.payload.assign(200, 1);
        for (const Bytes& piece : fragments(udp(packet), 80, port)) frames.push_back(piece);
    }
    return frames;
}

TEST(PacketPath, DoesNotAllocate) {
    const auto image = compile_directory("tests/acceptance/t1");
    const auto pool = std::make_unique<Pool>();
    Shard shard(*image, {}, *pool);
    Output output;
    const std::vector<Bytes> frames = packets_of_all_kinds();
    std::uint16_t access = 0;
    while (image->port_names()[access] != "V0") ++access;

    const std::uint64_t before = allocations.load();
    std::uint64_t transmitted = 0;
    Time now = seconds(1000);
    for (int round = 0; round < 20; ++round) {
        for (const Bytes& bytes : frames) {
            Frame frame = pool->allocate(static_cast<std::uint32_t>(bytes.size()));
            ASSERT_NE(frame.data, nullptr);
            std::copy(bytes.begin(), bytes.end(), frame.data);
            frame.port = access;
            shard.process({&frame, 1}, now, output);
            transmitted += output.transmitted.size();
            for (const Frame& sent : output.transmitted) pool->release(sent);
            for (const Frame& freed : output.released) pool->release(freed);
            output.clear();
            now += nanoseconds_per_second / 50;
        }
        now += round % 5 == 4 ? seconds(400) : seconds(40);  // datagrams expire, sessions now and then
    }
    const std::uint64_t during = allocations.load() - before;
    EXPECT_EQ(during, 0u);
    EXPECT_GT(transmitted, frames.size() * 10) << "the packets must exercise the path";
    EXPECT_GT(shard.counters().cache.flow_hits, 0u);
    EXPECT_GT(shard.counters().sessions.expired, 0u);

    shard.release_held(output);
    for (const Frame& freed : output.released) pool->release(freed);
}

}  // namespace
}  // namespace sluice::test
