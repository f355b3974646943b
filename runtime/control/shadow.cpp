// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/shadow.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "runtime/control/entrance.h"
#include "runtime/packet/parse.h"
#include "runtime/packet/parse_l4.h"
#include "runtime/show/names.h"
#include "runtime/stages/stage.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto pause = std::chrono::milliseconds(20);
constexpr std::size_t samples_a_batch = 64;  // looked up between two bursts: a few microseconds
constexpr std::size_t most_differences = 1000;

/// A sample whose headers are good and which might begin a flow.
struct Candidate {
    std::vector<std::uint8_t> bytes;
    std::uint16_t port = 0;
    PacketView packet;
    bool begins = false;  // a flow: also what is inside a tunnel
    bool is_reply = false;
};

bool may_begin_flow(const IpView& ip) {
    if (ip.fragment) return false;
    if (ip.l4_kind == L4Kind::tcp && (ip.tcp_flags & (tcp_syn | tcp_ack)) != tcp_syn) return false;
    return ip.l4_kind != L4Kind::icmp_error && ip.l4_kind != L4Kind::icmp_other;
}

bool read(const FlowSample& sample, Candidate& candidate) {
    candidate.bytes.assign(sample.bytes.begin(), sample.bytes.begin() + sample.length);
    candidate.port = sample.port;
    candidate.packet.frame.data = candidate.bytes.data();
    candidate.packet.frame.length = sample.length;
    candidate.packet.frame.port = sample.port;
    const auto l2 = parse_l2(candidate.bytes);
    if (!l2) return false;
    candidate.packet.l2 = *l2;
    const std::span<const std::uint8_t> ip = std::span(candidate.bytes).subspan(l2->length);
    return !parse_ip_packet(ip, l2->ethertype, candidate.packet.ip) && may_begin_flow(candidate.packet.ip);
}

}  // namespace

Shadow::Shadow(Shard& shard, Mailbox& mailbox, BurstWatch& watch, RunningImage running)
    : shard_(shard),
      mailbox_(mailbox),
      watch_(watch),
      running_image_(std::move(running)),
      key_(HashKey::from_seed(
          static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()))) {}

Shadow::~Shadow() {
    stop();
}

bool Shadow::start(std::shared_ptr<const Image> candidate, std::string name, std::uint32_t one_in) {
    if (thread_.joinable()) return false;
    candidate_ = std::make_unique<ShadowJudge>(std::move(candidate), key_);
    {
        const std::lock_guard lock(mutex_);
        name_ = std::move(name);
        one_in_ = one_in;
        counts_ = {};
        sampler_ = std::make_unique<FlowSampler>(one_in, key_);
    }
    stop_ = false;
    watch_with(sampler_.get());
    thread_ = std::thread([this] { run(); });
    return true;
}

bool Shadow::stop() {
    if (!thread_.joinable()) return false;
    watch_with(nullptr);
    stop_ = true;
    thread_.join();
    candidate_.reset();
    running_.reset();
    return true;
}

// Where it cannot be done any more, the packet thread has ended.
void Shadow::watch_with(FlowSampler* sampler) {
    mailbox_.run([&] {
        watch_.sampler = sampler;
        return true;
    });
}

void Shadow::run() {
    // What was sampled before the end is judged.
    while (judge_some() || !stop_) {
        if (!stop_) std::this_thread::sleep_for(pause);
    }
}

bool Shadow::judge_some() {
    std::vector<Candidate> batch(samples_a_batch);
    std::size_t count = 0, taken = 0;
    for (; taken < samples_a_batch; ++taken) {
        if (!sampler_->take([&](const FlowSample& sample) { count += read(sample, batch[count]) ? 1u : 0u; }))
            break;
    }
    batch.resize(count);
    if (batch.empty()) return taken != 0;
    const std::shared_ptr<const Image> image = running_image_();
    if (!running_ || &running_->image() != image.get()) running_ = std::make_unique<ShadowJudge>(image, key_);
    std::vector<Tuple> tuples;
    for (Candidate& candidate : batch) {
        const Entrance entrance = entrance_of(*image, candidate.port, candidate.packet);
        const IpView& ip = entrance.binding == nullptr ? candidate.packet.ip : entrance.packet.ip;
        const std::uint16_t tenant = entrance.binding == nullptr ? no_tenant : entrance.binding->tenant();
        tuples.push_back(Endpoints::of(ip).tuple(tenant, ip.protocol));
        candidate.begins = may_begin_flow(ip);
    }
    // A reply begins nothing: its session knows it.
    if (!mailbox_.run([&] {
            for (std::size_t i = 0; i < batch.size(); ++i) {
                const auto found = shard_.sessions().find(tuples[i]);
                batch[i].is_reply = found && found->direction == Direction::reverse;
            }
            return true;
        })) {
        return false;
    }
    for (const Candidate& candidate : batch) {
        if (!candidate.begins) continue;  // in a tunnel: the sampler sees what is around it
        if (candidate.is_reply) {
            const std::lock_guard lock(mutex_);
            ++counts_.replies;
            continue;
        }
        judge(image->port_names()[candidate.port], candidate.packet);
    }
    return true;
}

void Shadow::judge(std::string_view port, const PacketView& packet) {
    const ShadowVerdict now = running_->judge(port, packet), then = candidate_->judge(port, packet);
    const std::lock_guard lock(mutex_);
    ++counts_.judged;
    if (now.same_fate(then)) return;
    ++counts_.different;
    // By what decided, not by packet: addresses and ports are the example's.
    const auto key_of = [](const ShadowVerdict& verdict) {
        return verdict.word + "\n" + verdict.reason + "\n" + verdict.tenant + "\n" + verdict.rule + "\n" +
               verdict.leaves + "\n";
    };
    const std::string key = key_of(now) + key_of(then);
    auto at = counts_.differences.find(key);
    if (at == counts_.differences.end()) {
        if (counts_.differences.size() == most_differences) {
            ++counts_.beyond;
            return;
        }
        const std::string example =
            describe(Endpoints::of(packet.ip).tuple(0, packet.ip.protocol)) + " on " + std::string(port);
        at = counts_.differences.emplace(key, Difference{now, then, 0, example}).first;
    }
    ++at->second.flows;
}

Json Shadow::status() const {
    const std::lock_guard lock(mutex_);
    std::vector<const Difference*> rows;
    for (const auto& [key, difference] : counts_.differences) rows.push_back(&difference);
    std::ranges::stable_sort(rows, std::greater<>(), [](const Difference* row) { return row->flows; });
    Json differences = Json::array();
    for (const Difference* row : rows) {
        const ShadowVerdict& named = row->candidate.rule.empty() ? row->running : row->candidate;
        differences.push_back({{"tenant", named.tenant},
                               {"rule", named.rule},
                               {"file", named.file},
                               {"line", named.line},
                               {"running", row->running.text()},
                               {"candidate", row->candidate.text()},
                               {"flows", row->flows},
                               {"example", row->example}});
    }
    return {{"active", sampler_ != nullptr && !stop_},
            {"image", name_},
            {"one_in", one_in_},
            {"judged", counts_.judged},
            {"replies", counts_.replies},
            {"left_out", sampler_ == nullptr ? 0 : sampler_->left_out()},
            {"different", counts_.different},
            {"differences_left_out", counts_.beyond},
            {"differences", std::move(differences)}};
}

}  // namespace sluice
