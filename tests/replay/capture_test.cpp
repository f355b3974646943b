// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/capture_merge.h"
#include "runtime/io/capture_reader.h"
#include "runtime/io/capture_writer.h"
#include "runtime/io/heap_frames.h"
#include "tests/replay/captures.h"

namespace sluice {
namespace {

using test::Bytes;
using test::Precision;
using test::TemporaryDirectory;
using test::TimedFrame;

constexpr Time noon = 1'700'000'000 * nanoseconds_per_second;

/// A frame that can be told from others by its length.
Bytes frame_of(std::size_t length) {
    return Bytes(length, 0x5a);
}

std::vector<TimedFrame> read_all(CaptureReader& reader) {
    std::vector<TimedFrame> frames;
    while (const auto frame = reader.next()) {
        frames.push_back({frame->time, Bytes(frame->bytes.begin(), frame->bytes.end())});
    }
    return frames;
}

std::vector<std::size_t> lengths(CaptureMerge& merge) {
    std::vector<std::size_t> result;
    while (const auto frame = merge.next()) result.push_back(frame->bytes.size());
    return result;
}

TEST(CaptureReader, ReadsMicrosecondPcap) {
    const TemporaryDirectory directory;
    const std::vector<TimedFrame> frames = {{noon + 1000, frame_of(60)}, {noon + 7000, frame_of(61)}};
    test::write_capture(directory / "in.pcap", frames, Precision::microseconds);
    CaptureReader reader(directory / "in.pcap");
    EXPECT_EQ(read_all(reader), frames);
    EXPECT_EQ(reader.problem(), "");
}

TEST(CaptureReader, ReadsNanosecondPcap) {
    const TemporaryDirectory directory;
    const std::vector<TimedFrame> frames = {{noon + 1, frame_of(60)}, {noon + 999'999'999, frame_of(61)}};
    test::write_capture(directory / "in.pcap", frames);
    CaptureReader reader(directory / "in.pcap");
    EXPECT_EQ(read_all(reader), frames);
}

TEST(CaptureReader, ReadsBigEndianPcapng) {
    const TemporaryDirectory directory;
    const std::vector<TimedFrame> frames = {{noon + 1000, frame_of(60)}, {noon + 7000, frame_of(61)}};
    test::write_big_endian_pcapng(directory / "in.pcapng", frames);
    CaptureReader reader(directory / "in.pcapng");
    EXPECT_EQ(read_all(reader), frames);
    EXPECT_EQ(reader.problem(), "");
}

TEST(CaptureReader, RefusesAnotherLinkTypeByName) {
    const TemporaryDirectory directory;
    constexpr int linux_cooked = 113;
    test::write_capture(directory / "in.pcap", {{noon, frame_of(60)}}, Precision::nanoseconds, linux_cooked);
    CaptureReader reader(directory / "in.pcap");
    EXPECT_EQ(reader.problem(), "the link type is LINUX_SLL, only Ethernet (EN10MB) can be replayed");
    EXPECT_FALSE(reader.next());
}

TEST(CaptureReader, GivesWhatStandsBeforeACut) {
    const TemporaryDirectory directory;
    test::write_capture(directory / "in.pcap",
                        {{noon, frame_of(60)}, {noon + 1, frame_of(61)}, {noon + 2, frame_of(62)}});
    const std::string whole = test::read_text(directory / "in.pcap");
    test::write_text(directory / "in.pcap", whole.substr(0, whole.size() - 10));
    CaptureReader reader(directory / "in.pcap");
    EXPECT_EQ(read_all(reader).size(), 2u);
    EXPECT_THAT(reader.problem(), testing::HasSubstr("truncated"));
    EXPECT_THAT(reader.problem(), testing::EndsWith(", behind packet 2"));
}

TEST(CaptureReader, SaysWhyAFileIsNoCapture) {
    const TemporaryDirectory directory;
    test::write_text(directory / "text", "this is no capture, whatever its name says\n");
    EXPECT_EQ(CaptureReader(directory / "text").problem(), "unknown file format");
    EXPECT_EQ(CaptureReader(directory / "missing").problem(), "No such file or directory");
}

TEST(CaptureReader, CountsPacketsThatWereCutShort) {
    const TemporaryDirectory directory;
    test::write_capture(directory / "in.pcap", {{noon, frame_of(60), 1500}, {noon + 1, frame_of(61)}});
    CaptureReader reader(directory / "in.pcap");
    EXPECT_EQ(read_all(reader).size(), 2u);
    EXPECT_EQ(reader.cut_short(), 1u);
    EXPECT_EQ(reader.problem(), "");
}

TEST(CaptureMerge, OrdersByTimeAndThenByInput) {
    const TemporaryDirectory directory;
    test::write_capture(directory / "a", {{noon + 5, frame_of(60)}, {noon + 9, frame_of(61)}});
    test::write_capture(directory / "b", {{noon + 1, frame_of(62)}, {noon + 5, frame_of(63)}});
    test::write_capture(directory / "c", {{noon + 5, frame_of(64)}});
    CaptureMerge merge({{0, directory / "b"}, {1, directory / "a"}, {0, directory / "c"}});
    EXPECT_EQ(lengths(merge), (std::vector<std::size_t>{62, 63, 60, 64, 61}));
}

TEST(CaptureMerge, TimeNeverGoesBack) {
    const TemporaryDirectory directory;
    test::write_capture(directory / "a",
                        {{noon + 9, frame_of(60)}, {noon + 2, frame_of(61)}, {noon + 10, frame_of(62)}});
    CaptureMerge merge({{3, directory / "a"}});
    std::vector<Time> times;
    while (const auto frame = merge.next()) {
        EXPECT_EQ(frame->port, 3);
        times.push_back(frame->time);
    }
    EXPECT_EQ(times, (std::vector<Time>{noon + 9, noon + 9, noon + 10}));
}

TEST(CaptureMerge, GoesOnWithoutAFileThatCantBeUsed) {
    const TemporaryDirectory directory;
    test::write_capture(directory / "good", {{noon, frame_of(60)}});
    CaptureMerge merge({{0, directory / "missing"}, {0, directory / "good"}});
    EXPECT_EQ(lengths(merge), (std::vector<std::size_t>{60}));
    EXPECT_EQ(merge.readers()[0].problem(), "No such file or directory");
    EXPECT_EQ(merge.readers()[1].problem(), "");
}

TEST(CaptureWriter, WritesEveryPortWithNanoseconds) {
    const TemporaryDirectory directory;
    const std::vector<std::string_view> ports = {"access0", "uplink0"};
    HeapFrames frames;
    const Frame frame = frames.copy_of(frame_of(70), 1);
    {
        CaptureWriter writer((directory / "out").string(), ports);
        writer.write(frame, noon + 123'456'789);
        EXPECT_TRUE(writer.finish()) << writer.problem();
    }
    frames.release(frame);
    EXPECT_TRUE(test::read_capture(directory / "out/access0.pcap").empty());
    EXPECT_EQ(test::read_capture(directory / "out/uplink0.pcap"),
              (std::vector<TimedFrame>{{noon + 123'456'789, frame_of(70)}}));
}

TEST(CaptureWriter, RefusesAPortNameThatLeavesTheDirectory) {
    const TemporaryDirectory directory;
    const std::vector<std::string_view> ports = {"../elsewhere"};
    const CaptureWriter writer((directory / "out").string(), ports);
    EXPECT_EQ(writer.problem(), "the port name \"../elsewhere\" can't be a file name");
}

TEST(HeapFrames, GiveRoomInFrontAndTakeTheLongestPacket) {
    HeapFrames frames;
    for (const std::uint32_t length : {0u, 60u, 2048u, 2049u, 9000u, 65'549u, 262'144u}) {
        const Frame frame = frames.allocate(length);
        ASSERT_NE(frame.data, nullptr) << length;
        EXPECT_EQ(frame.length, length);
        EXPECT_GE(frame.headroom, 128);
        frame.data[-int{frame.headroom}] = 1;
        std::fill_n(frame.data, std::size_t{frame.length} + frame.tailroom, std::uint8_t{1});
        frames.release(frame);
    }
    EXPECT_EQ(frames.allocate(262'145).data, nullptr);
    EXPECT_EQ(frames.outstanding(), 0u);
}

}  // namespace
}  // namespace sluice
