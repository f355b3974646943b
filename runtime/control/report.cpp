// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/report.h"

#include <map>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

Json sorted(const std::map<std::string, std::uint64_t>& counts) {
    Json json = Json::object();
    for (const auto& [name, count] : counts) json[name] = count;
    return json;
}

Json by_port(const Image& image, const std::vector<PacketCount>& counts) {
    PacketCount total;
    Json ports = Json::object();
    const auto names = image.port_names();
    for (std::size_t port = 0; port < names.size(); ++port) {
        total.packets += counts[port].packets;
        total.bytes += counts[port].bytes;
        ports[std::string(names[port])] = counts[port].packets;
    }
    Json json;
    json["packets"] = total.packets;
    json["bytes"] = total.bytes;
    json["ports"] = std::move(ports);
    return json;
}

Json traces_report(const Image& image, const Counters& counters) {
    std::map<std::string, Json> tenants;
    for (const TenantView& tenant : image.tenants()) {
        const auto& traces = counters.tenants[tenant.index].traces;
        if (!tenant.exists() || traces.hits + traces.misses == 0) continue;
        tenants[std::string(tenant.name)] = {
            {"trace_hits", traces.hits}, {"trace_misses", traces.misses}, {"started", traces.started}};
    }
    Json json = Json::object();
    for (auto& [name, counts] : tenants) json[name] = std::move(counts);
    return json;
}

Json cache_report(const Image& image, const Counters& counters) {
    std::map<std::string, std::uint64_t> uncacheable;
    for (std::size_t reason = 0; reason < nocache_reason_count; ++reason) {
        if (const std::uint64_t count = counters.cache.uncacheable[reason]; count != 0) {
            uncacheable[std::string(name_of(static_cast<NoCacheReason>(reason)))] = count;
        }
    }
    Json json;
    json["flow_hits"] = counters.cache.flow_hits;
    json["trace_hits"] = counters.cache.trace_hits;
    json["pipeline_runs"] = counters.cache.pipeline_runs;
    json["revalidated"] = counters.cache.revalidated;
    json["invalidated"] = counters.cache.invalidated;
    json["uncacheable"] = sorted(uncacheable);
    json["tenants"] = traces_report(image, counters);
    return json;
}

Json tenant_report(const TenantView& tenant, const TenantCount& count) {
    Json rules = Json::object();
    for (std::size_t rule = 0; rule < count.rules.size(); ++rule) {
        const bool is_default = rule >= tenant.rule_slots();
        if (!is_default && tenant.rule_position(static_cast<std::uint32_t>(rule)) == no_position) continue;
        Json& entry =
            rules[is_default ? "default" : std::string(tenant.name_of_rule(static_cast<std::uint32_t>(rule)))];
        entry["sessions"] = count.rules[rule].sessions;
        entry["packets"] = count.rules[rule].packets;
        entry["bytes"] = count.rules[rule].bytes;
    }
    Json json;
    json["rx"] = count.rx.packets;
    json["tx"] = count.tx.packets;
    json["rules"] = std::move(rules);
    return json;
}

}  // namespace

Json drops_report(const Counters& counters) {
    std::map<std::string, std::uint64_t> drops;
    for (std::size_t component = 0; component < counters.drops.size(); ++component) {
        for (std::size_t reason = 0; reason < drop_reason_count; ++reason) {
            const std::uint64_t count = counters.drops[component][reason];
            if (count == 0) continue;
            drops[counters.component_names[component] + "." +
                  std::string(name_of(static_cast<DropReason>(reason)))] = count;
        }
    }
    return sorted(drops);
}

Json counters_report(const Image& image, const Counters& counters) {
    Json json;
    json["rx"] = by_port(image, counters.rx);
    json["tx"] = by_port(image, counters.tx);
    json["originated"] = counters.originated;
    json["copies"] = counters.copies;
    json["consumed"] = counters.consumed;
    json["held"] = counters.held;
    json["drops"] = drops_report(counters);
    json["cache"] = cache_report(image, counters);
    Json tenants = Json::object();
    for (const TenantView& tenant : image.tenants()) {
        if (!tenant.exists()) continue;
        tenants[std::string(tenant.name)] = tenant_report(tenant, counters.tenants[tenant.index]);
    }
    json["tenants"] = std::move(tenants);
    json["sessions"]["created"] = counters.sessions.created;
    json["sessions"]["expired"] = counters.sessions.expired;
    json["sessions"]["active"] = counters.sessions.active;
    json["sessions"]["ended"] = counters.sessions.ended;
    json["balanced"] = counters.balanced();
    return json;
}

std::string json_text(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace sluice
