// SPDX-License-Identifier: Apache-2.0
//
// New flows from the first look alone. What nearly all of them are (IPv4, forwarded by one stateful router,
// like others before them) is looked up for the whole burst together, round by round, each fetching what the
// next one reads: where the addresses lead, which rule decides, the trace, the translation, the places of the
// new entries. When its turn comes, a packet's flow is opened from that (start.cpp). Whatever is unusual goes
// the longer ways as if nothing had been foreseen.
#include "runtime/packet/martians.h"
#include "runtime/shard/shard_state.h"
#include "runtime/shard/start_path.h"
#include "runtime/state/fetch_line.h"

namespace sluice {
namespace {

/// What C1 and the admission to a router ask of addresses, and of layer 4 beyond the first look.
bool may_begin(const FlowKey& key) {
    const std::uint32_t destination = __builtin_bswap32(key.destination);
    if (is_martian_ipv4_source(__builtin_bswap32(key.source)) || is_martian_ipv4_destination(destination) ||
        is_group(Ip::from_v4(destination), Family::v4)) {
        return false;
    }
    return key.protocol == protocol_udp || (key.protocol == protocol_icmp && key.source_port != 0);
}

/// The packets of a burst that are still in question, by their numbers.
struct Numbers {
    std::array<std::uint8_t, most_burst_frames> of;
    std::size_t count = 0;
    void add(std::size_t number) { of[count++] = static_cast<std::uint8_t>(number); }
    /// Keeps those for which keep(number) holds.
    template <typename Keep>
    void filter(Keep&& keep) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (keep(of[i])) of[kept++] = of[i];
        }
        count = kept;
    }
    std::span<const std::uint8_t> span() const { return {of.data(), count}; }
};

/// What the firewall is asked about the service.
std::uint16_t port_of(const Glance& glance) {
    const std::uint8_t* l4 = glance.l3 + ipv4_header_bytes;
    if (glance.key.protocol == protocol_icmp) return static_cast<std::uint16_t>(l4[0] << 8 | l4[1]);
    return __builtin_bswap16(glance.key.destination_port);
}

FlowKey reply_to(const FlowKey& key) {
    FlowKey reply = key;
    reply.source = key.destination;
    reply.source_port = key.destination_port;
    reply.destination = key.source;
    reply.destination_port = key.source_port;
    return reply;
}

}  // namespace

/// One burst's rounds.
class Shard::State::Foresight {
  public:
    Foresight(State& shard, Glances& glances)
        : shard_(shard), glances_(glances), starts_(shard.starts), index_(shard.sessions.flows.index()) {}

    void gather(std::size_t count);
    bool any() const { return numbers_.count != 0; }
    void look_up();
    void recall_or_fetch();
    void find_leaders();
    void judge();
    void fetch_counters();
    void choose_ports();
    void find_traces();

  private:
    bool follows(const Start& leader, const Start& start) const {
        return leader.row == start.row && leaves_[leader.at] == leaves_[start.at];
    }
    bool find_leader(std::size_t number, std::uint8_t leader);
    void begin_translation(const FlowKey& flow, Start& start);
    bool begins_run(std::size_t i) const {
        return i == 0 || start(numbers_.of[i - 1]).row != start(numbers_.of[i]).row;
    }
    Start& start(std::size_t number) { return starts_.by_packet[number]; }
    const Start& start(std::size_t number) const { return starts_.by_packet[number]; }

    State& shard_;
    Glances& glances_;
    Starts& starts_;
    const TagIndex& index_;
    Numbers numbers_, opening_;
    std::array<StartLeaves, most_burst_frames> leaves_;  // by Start::at
};

void Shard::State::prepare_starts(std::size_t count, Glances& glances) {
    sessions.flows.forget_newcomers();
    Foresight burst(*this, glances);
    burst.gather(count);
    if (!burst.any()) return;
    starts.room = !sessions.full();
    starts.traces_as_of = traces.changes();
    burst.look_up();
    burst.recall_or_fetch();
    burst.find_leaders();
    burst.judge();
    burst.fetch_counters();
    burst.choose_ports();
    burst.find_traces();
}

void Shard::State::Foresight::gather(std::size_t count) {
    const auto in_question = [](const Glance& glance) { return glance.matched && glance.candidate == no_flow; };
    IngressTable& table = shard_.ingresses;
    std::uint16_t fetched = no_ingress;
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t ingress = glances_[i].ingress;
        if (!in_question(glances_[i]) || ingress == fetched) continue;
        fetched = ingress;
        table.prefetch_start(ingress);
    }
    for (std::size_t i = 0; i < count; ++i) {
        Glance& glance = glances_[i];
        if (!in_question(glance)) continue;
        const StartRow& row = table.start_row(glance.ingress);
        if (!row.possible || !may_begin(glance.key) || !shard_.is_usual(row.tenant)) continue;
        Start& start = this->start(i);
        start.home = index_.home_of(glance.hash);
        glance.candidate = index_.second_candidate(start.home);
        if (glance.candidate != no_flow) {
            shard_.sessions.flows.prefetch(glance.candidate);
            continue;
        }
        start.row = &row;
        start.l4_kind = glance.key.protocol == protocol_udp ? L4Kind::udp : L4Kind::icmp_query;
        start.at = static_cast<std::uint8_t>(numbers_.count);
        numbers_.add(i);
        if (begins_run(numbers_.count - 1)) fetch_tables(row);
    }
}

void Shard::State::Foresight::look_up() {
    std::array<StartLookUp, most_burst_frames> look_ups;
    for (std::size_t i = 0; i < numbers_.count; ++i) {
        const Glance& glance = glances_[numbers_.of[i]];
        const Start& start = this->start(numbers_.of[i]);
        look_ups[i] = {start.row, &glance.key, port_of(glance), start.l4_kind};
    }
    look_up_leaves(std::span(look_ups.data(), numbers_.count), leaves_.data());
}

void Shard::State::Foresight::recall_or_fetch() {
    Numbers failed;
    for (std::size_t i = 0; i < numbers_.count; ++i) {
        const std::size_t number = numbers_.of[i];
        Start& start = this->start(number);
        start.recall = Start::Recall::not_tried;
        if (!begins_run(i)) continue;
        const LastStart& last = shard_.ingresses.last_start(glances_[number].ingress);
        if (recall(last, starts_.traces_as_of, leaves_[start.at], start)) {
            start.recall = Start::Recall::succeeded;
            if (start.translates) shard_.nat.prefetch_pool(start.row->tenant, start.snat_position);
        } else {
            start.recall = Start::Recall::failed;
            failed.add(number);
            fetch_cold_lines(*start.row);
        }
    }
    for (const std::size_t number : failed.span()) {
        const Start& start = this->start(number);
        fetch_rows(leaves_[start.at], *start.row);
    }
}

/// Neighbours in a burst often ask the same.
void Shard::State::Foresight::find_leaders() {
    std::uint8_t leader = most_burst_frames;
    numbers_.filter([&](std::size_t number) {
        if (!find_leader(number, leader)) return false;
        leader = start(number).leader;
        return true;
    });
}

/// `leader`: the one before; most_burst_frames: none. False: it is unusual.
bool Shard::State::Foresight::find_leader(std::size_t number, std::uint8_t leader) {
    Start& start = this->start(number);
    start.leader = static_cast<std::uint8_t>(number);
    if (!start.recalled()) {
        const StartLeaves& leaves = leaves_[start.at];
        if (leader != most_burst_frames && follows(this->start(leader), start)) {
            const Start& first = this->start(leader);
            start.leader = leader;
            start.adjacency = first.adjacency;
            start.out_interface = first.out_interface;
            start.translates = first.translates;
            start.snat_position = first.snat_position;
            return true;
        }
        if (!read_leaves(leaves, start)) return false;
        start.question = ask(leaves, start);
        if (leader != most_burst_frames && are_alike(this->start(leader), start)) {
            start.leader = leader;
        } else if (start.row->has_rules) {
            start.question_hash = shard_.memo.hash(start.row->tenant, start.question);
            shard_.memo.prefetch(start.question_hash);
        }
    }
    if (start.translates && start.recall != Start::Recall::not_tried)
        shard_.nat.prefetch_pool_addresses(start.row->tenant, start.snat_position);
    return true;
}

/// What is refused (a scan, or a flood that finds the table full) goes no further: what others' flows need is
/// to stay in the processor's caches.
void Shard::State::Foresight::judge() {
    numbers_.filter([&](std::size_t number) {
        Start& start = this->start(number);
        const FlowKey& flow = glances_[number].key;
        if (start.leader == number) {
            if (!start.recalled()) shard_.judge_start(start, flow.protocol);
        } else {
            const Start& judged = this->start(start.leader);
            start.judgement = judged.judgement;
            start.rule = judged.rule;
        }
        if (start.judgement == Start::Judgement::unusual) return false;
        if (start.judgement == Start::Judgement::denied || !starts_.room) return true;
        if (start.row->limits_sessions) {
            start.within_limits = !shard_.limit_of_start(glances_[number], start);
            if (!start.within_limits) return true;
        }
        opening_.add(number);
        if (start.translates) begin_translation(flow, start);
        return true;
    });
}

void Shard::State::Foresight::begin_translation(const FlowKey& flow, Start& start) {
    start.inside = {.ip = Ip::from_v4(__builtin_bswap32(flow.source)),
                    .snat_rule = shard_.nat.rule_slot(start.row->tenant, start.snat_position),
                    .port = __builtin_bswap16(flow.source_port),
                    .tenant = start.row->tenant,
                    .protocol = flow.protocol,
                    .family = Family::v4};
    shard_.nat.begin(start.inside, start.snat_position, start.search);
}

void Shard::State::Foresight::fetch_counters() {
    for (std::size_t i = 0; i < numbers_.count; ++i) {
        const Start& start = this->start(numbers_.of[i]);
        if (start.leader != numbers_.of[i]) continue;
        if (!start.recalled()) shard_.traces.prefetch_place(start.trace_hash);
        if (!begins_run(i)) continue;
        fetch_line(&shard_.counters.tenants[start.row->tenant]);
        shard_.ledger.prefetch(start.row->tenant);
    }
}

void Shard::State::Foresight::choose_ports() {
    shard_.sessions.prefetch_new(static_cast<std::uint32_t>(opening_.count));
    for (const std::size_t number : opening_.span()) {
        Start& start = this->start(number);
        start.reply = reply_to(glances_[number].key);
        if (start.translates) {
            shard_.nat.foresee(start.inside, start.search, start.choice);
            if (start.choice) start.reply_to_choice();
        }
        start.reply_home = index_.home_of(hash_of(start.reply, shard_.key));
        index_.prefetch_both(start.reply_home);
    }
}

void Shard::State::Foresight::find_traces() {
    const TraceCache& cache = shard_.traces;
    for (const std::size_t number : numbers_.span()) {
        Start& start = this->start(number);
        starts_.ready |= 1u << number;
        if (start.leader != number) {  // it stands before this one, and is as usual
            start.take_trace_of(this->start(start.leader));
            continue;
        }
        if (!start.recalled()) {
            start.take_trace(cache, cache.place_of(start.trace, start.trace_hash, start.row->epoch));
            if (start.place != TraceCache::unknown && start.recall == Start::Recall::failed) {
                shard_.ingresses.last_start(glances_[number].ingress) =
                    to_recall(start, leaves_[start.at], starts_.traces_as_of, shard_.seen_tick());
            }
        }
        if (start.place == TraceCache::unknown) continue;
        shard_.ledger.prefetch(start.row->tenant, start.rule);
        if (start.program == TraceCache::denied) continue;
        shard_.programs.prefetch(start.program);
        const std::uint32_t neighbour = start.neighbour.neighbour;
        if (neighbour != no_neighbour) fetch_line(&shard_.neighbours.use_of(neighbour));
    }
}

}  // namespace sluice
