// SPDX-License-Identifier: Apache-2.0
// Expected and observed, field by field.
#include <algorithm>

#include "tests/support/bytes.h"
#include "tests/support/interpreter.h"

namespace sluice::test {
namespace {

/// ARP requests and neighbour solicitations are nobody's answer.
bool resolves_neighbours(const Decoded& packet) {
    return packet.ethertype == 0x0806 ||
           (packet.family == Family::v6 && packet.protocol == 58 && packet.byte(0) == 135);
}

bool zero_udp_checksum(const Decoded& packet) {
    return packet.family == Family::v4 && packet.kind() == Kind::udp && packet.word(6) == 0;
}

std::string field_differences(const Decoded& want, const Decoded& got) {
    std::string text;
    const auto check = [&text](bool equal, const char* name) {
        if (!equal) text += std::string(text.empty() ? "" : ", ") + name;
    };
    check(got.fault.empty(), got.fault.c_str());
    check(want.destination_mac == got.destination_mac, "destination MAC");
    check(want.source_mac == got.source_mac, "source MAC");
    check(want.vids == got.vids, "tags");
    check(want.ethertype == got.ethertype, "ethertype");
    check(want.source == got.source, "source");
    check(want.destination == got.destination, "destination");
    check(want.source_port() == got.source_port(), "source port");
    check(want.destination_port() == got.destination_port(), "destination port");
    check(want.protocol == got.protocol, "protocol");
    check(want.ttl == got.ttl, "TTL");
    check(want.tos == got.tos, "TOS");
    check(want.options == got.options, "options");
    check(want.dont_fragment == got.dont_fragment, "DF");
    check(want.more_fragments == got.more_fragments, "more fragments");
    check(want.fragment_offset == got.fragment_offset, "fragment offset");
    return text;
}

std::string quoted_differences(const ExpectedFrame& expected, const SentFrame& sent, const Decoded& got) {
    const Decoded& want = *expected.quoted;
    const Decoded quoted = decode_quoted(got);
    std::string text;
    if (!quoted.fault.empty()) return "quoted packet: " + quoted.fault;
    if (quoted.source != want.source) text += " quoted source";
    if (quoted.destination != want.destination) text += " quoted destination";
    if (quoted.source_port() != want.source_port()) text += " quoted source port";
    if (quoted.destination_port() != want.destination_port()) text += " quoted destination port";
    if (quoted.ttl != want.ttl || quoted.id != want.id) text += " quoted TTL or ID";
    if (expected.quoted_valid && !quoted_checksums_valid(sent.bytes)) text += " quoted checksums";
    return text;
}

std::string answer_difference(const ExpectedAnswer& answer, const Decoded& got) {
    if (!got.is_ip() || !got.fault.empty()) return "answer is no packet: " + describe(got);
    if (got.protocol != answer.protocol || got.family != answer.family) return "answer of another protocol";
    if (got.destination != answer.destination) return "answer to somebody else";
    if (answer.protocol == 6) return (got.tcp_flags() & 4) != 0 ? "" : "answer is no RST";
    if (got.byte(0) != answer.type || got.byte(1) != answer.code) return "answer of another type";
    return "";
}

std::string list(const std::vector<SentFrame>& frames) {
    std::string text;
    for (const SentFrame& frame : frames) {
        text += "\n    port " + std::to_string(frame.port) + ": " + describe(decode(frame.bytes));
    }
    return text.empty() ? "\n    nothing" : text;
}

std::string forwarded_difference(const Expected& expected, const std::vector<SentFrame>& sent) {
    if (sent.size() != expected.frames.size()) {
        return "expected " + std::to_string(expected.frames.size()) + " frames";
    }
    std::vector<Decoded> before, after, wanted;
    for (std::size_t index = 0; index < sent.size(); ++index) {
        const ExpectedFrame& want = expected.frames[index];
        const Decoded got = decode(sent[index].bytes);
        std::string text = sent[index].port == want.port ? "" : "port; ";
        text += field_differences(want.packet, got);
        if (!want.free_id && got.id != want.packet.id) text += " ID";
        if (want.quoted && got.fragment_offset == 0) {
            text += quoted_differences(want, sent[index], got);
        } else if (got.untouched_l4() != want.packet.untouched_l4()) {
            text += " payload";
        }
        if (!text.empty()) return text + ", expected\n    " + describe(want.packet);
        if (index == 0 || want.before.l4 != expected.frames[index - 1].before.l4 ||
            want.before.fragment_offset != expected.frames[index - 1].before.fragment_offset) {
            before.push_back(want.before);
        }
        after.push_back(got);
    }
    const Decoded whole_before = joined(before), whole_after = joined(after);
    if (whole_before.checksum_offset() == 0) return "";
    if (zero_udp_checksum(whole_before) || zero_udp_checksum(whole_after)) {
        return zero_udp_checksum(whole_before) == zero_udp_checksum(whole_after) ? ""
                                                                                 : "UDP checksum 0 and not";
    }
    // A fragment that travels alone has its checksum in the first one only: nothing to compare.
    if (whole_before.fragment_offset != 0 || after.back().more_fragments) return "";
    return l4_residue(whole_before) == l4_residue(whole_after) ? "" : "layer 4 checksum";
}

std::string difference_of(const Expected& expected, const Observation& observed,
                          const std::vector<SentFrame>& sent) {
    if (!expected.complaint.empty()) return expected.complaint;
    const std::size_t drops = expected.fate == Fate::dropped ? expected.packets : 0;
    const auto counted =
        static_cast<std::size_t>(std::count(observed.drops.begin(), observed.drops.end(), expected.reason));
    // An answer that finds no way back is a drop of its own.
    const std::size_t lost_answer = expected.answer && !expected.answer->certain ? expected.answer->frames : 0;
    if (counted < drops || observed.drops.size() > drops + lost_answer) return "expected other drops";
    if (expected.fate == Fate::forwarded) return forwarded_difference(expected, sent);
    if (!expected.answer) return sent.empty() ? "" : "expected no frame";
    if (sent.empty()) return expected.answer->certain ? "expected an answer" : "";
    if (sent.size() != expected.answer->frames) return "expected another number of answers";
    return answer_difference(*expected.answer, decode(sent[0].bytes));
}

}  // namespace

std::string difference(const Expected& expected, const Observation& observed) {
    std::vector<SentFrame> sent;
    std::copy_if(observed.sent.begin(), observed.sent.end(), std::back_inserter(sent),
                 [](const SentFrame& frame) { return !resolves_neighbours(decode(frame.bytes)); });
    const std::string text = difference_of(expected, observed, sent);
    if (text.empty()) return "";
    static constexpr const char* fates[] = {"forwarded", "dropped", "answered", "held"};
    std::string result =
        text + "\n  expected: " + fates[static_cast<int>(expected.fate)] + " " + expected.reason;
    if (expected.answer) {
        result += " with answer " + std::to_string(expected.answer->protocol) + " type " +
                  std::to_string(expected.answer->type) + "/" + std::to_string(expected.answer->code) + " to " +
                  to_string(expected.answer->destination, expected.answer->family);
    }
    for (const ExpectedFrame& frame : expected.frames) {
        result += "\n    port " + std::to_string(frame.port) + ": " + describe(frame.packet);
    }
    result += "\n  observed drops:";
    for (const std::string& reason : observed.drops) result += " " + reason;
    return result + "\n  observed frames:" + list(observed.sent);
}

}  // namespace sluice::test
