// SPDX-License-Identifier: Apache-2.0
#include "bench/gateway_rows.h"

#include <algorithm>
#include <memory>

#include "bench/gateway.h"
#include "bench/order.h"
#include "bench/windows.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t burst_frames = DpdkPort::burst_frames;
constexpr std::uint32_t bursts_a_window = 256;
constexpr std::uint32_t in_flight_buffers = 4096;
// An odd number: measured and floor windows change places in the second round over the source.
constexpr std::uint32_t windows_a_round = 125;
constexpr std::uint32_t most_flow_numbers = 5'000'000;
constexpr std::uint32_t attack_flows = 400'000;
constexpr Time udp_idle = SessionTimeouts{}.udp;

ShardSettings settings_for(const RowPlan& plan) {
    ShardSettings settings;
    settings.cache = plan.cache ? ShardSettings{}.cache : CacheTiers::none;
    settings.sessions = std::max(1u << 16, plan.flows / 3 * 4);  // three quarters full
    return settings;
}

FrameList one_frame_of(const FrameList& frames) {
    FrameList one;
    std::ranges::copy(frames[0], one.add());
    return one;
}

std::vector<std::uint32_t> order_of(const RowPlan& plan) {
    if (plan.kind == Kind::churn) return churn_order(plan.flows);
    switch (plan.order) {
        case Order::zipf:
            return zipf_order(plan.flows);
        case Order::random:
            return random_order(plan.flows, most_flow_numbers);
        case Order::colliding:
            return colliding_flows(plan.shape, plan.flows, most_flow_numbers);
        case Order::uniform:
            break;
    }
    return uniform_order(plan.flows);
}

void check_counters(Gateway& gateway, const RowPlan& plan) {
    const Counters& counters = gateway.shard().counters();
    if (!counters.balanced() || counters.total_drops() != 0) wrong_answer("the counters are not balanced");
    const auto hits = counters.cache.flow_hits + counters.cache.trace_hits;
    if (plan.kind == Kind::established && (hits != 0) != plan.cache) wrong_answer("the cache's hits");
}

/// Cycles a packet of both, measured in turn.
template <typename Work, typename Floor>
void measure_in_turn(Row& row, std::uint32_t windows, Work&& work, Floor&& floor) {
    std::vector<double> work_cycles, floor_cycles;
    for (std::uint32_t window = 0; window < windows; ++window) {
        work_cycles.push_back(cycles_a_call(bursts_a_window, work) / burst_frames);
        floor_cycles.push_back(cycles_a_call(bursts_a_window, floor) / burst_frames);
    }
    row.cycles = lower_quartile(std::move(work_cycles));
    row.floor = lower_quartile(std::move(floor_cycles));
}

Row row_for(const RowPlan& plan) {
    return {plan.name, plan.flows, plan.shape.rules, plan.shape.tenants, 0, 0};
}

Row measure_established(const RowPlan& plan, const Image& image, const Environment& environment,
                        const Effort& effort) {
    DpdkFrames allocator(environment.pool(), environment.longest_frame());
    const FrameList frames = make_frames(plan.shape, order_of(plan));
    PreloadedPort access(environment, access_port, frames);
    Gateway gateway(image, settings_for(plan), allocator);

    Checker checker(plan.shape, plan.flows);
    FrameList sent;
    for (std::size_t seen = 0; seen < frames.size();) {
        seen += gateway.run_checked(access.port(), monotonic_time(), [&](const Frame& frame) {
            checker.forward(frame);
            if (sent.size() < frames.size()) std::ranges::copy(frame.bytes(), sent.add());
        });
    }
    if (plan.order == Order::uniform && checker.distinct_flows() != plan.flows)
        wrong_answer("flows are missing");

    // Replies in an order of their own: nothing of a flow is still warm from its other direction.
    FrameList replies;
    if (plan.replies) {
        auto mixed = uniform_order(static_cast<std::uint32_t>(sent.size()));
        std::ranges::reverse(mixed);
        for (const std::uint32_t packet : mixed) add_reply(replies, sent[packet]);
    } else {
        add_reply(replies, sent[0]);
    }
    PreloadedPort uplink(environment, uplink_port, replies);
    for (std::size_t seen = 0; seen < frames.size();) {
        seen += gateway.run_checked(access.port(), monotonic_time(),
                                    [&](const Frame& frame) { checker.forward(frame); });
    }
    for (std::size_t seen = 0; plan.replies && seen < replies.size() * 2;) {
        seen += gateway.run_checked(uplink.port(), monotonic_time(),
                                    [&](const Frame& frame) { checker.reply(frame); });
    }
    check_counters(gateway, plan);

    gateway.connect(access.port(), uplink.port());
    Row row = row_for(plan);
    bool back = plan.only_replies;
    const auto turn = [&] { back = plan.only_replies || (plan.replies && !back); };
    measure_in_turn(
        row, effort.windows,
        [&] {
            gateway.run(back ? uplink.port() : access.port(), monotonic_time());
            turn();
        },
        [&] {
            swap_macs_and_send(back ? uplink.device_port() : access.device_port());
            turn();
        });
    check_counters(gateway, plan);
    return row;
}

Row measure_churn(const RowPlan& plan, const Image& image, const Environment& environment,
                  const Effort& effort) {
    DpdkFrames allocator(environment.pool(), environment.longest_frame());
    const std::vector<std::uint32_t> order = order_of(plan);
    const FrameList frames = make_frames(plan.shape, order);
    PreloadedPort access(environment, access_port, frames),
        uplink(environment, uplink_port, one_frame_of(frames));
    // A source of its own for the floor: every packet of the other one must reach the shard.
    PreloadedPort floor(environment, access_port, frames);
    Gateway gateway(image, settings_for(plan), allocator);
    gateway.connect(access.port(), uplink.port());

    // A round over the source takes longer than a silent session lives, a tenth of it does not.
    const Time burst_time = udp_idle * 4 / 3 * burst_frames / frames.size();
    Time now = seconds(1000);
    Checker checker(plan.shape, *std::ranges::max_element(order) + 1);
    for (std::size_t seen = 0; seen < frames.size(); now += burst_time) {
        seen += gateway.run_checked(access.port(), now, [&](const Frame& frame) { checker.forward(frame); });
    }
    checker.distinct_flows();
    const std::uint64_t opened_before = gateway.shard().counters().sessions.created;
    Row row = row_for(plan);
    measure_in_turn(
        row, effort.windows,
        [&] {
            gateway.run(access.port(), now);
            now += burst_time;
        },
        [&] { swap_macs_and_send(floor.device_port()); });
    const double opened = static_cast<double>(gateway.shard().counters().sessions.created - opened_before);
    const double wished = 0.001 * effort.windows * bursts_a_window * burst_frames;
    if (opened < 0.9 * wished || opened > 1.1 * wished)
        wrong_answer("not one packet in a thousand opened a session");
    check_counters(gateway, plan);
    return row;
}

/// By place in the round, so that the price is the mean over the whole filling of the table and not that of its
/// cheapest part.
double mean_of_lower_quartiles(const std::vector<std::vector<double>>& by_place) {
    double sum = 0;
    for (const auto& rounds : by_place) sum += lower_quartile(rounds);
    return sum / static_cast<double>(by_place.size());
}

Row measure_new_session(const RowPlan& plan, const Image& image, const Environment& environment,
                        const Effort& effort) {
    DpdkFrames allocator(environment.pool(), environment.longest_frame());
    const FrameList frames = make_frames(plan.shape, order_of(plan));
    PreloadedPort access(environment, access_port, frames),
        uplink(environment, uplink_port, one_frame_of(frames));
    const std::uint32_t bursts = plan.flows / burst_frames / windows_a_round;
    // A flow comes back after all others: by then its session, idle for 0.96 of that time, has ended.
    const Time burst_time = plan.expiring ? udp_idle * burst_frames / (Time{plan.flows} * 96 / 100) : 1000;

    std::unique_ptr<Gateway> gateway;
    Time now = seconds(1000);
    const auto start_over = [&] {
        gateway = std::make_unique<Gateway>(image, settings_for(plan), allocator);
        gateway->connect(access.port(), uplink.port());
    };
    start_over();
    Checker checker(plan.shape, std::max(plan.flows, most_flow_numbers));
    for (std::size_t seen = 0; seen < frames.size();) {
        seen += gateway->run_checked(access.port(), now, [&](const Frame& frame) { checker.forward(frame); });
    }
    if (checker.distinct_flows() != plan.flows) wrong_answer("flows are missing");
    start_over();
    std::vector<std::vector<double>> work(windows_a_round), floor(windows_a_round);
    const auto run_window = [&](std::uint32_t window) {
        if (window % 2 == 0) {
            const double cycles = cycles_a_call(bursts, [&] {
                plan.single ? gateway->run_single(access.port(), now) : gateway->run(access.port(), now);
                now += burst_time;
            });
            work[window / 2].push_back(cycles / burst_frames);
        } else {
            const double cycles = cycles_a_call(bursts, [&] { swap_macs_and_send(access.device_port()); });
            floor[window / 2].push_back(cycles / burst_frames);
        }
    };
    if (plan.expiring) {
        for (std::uint32_t window = 0; window < 2 * windows_a_round; ++window) run_window(window);
        work.assign(windows_a_round, {});
        floor.assign(windows_a_round, {});
    }
    for (std::uint32_t round = 0; round < effort.rounds; ++round) {
        if (!plan.expiring && round > 0) start_over();
        const auto before = gateway->shard().counters().sessions;
        for (std::uint32_t window = 0; window < 2 * windows_a_round; ++window) run_window(window);
        const auto after = gateway->shard().counters().sessions;
        if (after.created - before.created != plan.flows) wrong_answer("not every packet opened a session");
        const auto expired = static_cast<double>(after.expired - before.expired);
        if (expired < (plan.expiring ? 0.98 * plan.flows : 0)) wrong_answer("sessions did not end");
    }
    check_counters(*gateway, plan);
    Row row = row_for(plan);
    row.cycles = mean_of_lower_quartiles(work);
    row.floor = mean_of_lower_quartiles(floor);
    return row;
}

/// A scan that the last rule answers: each packet is dropped, none takes a session or an entry.
Row measure_scan(const RowPlan& plan, const Image& image, const Environment& environment,
                 const Effort& effort) {
    DpdkFrames allocator(environment.pool(), environment.longest_frame());
    const FrameList frames = make_frames(plan.shape, order_of(plan));
    PreloadedPort access(environment, access_port, frames),
        uplink(environment, uplink_port, one_frame_of(frames));
    Gateway gateway(image, settings_for(plan), allocator);
    gateway.connect(access.port(), uplink.port());
    std::uint64_t sent = 0;
    const auto run = [&] {
        gateway.run(access.port(), monotonic_time());
        sent += burst_frames;
    };
    while (sent < frames.size()) run();
    Row row = row_for(plan);
    measure_in_turn(row, effort.windows, run, [&] { swap_macs_and_send(access.device_port()); });
    const Counters& counters = gateway.shard().counters();
    if (!counters.balanced() || counters.total_drops() != sent) wrong_answer("not every packet was denied");
    if (counters.sessions.created != 0) wrong_answer("a denied packet opened a session");
    for (std::uint32_t place = 0; place < gateway.shard().flow_places(); ++place) {
        if (gateway.shard().flow(place)) wrong_answer("a denied packet took an entry");
    }
    return row;
}

/// Established flows, timed alone, while every second burst is from somewhere else: new flows until no session
/// is left, and then still.
Row measure_attacked(const RowPlan& plan, const Image& image, const Environment& environment,
                     const Effort& effort) {
    DpdkFrames allocator(environment.pool(), environment.longest_frame());
    Shape allowed = plan.shape;
    allowed.scan = false;
    const FrameList frames = make_frames(allowed, order_of(plan));
    const FrameList attacks = make_frames(plan.shape, random_order(attack_flows, most_flow_numbers));
    PreloadedPort access(environment, access_port, frames), others(environment, access_port, attacks),
        uplink(environment, uplink_port, one_frame_of(frames));
    Gateway gateway(image, settings_for(plan), allocator);
    gateway.connect(access.port(), uplink.port());
    const auto check = [&] {
        Checker checker(allowed, plan.flows);
        for (std::size_t seen = 0; seen < 2 * frames.size();) {
            seen += gateway.run_checked(access.port(), monotonic_time(),
                                        [&](const Frame& frame) { checker.forward(frame); });
        }
        if (checker.distinct_flows() != plan.flows) wrong_answer("flows are missing");
    };
    check();
    const auto attack = [&] {
        if (plan.attack) {
            gateway.run(others.port(), monotonic_time());
        } else {
            swap_macs_and_send(others.device_port());
        }
    };
    for (std::uint32_t burst = 0; burst < attack_flows / burst_frames; ++burst) attack();
    const auto cycles_of = [&](auto&& work) {
        double cycles = 0;
        for (std::uint32_t burst = 0; burst < bursts_a_window; ++burst) {
            attack();
            cycles += cycles_a_call(1, work);
        }
        return cycles / bursts_a_window / burst_frames;
    };
    std::vector<double> work_cycles, floor_cycles;
    for (std::uint32_t window = 0; window < effort.windows; ++window) {
        work_cycles.push_back(cycles_of([&] { gateway.run(access.port(), monotonic_time()); }));
        floor_cycles.push_back(cycles_of([&] { swap_macs_and_send(access.device_port()); }));
    }
    check();
    if (!gateway.shard().counters().balanced()) wrong_answer("the counters are not balanced");
    Row row = row_for(plan);
    row.cycles = lower_quartile(std::move(work_cycles));
    row.floor = lower_quartile(std::move(floor_cycles));
    return row;
}

}  // namespace

std::uint32_t buffers_for(const RowPlan& plan) {
    // Zipf sources repeat flows; churn sources hold ten packets a flow, twice.
    const std::uint32_t frames = plan.kind == Kind::churn      ? plan.flows * 21
                                 : plan.kind == Kind::attacked ? plan.flows + attack_flows
                                 : plan.order == Order::zipf   ? std::min(1'000'000u, plan.flows * 4)
                                                               : plan.flows;
    return frames * (plan.replies ? 2 : 1) + in_flight_buffers;
}

Row measure(const RowPlan& plan, const Image& image, const Environment& environment, const Effort& effort) {
    switch (plan.kind) {
        case Kind::established:
            return measure_established(plan, image, environment, effort);
        case Kind::new_session:
            return measure_new_session(plan, image, environment, effort);
        case Kind::churn:
            return measure_churn(plan, image, environment, effort);
        case Kind::scan:
            return measure_scan(plan, image, environment, effort);
        case Kind::attacked:
            return measure_attacked(plan, image, environment, effort);
    }
    return {};
}

std::vector<RowPlan> all_rows() {
    constexpr std::uint32_t thousand = 1000, million = 1'000'000;
    std::vector<RowPlan> rows;
    const auto size_of = [](std::uint32_t flows) { return flows < million ? Size::quick : Size::usual; };
    for (const std::uint32_t flows : {1u, 10 * thousand, 100 * thousand, million}) {
        rows.push_back({.name = "established", .flows = flows, .size = size_of(flows)});
    }
    for (const std::uint32_t flows : {10 * thousand, 100 * thousand, million}) {
        rows.push_back({.name = "established-zipf", .flows = flows, .order = Order::zipf});
    }
    for (const std::uint32_t flows : {1u, 10 * thousand, 100 * thousand, million}) {
        rows.push_back({.name = "established-replies",
                        .flows = flows,
                        .size = flows == 100 * thousand ? Size::quick : Size::usual,
                        .replies = true});
    }
    for (const std::uint32_t flows : {10 * thousand, 100 * thousand, million}) {
        rows.push_back(
            {.name = "established-replies-zipf", .flows = flows, .order = Order::zipf, .replies = true});
    }
    for (const std::uint32_t rules : {10u, 100 * thousand}) {
        rows.push_back({.name = "established",
                        .flows = 100 * thousand,
                        .shape = {.rules = rules},
                        .size = rules > thousand ? Size::large : Size::usual});
    }
    for (const std::uint32_t tenants : {100u, thousand}) {
        rows.push_back(
            {.name = "established", .flows = 100 * thousand, .shape = {.tenants = tenants, .rules = 10}});
    }
    struct Tunnelled {
        const char* name;
        std::uint32_t tunnels;
        bool southbound;
        bool provider = false;
        bool over_ipv6 = false;
    };
    constexpr Tunnelled ways[] = {{"tunnel-northbound", 1, false},
                                  {"tunnel-southbound", 1, true},
                                  {"tunnel-northbound-four", 4, false},
                                  {"tunnel-southbound-four", 4, true},
                                  {"provider-northbound", 1, false, true},
                                  {"provider-southbound", 1, true, true},
                                  {"tunnel6-northbound", 1, false, false, true},
                                  {"tunnel6-southbound", 1, true, false, true}};
    for (const Tunnelled& way : ways) {
        for (const std::uint32_t flows : {1u, 10 * thousand, 100 * thousand, million}) {
            rows.push_back(
                {.name = way.name,
                 .flows = flows,
                 .shape = {.tunnels = way.tunnels, .provider = way.provider, .over_ipv6 = way.over_ipv6},
                 // Their buffers are larger, those of all rows beside them too.
                 .size = way.over_ipv6            ? Size::named
                         : flows == 10 * thousand ? Size::quick
                                                  : Size::usual,
                 .replies = way.southbound,
                 .only_replies = way.southbound});
        }
    }
    rows.push_back(
        {.name = "established-no-cache", .flows = 10 * thousand, .size = Size::quick, .cache = false});

    RowPlan fresh{.name = "new-session", .kind = Kind::new_session, .flows = million};
    for (const std::uint32_t rules : {10u, thousand, 100 * thousand}) {
        fresh.shape = {.rules = rules};
        fresh.size = rules > thousand ? Size::large : Size::usual;
        rows.push_back(fresh);
    }
    for (const std::uint32_t rules : {10u, thousand, 100 * thousand}) {
        fresh.name = "new-session-all-rules";
        fresh.shape = {.rules = rules, .destinations = Destinations::all_rules};
        fresh.size = rules > thousand ? Size::large : Size::usual;
        rows.push_back(fresh);
    }
    fresh.name = "new-session";
    fresh.size = Size::usual;
    for (const std::uint32_t tenants : {100u, thousand}) {
        fresh.shape = {.tenants = tenants, .rules = 10};
        rows.push_back(fresh);
    }
    for (const std::uint32_t rules : {10u, thousand}) {
        fresh.shape = {.rules = rules};
        fresh.name = "new-session-expiring";
        fresh.expiring = true;
        rows.push_back(fresh);
        fresh.name = "new-session-expiring-single";
        fresh.single = true;
        rows.push_back(fresh);
        fresh.name = "new-session-single";
        fresh.expiring = false;
        rows.push_back(fresh);
        fresh.single = false;
    }
    for (const std::uint32_t rules : {10u, thousand}) {
        rows.push_back({.name = "new-session",
                        .kind = Kind::new_session,
                        .flows = 100 * thousand,
                        .shape = {.rules = rules},
                        .size = Size::quick});
    }
    // Traffic made to miss, with the caches and without.
    for (const bool cache : {true, false}) {
        const std::string suffix = cache ? "" : "-no-cache";
        RowPlan attack{.name = {}, .kind = Kind::new_session, .flows = 100 * thousand, .cache = cache};
        attack.name = "miss-random-tuples" + suffix;
        attack.order = Order::random;
        rows.push_back(attack);
        attack.name = "miss-colliding-keys" + suffix;
        attack.order = Order::colliding;
        rows.push_back(attack);
        rows.push_back({.name = "scan-denied" + suffix,
                        .kind = Kind::scan,
                        .flows = 100 * thousand,
                        .shape = {.scan = true},
                        .cache = cache});
        attack.name = "miss-class-tuples" + suffix;
        attack.order = Order::uniform;
        attack.shape = {.rules = 20 * thousand, .destinations = Destinations::all_rules};
        rows.push_back(attack);
    }
    for (const bool scan : {false, true}) {
        const std::string what = scan ? "scan" : "new-flows";
        for (const bool attack : {true, false}) {
            rows.push_back({.name = "established-" + std::string(attack ? "among-" : "beside-") + what,
                            .kind = Kind::attacked,
                            .flows = 10 * thousand,
                            .shape = {.scan = scan},
                            .attack = attack});
        }
    }
    rows.push_back({.name = "churn", .kind = Kind::churn, .flows = 100 * thousand, .size = Size::quick});
    return rows;
}

}  // namespace sluice::bench
