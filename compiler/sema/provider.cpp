// SPDX-License-Identifier: Apache-2.0
//
// The provider: a router between the tenants and uplinks that they share. It is read like a tenant's, of which
// it has uplinks and routes; its links give each tenant that they name an interface called "provider".
#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

void read_ends(Context& context, const Node& node, ProviderLink& link) {
    const auto items = items_of(node);
    if (items.empty()) context.report(Code::empty_list, node.span, "a link needs a subnet");
    for (const auto* item : items) {
        const auto subnet = prefix_of(context, *item, "a link's subnet");
        if (!subnet) continue;
        const auto hosts = first_hosts_of(*subnet);
        const auto twice =
            std::any_of(link.provider_ends.begin(), link.provider_ends.end(),
                        [&](const auto& other) { return other.subnet.family == subnet->family; });
        if (!hosts || twice) {
            context
                .report(Code::bad_link, item->span,
                        twice ? std::string("a link has one subnet of a family")
                              : fmt::format("{} has no room for the two ends of a link", item->text))
                .help(
                    "give it a /31, or for IPv6 a /127: the provider has the first host's address, the tenant "
                    "the second's");
            continue;
        }
        link.provider_ends.push_back({*subnet, hosts->first});
        link.tenant_ends.push_back({*subnet, hosts->second});
    }
}

void read_links(Context& context, const Object& provider) {
    const auto* node = provider["links"];
    if (node == nullptr) return;
    for (const auto& [name, value] : entries_of(context, *node, "links")) {
        const auto& tenants = context.policy.tenants;
        const auto found = std::find_if(tenants.begin(), tenants.end(), [&, name = name](const auto& tenant) {
            return !tenant.is_provider && !tenant.name.empty() && tenant.name == name->text;
        });
        if (found == tenants.end()) {
            std::vector<std::string_view> candidates;
            for (const auto& tenant : tenants) {
                if (!tenant.is_provider && !tenant.name.empty()) candidates.push_back(tenant.name);
            }
            context.report_unknown(*name, "tenant", candidates);
            continue;
        }
        ProviderLink link;
        link.tenant = static_cast<std::uint16_t>(found - tenants.begin());
        link.where = name->span;
        read_ends(context, *value, link);
        context.links.push_back(std::move(link));
    }
}

/// The longest of the provider's routes to an address.
const policy::Route* route_to(const policy::Tenant& provider, const IpAndFamily& ip) {
    const policy::Route* longest = nullptr;
    for (const auto& route : provider.routes) {
        if (route.to.family != ip.family || !route.to.contains(ip.ip)) continue;
        if (longest == nullptr || route.to.length > longest->to.length) longest = &route;
    }
    return longest;
}

bool leads_to(const policy::Tenant& provider, const policy::Route* route, std::uint16_t tenant) {
    if (route == nullptr || route->next_hops.empty()) return false;
    const auto& out = provider.interfaces[route->next_hops.front().interface];
    return out.kind == policy::InterfaceKind::peer && out.peer_tenant == tenant;
}

class ExternalRoutes {
  public:
    ExternalRoutes(Context& context, TenantScope& provider) : context_(context), provider_(provider) {}

    void of(const TenantScope& scope) {
        const auto& tenant = context_.tenant(scope);
        const auto link =
            std::find_if(tenant.interfaces.begin(), tenant.interfaces.end(), [&](const auto& row) {
                return row.kind == policy::InterfaceKind::peer && row.peer_tenant == provider_.index;
            });
        if (link == tenant.interfaces.end()) return;
        const auto out = static_cast<std::uint16_t>(link - tenant.interfaces.begin());
        for (std::size_t i = 0; i < tenant.snat.size(); ++i) {
            if (tenant.snat[i].out != out) continue;
            for (const Ip ip : tenant.snat[i].pool) {
                if (!use(scope, {ip, tenant.snat[i].pool_family()}, scope.snat_spans[i])) break;
            }
        }
        for (std::size_t i = 0; i < tenant.dnat.size(); ++i) {
            const auto& rule = tenant.dnat[i];
            if (rule.on == out) use(scope, {rule.external, rule.family}, scope.dnat_spans[i]);
        }
        for (std::size_t i = 0; i < tenant.one_to_one.size(); ++i) {
            const auto& rule = tenant.one_to_one[i];
            if (rule.on == out) use(scope, {rule.external, rule.family}, scope.one_to_one_spans[i]);
        }
    }

  private:
    /// False where it warned.
    bool use(const TenantScope& scope, const IpAndFamily& ip, Span where) {
        auto& provider = context_.tenant(provider_);
        const policy::Route* route = route_to(provider, ip);
        const auto* subnet = provider_.subnet_of(ip);
        const bool connected =
            subnet != nullptr && (route == nullptr || route->to.length <= subnet->subnet.length);
        if (connected || !leads_to(provider, route, scope.index)) {
            const auto text = to_string(ip.ip, ip.family);
            context_
                .report(Code::external_unrouted, where,
                        fmt::format("nothing from outside reaches {}: the provider does not route it to \"{}\"",
                                    text, context_.tenant(scope).name))
                .help(fmt::format("add {{to: {}/{}, tenant: {}}} to the routes of the provider", text,
                                  address_bits(ip.family), context_.tenant(scope).name));
            return false;
        }
        // Hosts on an uplink believe that it is their neighbour.
        if (subnet == nullptr || ip.ip == subnet->own) return true;
        if (provider.interfaces[subnet->interface].kind != policy::InterfaceKind::uplink) return true;
        if (proxied_.emplace(subnet->interface, ip).second) provider.proxied.push_back({subnet->interface, ip});
        return true;
    }

    Context& context_;
    TenantScope& provider_;
    std::set<std::pair<std::uint16_t, IpAndFamily>> proxied_;
};

}  // namespace

void load_provider(Context& context, const Object& gateway) {
    const auto* node = gateway["provider"];
    if (node == nullptr) return;
    const Span where = gateway.key_span("provider");
    for (const auto& scope : context.tenants) {
        if (context.tenant(scope).name != provider_name) continue;
        context
            .report(Code::reserved_name, scope.name_span,
                    "a tenant cannot be called \"provider\" where gateway.yaml has a provider")
            .note(where, "which is here");
        return;
    }
    auto& scope = context.tenants.emplace_back();
    scope.file = where.file;
    scope.index = static_cast<std::uint16_t>(context.policy.tenants.size());
    scope.name_span = where;
    scope.object.emplace(context, *node, keys::provider, where);
    auto& router = context.policy.tenants.emplace_back();
    router.name = provider_name;
    router.file = "gateway.yaml";  // wherever that is: the section is the same
    router.is_provider = true;
    if (scope.object->is_map()) read_links(context, *scope.object);
}

void route_externals(Context& context) {
    if (context.tenants.empty() || !context.tenant(context.tenants.back()).is_provider) return;
    ExternalRoutes routes(context, context.tenants.back());
    for (const auto& scope : context.tenants) {
        if (scope.index != context.tenants.back().index) routes.of(scope);
    }
}

}  // namespace sluice::sema
