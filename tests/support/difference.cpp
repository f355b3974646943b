// SPDX-License-Identifier: Apache-2.0
// Expected and observed, field by field.
#include <algorithm>
#include <functional>

#include "tests/support/bytes.h"
#include "tests/support/interpreter.h"

namespace sluice::test {
namespace {

/// ARP requests and neighbour solicitations are nobody's answer.
bool resolves_neighbours(const Decoded& packet) {
    return packet.ethertype == 0x0806 || (packet.family == Family::v6 && packet.protocol == 58 &&
                                          packet.fragment_offset == 0 && packet.byte(0) == 135);
}

bool zero_udp_checksum(const Decoded& packet) {
    return packet.family == Family::v4 && packet.kind() == Kind::udp && packet.word(6) == 0;
}

/// The names of what differs between two packets.
class Differences {
  public:
    Differences(const Decoded& want, const Decoded& got) : want_(want), got_(got) {}

    /// `field` is a member of Decoded, data or function.
    template <typename Field>
    Differences& compare(Field field, const char* name) {
        return check(std::invoke(field, want_) == std::invoke(field, got_), name);
    }
    Differences& check(bool equal, const std::string& name) {
        if (!equal) text_ += (text_.empty() ? "" : ", ") + name;
        return *this;
    }
    const std::string& text() const { return text_; }

  private:
    const Decoded& want_;
    const Decoded& got_;
    std::string text_;
};

std::string field_differences(const Decoded& want, const Decoded& got) {
    return Differences(want, got)
        .check(got.fault.empty(), got.fault)
        .compare(&Decoded::destination_mac, "destination MAC")
        .compare(&Decoded::source_mac, "source MAC")
        .compare(&Decoded::vids, "tags")
        .compare(&Decoded::ethertype, "ethertype")
        .compare(&Decoded::source, "source")
        .compare(&Decoded::destination, "destination")
        .compare(&Decoded::source_port, "source port")
        .compare(&Decoded::destination_port, "destination port")
        .compare(&Decoded::protocol, "protocol")
        .compare(&Decoded::ttl, "TTL")
        .compare(&Decoded::tos, "TOS")
        .compare(&Decoded::options, "options")
        .compare(&Decoded::dont_fragment, "DF")
        .compare(&Decoded::more_fragments, "more fragments")
        .compare(&Decoded::fragment_offset, "fragment offset")
        .text();
}

std::string quoted_differences(const ExpectedFrame& expected, const SentFrame& sent, const Decoded& got) {
    const Decoded quoted = decode_quoted(got);
    if (!quoted.fault.empty()) return " quoted packet: " + quoted.fault;
    const std::string text =
        Differences(*expected.quoted, quoted)
            .compare(&Decoded::source, "source")
            .compare(&Decoded::destination, "destination")
            .compare(&Decoded::source_port, "source port")
            .compare(&Decoded::destination_port, "destination port")
            .compare(&Decoded::ttl, "TTL")
            .compare(&Decoded::id, "ID")
            .check(!expected.quoted_valid || quoted_checksums_valid(sent.bytes), "checksums")
            .text();
    return text.empty() ? "" : " quoted " + text;
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
