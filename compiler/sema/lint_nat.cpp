// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "compiler/sema/passes.h"
#include "compiler/sema/prefix_set.h"

namespace sluice::sema {
namespace {

// Comparisons of a tenant's NAT rules with its firewall rules or with each other: enough for every real policy.
constexpr std::size_t most_comparisons = 20'000'000;

// The interface behind which an address lies: connected, else the longest route's; nothing where no route leads
// there.
class Zones {
  public:
    Zones(const TenantScope& scope, const policy::Tenant& tenant) : scope_(scope) {
        for (const auto& route : tenant.routes)
            routes_[{route.to.family, route.to.length}].emplace(route.to.ip, &route);
    }

    std::vector<std::uint16_t> of(const IpAndFamily& ip) const {
        if (const auto* subnet = scope_.subnet_of(ip)) return {subnet->interface};
        for (auto length = routes_.rbegin(); length != routes_.rend(); ++length) {
            if (length->first.first != ip.family) continue;
            const auto found = length->second.find(ip.ip & prefix_mask(length->first.second));
            if (found == length->second.end()) continue;
            std::vector<std::uint16_t> zones;
            for (const auto& hop : found->second->next_hops) zones.push_back(hop.interface);
            return zones;
        }
        return {};
    }

  private:
    const TenantScope& scope_;
    std::map<std::pair<Family, std::uint8_t>, std::map<Ip, const policy::Route*>> routes_;
};

bool holds(const policy::Tenant& tenant, const policy::Side& side, const IpAndFamily& ip) {
    return std::any_of(side.sets.begin(), side.sets.end(), [&](std::uint32_t set) {
        const auto& prefixes = tenant.sets[set].prefixes;
        return std::any_of(prefixes.begin(), prefixes.end(), [&](const Prefix& prefix) {
            return prefix.family == ip.family && prefix.contains(ip.ip);
        });
    });
}

bool has_family(const policy::Tenant& tenant, const policy::Side& side, Family family) {
    return std::any_of(side.sets.begin(), side.sets.end(), [&](std::uint32_t set) {
        const auto& prefixes = tenant.sets[set].prefixes;
        return std::any_of(prefixes.begin(), prefixes.end(),
                           [&](const Prefix& prefix) { return prefix.family == family; });
    });
}

// Whether a service takes some of what the DNAT rule lets through.
bool meets(const policy::Service& service, const policy::Dnat& dnat) {
    if (service.family != 0 && service.family != static_cast<std::uint8_t>(dnat.family)) return false;
    if (dnat.protocol == 0) return true;
    if (service.protocol != dnat.protocol) return false;
    if (!dnat.ports) return true;
    // A service may name the published port or the one behind it (docs/forwarding.md).
    const unsigned count = dnat.ports->high - dnat.ports->low;
    const auto overlaps = [&](unsigned low) { return service.low <= low + count && low <= service.high; };
    return overlaps(dnat.ports->low) || overlaps(dnat.to_port.value_or(dnat.ports->low));
}

bool may_allow(const policy::Tenant& tenant, const policy::Rule& rule, const policy::Dnat& dnat,
               const std::vector<std::uint16_t>& zones) {
    if (rule.action != policy::Action::allow) return false;
    const bool from = rule.from.any ||
                      std::binary_search(rule.from.zones.begin(), rule.from.zones.end(), dnat.on) ||
                      has_family(tenant, rule.from, dnat.family);
    if (!from) return false;
    const bool to = rule.to.any || holds(tenant, rule.to, {dnat.to, dnat.family}) ||
                    std::any_of(zones.begin(), zones.end(), [&](std::uint16_t zone) {
                        return std::binary_search(rule.to.zones.begin(), rule.to.zones.end(), zone);
                    });
    if (!to) return false;
    return rule.services.empty() || std::any_of(rule.services.begin(), rule.services.end(),
                                                [&](const auto& service) { return meets(service, dnat); });
}

void lint_dnat(Context& context, const TenantScope& scope) {
    const auto& tenant = context.tenant(scope);
    static const policy::Firewall as_shipped;
    const auto& firewall = tenant.firewall ? *tenant.firewall : as_shipped;
    if (firewall.from_uplink == policy::Action::allow) return;
    if (tenant.dnat.size() * firewall.rules.size() > most_comparisons) return;
    const Zones zones(scope, tenant);
    for (std::size_t i = 0; i < tenant.dnat.size(); ++i) {
        const auto& dnat = tenant.dnat[i];
        const auto behind = zones.of({dnat.to, dnat.family});
        const bool allowed = std::any_of(firewall.rules.begin(), firewall.rules.end(), [&](const auto& rule) {
            return may_allow(tenant, rule, dnat, behind);
        });
        if (allowed) continue;
        context
            .report(Code::dnat_not_allowed, scope.dnat_spans[i],
                    fmt::format("nothing gets through: no firewall rule allows it to {}",
                                to_string(dnat.to, dnat.family)))
            .help(
                "rules see inside addresses: allow the address that dnat translates to, and the published port "
                "or the one behind it");
    }
}

void lint_snat(Context& context, const TenantScope& scope) {
    const auto& tenant = context.tenant(scope);
    std::map<std::tuple<std::uint16_t, Family, std::optional<Prefix>>, std::vector<Prefix>> earlier;
    std::size_t work = 0;
    for (std::size_t i = 0; i < tenant.snat.size(); ++i) {
        const auto& rule = tenant.snat[i];
        auto& taken = earlier[{rule.out, rule.family, rule.nat64}];
        const bool has_sources = !rule.sources.empty();
        work += taken.size() + 1;
        if (work > most_comparisons) return;
        if (has_sources && PrefixSet(taken).contains(PrefixSet(rule.sources))) {
            context
                .report(Code::snat_matches_nothing, scope.snat_spans[i],
                        "this SNAT rule never matches: earlier ones take every address it translates")
                .help("the first SNAT rule that matches decides: put the more specific one first");
        }
        taken.insert(taken.end(), rule.sources.begin(), rule.sources.end());
        const auto& out = tenant.interfaces[rule.out];
        const bool connected =
            std::any_of(out.addresses.begin(), out.addresses.end(),
                        [&](const auto& address) { return address.subnet.family == rule.pool_family(); });
        const bool routed = std::any_of(tenant.routes.begin(), tenant.routes.end(), [&](const auto& route) {
            return route.to.family == rule.pool_family() &&
                   std::any_of(route.next_hops.begin(), route.next_hops.end(),
                               [&](const auto& hop) { return hop.interface == rule.out; });
        });
        work += tenant.routes.size();
        if (!connected && !routed) {
            context.report(Code::snat_matches_nothing, scope.snat_spans[i],
                           fmt::format("this SNAT rule never matches: no {} route leaves over \"{}\"",
                                       rule.pool_family() == Family::v4 ? "IPv4" : "IPv6", out.name));
        }
    }
}

/// Where nothing would rewrite what an exemption keeps.
void lint_exemptions(Context& context, const TenantScope& scope) {
    const auto& tenant = context.tenant(scope);
    for (std::size_t i = 0; i < tenant.exemptions.size(); ++i) {
        const auto& exemption = tenant.exemptions[i];
        const auto covers = [&](const Prefix& source) {
            return std::ranges::any_of(exemption.sources, [&](const Prefix& own) {
                return own.family == source.family && (own.contains(source.ip) || source.contains(own.ip));
            });
        };
        const bool of_snat = std::ranges::any_of(tenant.snat, [&](const auto& rule) {
            return !rule.nat64 && rule.out == exemption.out && std::ranges::any_of(rule.sources, covers);
        });
        const bool of_one_to_one = std::ranges::any_of(tenant.one_to_one, [&](const auto& rule) {
            return rule.on == exemption.out && covers({rule.inside, 128, rule.family});
        });
        if (of_snat || of_one_to_one) continue;
        context
            .report(Code::exempts_nothing, scope.exemption_spans[i],
                    fmt::format("this exempts nothing: no rule translates these {} sources on \"{}\"",
                                exemption.family == Family::v4 ? "IPv4" : "IPv6",
                                tenant.interfaces[exemption.out].name))
            .help("delete it, or write the addresses that an snat or one-to-one rule there translates");
    }
}

}  // namespace

void lint_nat(Context& context, const TenantScope& scope) {
    lint_dnat(context, scope);
    lint_snat(context, scope);
    lint_exemptions(context, scope);
}

}  // namespace sluice::sema
