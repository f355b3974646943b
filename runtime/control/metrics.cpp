// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/metrics.h"

#include <map>

#include "runtime/control/pools.h"
#include "runtime/packet/view.h"
#include "runtime/state/observed.h"
#include "schemas/layout/image_types.h"

namespace sluice {
namespace {

constexpr auto counter = MetricKind::counter;
constexpr auto gauge = MetricKind::gauge;

MetricLabels with(MetricLabels labels, std::string_view name, std::string_view value) {
    labels.emplace_back(name, value);
    return labels;
}

/// One gathering.
class Collection {
  public:
    Collection(const Image& image, const Shard& shard, const GatewayState& gateway)
        : image_(image), shard_(shard), gateway_(gateway), counters_(shard.live_counters()) {}

    Metrics take() {
        packets();
        ports();
        drops();
        cache();
        tenants();
        sessions();
        images();
        return std::move(metrics_);
    }

  private:
    void packets();
    void ports();
    void drops();
    void cache();
    void tenants();
    void sessions();
    void images();

    std::vector<MetricSample>& family(std::string_view name, MetricKind kind, std::string_view help) {
        return metrics_.emplace_back(Metric{{name, kind, help}, {}}).samples;
    }
    /// A number of the whole shard.
    void of_shard(std::string_view name, MetricKind kind, std::string_view help, std::uint64_t value) {
        family(name, kind, help).push_back({shard_label_, value});
    }
    void of_gateway(std::string_view name, MetricKind kind, std::string_view help, std::uint64_t value) {
        family(name, kind, help).push_back({{}, value});
    }
    template <typename ValueOf>
    void each_port(std::string_view name, MetricKind kind, std::string_view help, ValueOf&& value_of,
                   bool is_of_shard = true) {
        auto& samples = family(name, kind, help);
        const auto names = image_.port_names();
        for (std::size_t port = 0; port < gateway_.ports.size() && port < names.size(); ++port) {
            samples.push_back(
                {with(is_of_shard ? shard_label_ : MetricLabels{}, "port", names[port]), value_of(port)});
        }
    }
    template <typename ValueOf>
    void each_tenant(std::string_view name, std::string_view help, ValueOf&& value_of,
                     MetricKind kind = counter) {
        auto& samples = family(name, kind, help);
        for (const TenantView& tenant : image_.tenants()) {
            if (!tenant.exists()) continue;
            samples.push_back({with(shard_label_, "tenant", tenant.name),
                               observed(value_of(counters_.tenants[tenant.index]))});
        }
    }

    const Image& image_;
    const Shard& shard_;
    const GatewayState& gateway_;
    const Counters& counters_;
    const MetricLabels shard_label_ = {{"shard", "0"}};
    Metrics metrics_;
};

void Collection::packets() {
    of_shard("sluice_originated_packets_total", counter,
             "Packets that the gateway made: ARP, ND, ICMP, resets.", observed(counters_.originated));
    of_shard("sluice_copied_packets_total", counter, "Fragments and flooded copies beyond the first.",
             observed(counters_.copies));
    of_shard("sluice_consumed_packets_total", counter, "Packets that were for the gateway itself.",
             observed(counters_.consumed));
    of_shard("sluice_held_packets", gauge, "Packets that wait for a neighbour or for their other fragments.",
             shard_.live_levels().held);
    of_gateway("sluice_rule_log_lost_events_total", counter,
               "Decisions of rules with log: true that were too many to be written.",
               gateway_.rule_events_lost);
    of_gateway("sluice_nat_block_log_lost_events_total", counter,
               "Blocks of ports that hosts took or gave back and that were too many to be written.",
               gateway_.block_events_lost);
}

void Collection::ports() {
    each_port("sluice_port_receive_packets_total", counter, "Packets received on a port.",
              [&](std::size_t port) { return observed(counters_.rx[port].packets); });
    each_port("sluice_port_receive_bytes_total", counter, "Bytes received on a port, without FCS.",
              [&](std::size_t port) { return observed(counters_.rx[port].bytes); });
    each_port("sluice_port_transmit_packets_total", counter, "Packets sent on a port.",
              [&](std::size_t port) { return observed(counters_.tx[port].packets); });
    each_port("sluice_port_transmit_bytes_total", counter, "Bytes sent on a port, without FCS.",
              [&](std::size_t port) { return observed(counters_.tx[port].bytes); });
    const auto of_device = [&](std::string_view name, MetricKind kind, std::string_view help, auto member) {
        each_port(
            name, kind, help,
            [&](std::size_t port) { return static_cast<std::uint64_t>(gateway_.ports[port].*member); }, false);
    };
    of_device("sluice_port_receive_missed_packets_total", counter,
              "Packets that the device lost for want of room, where it counts them.", &PortState::rx_missed);
    of_device("sluice_port_receive_unusable_packets_total", counter,
              "Packets that did not fit into one buffer.", &PortState::rx_unusable);
    of_device("sluice_port_transmit_failed_packets_total", counter, "Packets that the device did not take.",
              &PortState::tx_failed);
    of_device("sluice_port_link_up", gauge, "1 where the link is up.", &PortState::link_up);
    of_device("sluice_port_link_bits_per_second", gauge, "The link's speed; 0 where the device does not say.",
              &PortState::bits_per_second);
}

void Collection::drops() {
    auto& samples = family("sluice_dropped_packets_total", counter,
                           "Packets dropped, by where and why; before a tenant is known by port.");
    // An interface may have a router's name: what has the same labels is one sample.
    std::map<MetricLabels, std::uint64_t> counts;
    const auto add = [&](Component component, const MetricLabels& labels) {
        for (std::size_t reason = 0; reason < drop_reason_count; ++reason) {
            const std::uint64_t count = observed(counters_.drops[component][reason]);
            if (count != 0) counts[with(labels, "reason", name_of(static_cast<DropReason>(reason)))] += count;
        }
    };
    const auto port_names = image_.port_names();
    for (std::size_t port = 0; port < port_names.size(); ++port) {
        add(counters_.port_component(static_cast<std::uint16_t>(port)),
            with(with(shard_label_, "port", port_names[port]), "stage", "port"));
    }
    for (const TenantView& tenant : image_.tenants()) {
        const MetricLabels labels = with(shard_label_, "tenant", tenant.name);
        add(counters_.service_router(tenant.index), with(labels, "stage", "sr"));
        add(counters_.distributed_router(tenant.index), with(labels, "stage", "dr"));
        for (std::uint16_t slot = 0; slot < counters_.interfaces_of(tenant.index); ++slot) {
            add(counters_.interface_component(tenant.index, slot),
                with(labels, "stage", tenant.name_of_interface(slot)));
        }
    }
    for (const auto& [labels, count] : counts) samples.push_back({labels, count});
}

void Collection::cache() {
    of_shard("sluice_flow_cache_hits_total", counter, "Packets of flows that the flow table knew.",
             observed(counters_.cache.flow_hits));
    of_shard("sluice_trace_cache_hits_total", counter, "Packets of new flows that a trace was known for.",
             observed(counters_.cache.trace_hits));
    of_shard("sluice_pipeline_runs_total", counter, "Packets that ran the whole pipeline.",
             observed(counters_.cache.pipeline_runs));
    of_shard("sluice_revalidated_flows_total", counter,
             "Flows that another image left as they were, found so at their next packet.",
             observed(counters_.cache.revalidated));
    of_shard("sluice_invalidated_flows_total", counter,
             "Flows whose next hop had moved, found so at their next packet.",
             observed(counters_.cache.invalidated));
    auto& samples = family("sluice_uncacheable_packets_total", counter, "Packets that leave no trace, by why.");
    for (std::size_t reason = 0; reason < nocache_reason_count; ++reason) {
        samples.push_back({with(shard_label_, "reason", name_of(static_cast<NoCacheReason>(reason))),
                           observed(counters_.cache.uncacheable[reason])});
    }
}

void Collection::tenants() {
    using Count = const TenantCount&;
    each_tenant(
        "sluice_tenant_receive_packets_total", "Packets that entered by a tenant's interfaces.",
        [](Count tenant) -> const auto& { return tenant.rx.packets; });
    each_tenant(
        "sluice_tenant_receive_bytes_total", "Bytes that entered by a tenant's interfaces.",
        [](Count tenant) -> const auto& { return tenant.rx.bytes; });
    each_tenant(
        "sluice_tenant_transmit_packets_total", "Packets that left by a tenant's interfaces.",
        [](Count tenant) -> const auto& { return tenant.tx.packets; });
    each_tenant(
        "sluice_tenant_transmit_bytes_total", "Bytes that left by a tenant's interfaces.",
        [](Count tenant) -> const auto& { return tenant.tx.bytes; });
    each_tenant(
        "sluice_tenant_trace_hits_total", "Packets of new flows that a trace was known for.",
        [](Count tenant) -> const auto& { return tenant.traces.hits; });
    each_tenant(
        "sluice_tenant_trace_misses_total", "Packets of new flows that no trace was known for.",
        [](Count tenant) -> const auto& { return tenant.traces.misses; });
    each_tenant(
        "sluice_tenant_sessions", "Sessions that a tenant has.",
        [](Count tenant) -> const auto& { return tenant.sessions; }, gauge);
}

void Collection::sessions() {
    of_shard("sluice_sessions", gauge, "Sessions of the stateful routers.", shard_.live_levels().sessions);
    of_shard("sluice_sessions_created_total", counter, "Sessions that were opened.",
             observed(counters_.sessions.created));
    of_shard("sluice_sessions_expired_total", counter, "Sessions that ended by themselves or by a timeout.",
             observed(counters_.sessions.expired));
    of_shard("sluice_sessions_ended_total", counter, "Sessions that a change of the policy ended.",
             observed(counters_.sessions.ended));
    of_shard("sluice_nat_mappings", gauge, "Inside endpoints that have an external address and port.",
             shard_.live_levels().mappings);
    const std::vector<Pool> pools = pools_of(image_, shard_);
    const auto labels_of = [&](const Pool& pool) {
        return with(with(shard_label_, "tenant", pool.tenant), "pool", pool.name);
    };
    auto& samples = family("sluice_nat_pool_mappings", gauge,
                           "NAT mappings at the addresses of a pool: the uplink and the pool's ends.");
    for (const Pool& pool : pools) samples.push_back({labels_of(pool), pool.use.mappings});
    auto& fullest =
        family("sluice_nat_pool_used_permille", gauge,
               "Ports in use of a thousand, at the address and protocol of a pool that has fewest left.");
    for (const Pool& pool : pools) fullest.push_back({labels_of(pool), pool.use.fullest_permille});
    of_shard("sluice_nat_blocks", gauge, "Blocks of ports that hosts hold.", shard_.live_levels().blocks);
}

void Collection::images() {
    of_gateway("sluice_start_time_seconds", gauge, "When the gateway started, in seconds since 1970.",
               gateway_.start_seconds);
    of_gateway("sluice_image_swaps_total", counter, "How often another image took over without a restart.",
               image_.generation());
    of_gateway("sluice_image_revision", gauge,
               "Revision of the image that runs; 0 where it was started from a file.", gateway_.image_revision);
    of_gateway("sluice_image_pending", gauge, "1 while the image that runs waits for its confirmation.",
               gateway_.image_pending ? 1 : 0);
    auto& samples = family("sluice_image_returns_total", counter,
                           "Returns to an earlier image, by why; restarts go on counting.");
    for (std::size_t reason = 0; reason < return_reason_names.size(); ++reason) {
        samples.push_back(
            {{{"reason", std::string(return_reason_names[reason])}}, gateway_.image_returns[reason]});
    }
}

}  // namespace

Metrics collect_metrics(const Image& image, const Shard& shard, const GatewayState& gateway) {
    return Collection(image, shard, gateway).take();
}

}  // namespace sluice
