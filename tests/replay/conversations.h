// SPDX-License-Identifier: Apache-2.0
//
// What was said in a capture: its TCP and UDP flows, who opened each, and each datagram with the frames that
// carried it. And what a receiver reads from TCP segments. Slow and obvious, without runtime/packet.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/replay/captures.h"
#include "tests/support/decoded.h"

namespace sluice::test {

struct End {
    Ip ip;
    std::uint16_t port = 0;
    friend auto operator<=>(const End&, const End&) = default;
};

struct Flow {
    Family family = Family::v4;
    std::uint8_t protocol = 0;
    // Who opened it: TCP's first SYN, UDP's first datagram. Where the capture begins later, the lower port
    // serves.
    End client, server;
    bool opened = true;  // false: TCP whose SYN was not captured
};

struct Datagram {
    std::size_t flow = 0;
    bool from_client = false;
    std::vector<std::size_t> frames;  // as they arrived; more than one where it came in fragments
    std::vector<Decoded> parts;       // in offset order
    Decoded whole;
};

struct Conversations {
    std::vector<Bytes> frames;  // Ethernet without tags, from and to nobody
    std::vector<Flow> flows;
    std::vector<Datagram> datagrams;              // by their last frames
    std::map<std::string, std::size_t> left_out;  // frames, by why
};

/// Of IP packets over Ethernet (tags fall away), Linux cooked, and raw IP.
Conversations read_conversations(const std::filesystem::path& path);
Conversations conversations_of(const std::vector<Bytes>& frames);

/// Bytes by their place in the stream; of what was sent twice, the first that arrived.
class Stream {
  public:
    void add(const Decoded& segment);
    std::size_t bytes() const;
    friend bool operator==(const Stream&, const Stream&) = default;

  private:
    static constexpr std::int64_t page_bytes = 4096;
    std::map<std::int64_t, std::array<std::int16_t, page_bytes>> pages_;  // -1: a gap
    bool begun_ = false;
    std::uint32_t begin_ = 0;
};

}  // namespace sluice::test
