// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/tcp_talks.h"

namespace sluice::test {
namespace {

constexpr std::size_t most_talks = 8;
constexpr std::uint8_t fin = 0x01, syn = 0x02, rst = 0x04, push = 0x08, ack = 0x10;
constexpr PacketShape plain{.new_flow = 100,
                            .reply = 0,
                            .again = 0,
                            .icmp_error = 0,
                            .small_ttl = 0,
                            .options = 0,
                            .wrong = 0,
                            .bad_l4_checksum = 0,
                            .fragments = 0,
                            .large = 0,
                            .spoofed = 0,
                            .other_protocol = 0,
                            .own_addresses = false,
                            .broadcasts = false,
                            .non_opening_tcp = false,
                            .edge_ports = false,
                            .new_ports = true,
                            .first_port = 40000};

}  // namespace

TcpTalks::TcpTalks(const policy::Policy& policy, std::uint64_t seed)
    : random_(seed), openings_(policy, seed + 1, plain) {}

/// Who sent the frame, or who got it and answers.
TcpTalks::Side TcpTalks::side_of(const SentFrame& frame, bool sender) {
    const Decoded heard = decode(frame.bytes);
    Side side;
    side.port = frame.port;
    Packet& packet = side.packet;
    packet.source_mac = to_string(sender ? heard.source_mac : heard.destination_mac);
    packet.destination_mac = to_string(sender ? heard.destination_mac : heard.source_mac);
    packet.source = to_string(sender ? heard.source : heard.destination, heard.family);
    packet.destination = to_string(sender ? heard.destination : heard.source, heard.family);
    packet.source_port = sender ? heard.source_port() : heard.destination_port();
    packet.destination_port = sender ? heard.destination_port() : heard.source_port();
    if (!heard.vids.empty()) packet.vlan = heard.vids.back();
    if (heard.vids.size() == 2) packet.outer_vlan = heard.vids.front();
    return side;
}

SentFrame TcpTalks::segment(Talk& talk, std::size_t side, std::uint8_t flags, std::size_t bytes, State next) {
    Side& sender = talk.sides[side];
    Packet packet = sender.packet;
    packet.tcp_flags = flags;
    packet.sequence = sender.sequence;
    packet.acknowledgement = (flags & ack) != 0 ? talk.sides[1 - side].sequence : 0;
    packet.payload = Bytes(bytes, static_cast<std::uint8_t>(random_.between(0, 255)));
    sender.sequence += static_cast<std::uint32_t>(bytes) + ((flags & (syn | fin)) != 0 ? 1 : 0);
    if (bytes != 0 || (flags & fin) != 0) sender.last = packet;
    next_state_ = next;
    flags_ = flags;
    to_server_ = side == 0;
    return {sender.port, tcp(packet)};
}

SentFrame TcpTalks::repeat(Talk& talk, std::size_t side) {
    const Side& sender = talk.sides[side];
    if (!sender.last) return segment(talk, side, ack, 0, talk.state);
    next_state_ = talk.state;
    flags_ = 0;
    to_server_ = side == 0;
    return {sender.port, tcp(*sender.last)};
}

SentFrame TcpTalks::ask(Talk& talk) {
    for (Side& side : talk.sides) {
        side.finished = false;
        side.last.reset();
        side.sequence +=
            static_cast<std::uint32_t>(random_.between(1u << 18, 1u << 24));  // as RFC 6191 wants it
    }
    return segment(talk, 0, syn, 0, State::asked);
}

SentFrame TcpTalks::open() {
    for (;;) {
        for (const SentFrame& frame : openings_.next()) {
            const Decoded packet = decode(frame.bytes);
            if (packet.kind() != Kind::tcp) continue;
            current_ = talks_.size();
            Talk& talk = talks_.emplace_back();
            talk.sides[0] = side_of(frame, true);
            for (Side& side : talk.sides)
                side.sequence = static_cast<std::uint32_t>(random_.between(0, 0xffffffff));
            return segment(talk, 0, syn, 0, State::asked);
        }
    }
}

SentFrame TcpTalks::next() {
    if (talks_.empty() || (talks_.size() < most_talks && random_.percent(25))) return open();
    current_ = random_.between(0, talks_.size() - 1);
    return go_on(talks_[current_]);
}

SentFrame TcpTalks::go_on(Talk& talk) {
    switch (talk.state) {
        case State::asked:
            if (random_.percent(75)) return segment(talk, 1, syn | ack, 0, State::answered);
            return segment(talk, 1, rst | ack, 0, State::refused);
        case State::refused:
            return ask(talk);
        case State::answered:
            return segment(talk, 0, ack, 0, State::open);
        case State::open:
            return exchange(talk);
        case State::reset:
        case State::closed:
            break;
    }
    const std::size_t side = random_.between(0, 1);
    if (random_.percent(50)) return ask(talk);
    return random_.percent(50) ? repeat(talk, side) : segment(talk, side, ack, 0, talk.state);
}

SentFrame TcpTalks::exchange(Talk& talk) {
    const std::size_t side = random_.between(0, 1);
    Side& sender = talk.sides[side];
    const std::size_t bytes = random_.between(1, 60);
    switch (random_.weighted({sender.finished ? 0u : 50u, 10, 10, sender.finished ? 0u : 20u, 8})) {
        case 0:
            return segment(talk, side, push | ack, bytes, State::open);
        case 1:
            return repeat(talk, side);
        case 3:
            sender.finished = true;
            return segment(talk, side, fin | ack, 0,
                           talk.sides[1 - side].finished ? State::closed : State::open);
        case 4:
            return segment(talk, side, random_.percent(50) ? rst : rst | ack, 0, State::reset);
        default:
            return segment(talk, side, ack, 0, State::open);
    }
}

void TcpTalks::saw(const std::optional<SentFrame>& left) {
    Talk& talk = talks_[current_];
    if (!left || random_.percent(2)) {  // nobody there, or no more to say
        talks_.erase(talks_.begin() + static_cast<std::ptrdiff_t>(current_));
        return;
    }
    finished += (flags_ & fin) != 0;
    reset += (flags_ & rst) != 0;
    if ((flags_ & (syn | ack)) == syn) {
        again += talk.used;
        talk.used = true;
        const std::uint32_t sequence = talk.sides[1].sequence;
        talk.sides[1] = side_of(*left, false);
        talk.sides[1].sequence = sequence;
    }
    talk.state = next_state_;
}

}  // namespace sluice::test
