// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "compiler/sema/passes.h"

namespace sluice::sema {
namespace {

enum class Use : std::uint8_t { pool, dnat, one_to_one };

struct External {
    std::uint16_t tenant = 0;
    std::uint16_t interface = 0;
    Span first_use;
    std::optional<Span> pool, one_to_one, whole_dnat;
};

class ExternalCheck {
  public:
    explicit ExternalCheck(Context& context) : context_(context) {}

    void run() {
        for (const auto& scope : context_.tenants) collect(scope);
        for (const auto& scope : context_.tenants) {
            collisions(scope);
            owned_by_others(scope);
        }
    }

  private:
    void collect(const TenantScope& scope) {
        const auto& tenant = context_.tenant(scope);
        for (std::size_t i = 0; i < tenant.snat.size(); ++i) {
            for (const auto& ip : tenant.snat[i].pool) {
                use(scope, {ip, tenant.snat[i].pool_family()}, tenant.snat[i].out, Use::pool,
                    scope.snat_spans[i]);
            }
        }
        for (std::size_t i = 0; i < tenant.dnat.size(); ++i) {
            const auto& rule = tenant.dnat[i];
            auto* external = use(scope, {rule.external, rule.family}, rule.on, Use::dnat, scope.dnat_spans[i]);
            if (external != nullptr && rule.protocol == 0 && !external->whole_dnat)
                external->whole_dnat = scope.dnat_spans[i];
        }
        for (std::size_t i = 0; i < tenant.one_to_one.size(); ++i) {
            const auto& rule = tenant.one_to_one[i];
            use(scope, {rule.external, rule.family}, rule.on, Use::one_to_one, scope.one_to_one_spans[i]);
        }
    }

    External* use(const TenantScope& scope, const IpAndFamily& ip, std::uint16_t interface, Use use,
                  Span where) {
        // What is presented to a segment is nobody else's concern: another tenant may use the same there.
        const auto& tenant = context_.tenant(scope);
        const bool is_local = tenant.interfaces[interface].kind == policy::InterfaceKind::segment;
        const auto elsewhere = externals_.find({is_local ? policy::no_index : scope.index, ip});
        if (elsewhere != externals_.end() && elsewhere->second.tenant == scope.index) {
            on_two_interfaces(scope, ip, elsewhere->second, where);
            return nullptr;
        }
        const auto [found, is_new] = externals_.try_emplace({is_local ? scope.index : policy::no_index, ip});
        auto& external = found->second;
        if (is_new) {
            external.tenant = scope.index;
            external.interface = interface;
            external.first_use = where;
        }
        const auto text = to_string(ip.ip, ip.family);
        if (external.tenant != scope.index) {
            once(Code::nat_shared_by_tenants, where, external.first_use,
                 fmt::format("the external address {} belongs to tenant \"{}\" already", text,
                             context_.policy.tenants[external.tenant].name),
                 "external NAT addresses of tenants must not overlap: give each its own", "it is used here");
            return nullptr;
        }
        if (external.interface != interface) {
            on_two_interfaces(scope, ip, external, where);
            return nullptr;
        }
        const bool is_one_to_one = use == Use::one_to_one;
        const auto& rival =
            is_one_to_one ? (external.one_to_one ? external.one_to_one : external.pool) : external.one_to_one;
        if (rival && use != Use::dnat) {
            once(Code::one_to_one_collision, where, *rival,
                 fmt::format("{} is {} already", text,
                             external.one_to_one ? "a one-to-one address" : "in a pool"),
                 "a one-to-one address is one host's alone", "here");
        } else if (is_one_to_one && external.whole_dnat) {
            once(Code::one_to_one_collision, where, *external.whole_dnat,
                 fmt::format("a DNAT rule takes everything for {} already", text),
                 "name a protocol and ports in the DNAT rule, or delete one of the two", "here");
        }
        if (is_one_to_one) external.one_to_one = where;
        if (use == Use::pool && !external.pool) external.pool = where;
        return &external;
    }

    void on_two_interfaces(const TenantScope& scope, const IpAndFamily& ip, const External& external,
                           Span where) {
        once(Code::nat_two_interfaces, where, external.first_use,
             fmt::format("the external address {} is used on \"{}\" already", to_string(ip.ip, ip.family),
                         context_.tenant(scope).interfaces[external.interface].name),
             "an external address belongs to one interface", "it is used here");
    }

    // A pool that overlaps another in 4,096 addresses is one mistake.
    void once(Code code, Span where, Span other, std::string text, std::string help, std::string note) {
        if (!reported_.emplace(code, where.file, where.begin, other.file, other.begin).second) return;
        context_.report(code, where, std::move(text)).note(other, std::move(note)).help(std::move(help));
    }

    // Rules on one external address are compared with those that have the same protocol, sorted by their first
    // port.
    void collisions(const TenantScope& scope) {
        const auto& tenant = context_.tenant(scope);
        const auto key = [&](std::size_t i) {
            const auto& rule = tenant.dnat[i];
            return std::tuple(rule.family, rule.external, rule.protocol, rule.ports.has_value(),
                              rule.ports ? rule.ports->low : std::uint16_t{0}, i);
        };
        std::vector<std::size_t> order(tenant.dnat.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
        std::size_t widest =
            0;  // of those before with the same address and protocol, the one whose ports reach farthest
        for (std::size_t n = 0; n < order.size(); ++n) {
            const auto& rule = tenant.dnat[order[n]];
            const auto& before = tenant.dnat[order[widest]];
            const bool is_same = n > 0 && before.family == rule.family && before.external == rule.external &&
                                 before.protocol == rule.protocol &&
                                 before.ports.has_value() == rule.ports.has_value();
            const bool collides = is_same && (!rule.ports || rule.ports->low <= before.ports->high);
            if (collides) {
                const auto [first, second] = std::minmax(order[widest], order[n]);
                context_
                    .report(Code::dnat_collision, scope.dnat_spans[second],
                            "an earlier DNAT rule takes these packets, or some of them, already")
                    .note(scope.dnat_spans[first], "the earlier one");
            }
            if (!is_same || !rule.ports || rule.ports->high >= before.ports->high) widest = n;
        }
        std::map<std::tuple<Family, Ip, std::uint16_t>, Span> insides;
        for (std::size_t i = 0; i < tenant.one_to_one.size(); ++i) {
            const auto& rule = tenant.one_to_one[i];
            const auto [first, is_new] =
                insides.emplace(std::tuple(rule.family, rule.inside, rule.on), scope.one_to_one_spans[i]);
            if (is_new) continue;
            context_
                .report(Code::one_to_one_collision, scope.one_to_one_spans[i],
                        fmt::format("the inside address {} has a one-to-one address on this interface already",
                                    to_string(rule.inside, rule.family)))
                .note(first->second, "here");
        }
    }

    void owned_by_others(const TenantScope& scope) {
        const auto& tenant = context_.tenant(scope);
        for (std::size_t i = 0; i < tenant.interfaces.size(); ++i) {
            if (tenant.interfaces[i].kind == policy::InterfaceKind::segment) continue;
            for (const auto& address : tenant.interfaces[i].addresses) {
                const auto found = externals_.find({policy::no_index, {address.own, address.subnet.family}});
                if (found == externals_.end() || found->second.tenant == scope.index) continue;
                once(Code::nat_owned_by_other_tenant, found->second.first_use, scope.interface_spans[i],
                     fmt::format("{} is the gateway's own address on uplink \"{}\" of tenant \"{}\"",
                                 to_string(address.own, address.subnet.family), tenant.interfaces[i].name,
                                 tenant.name),
                     "take an address that is this tenant's", "the uplink");
            }
        }
    }

    Context& context_;
    /// By tenant where they are presented to a segment of it, and no_index elsewhere.
    std::map<std::pair<std::uint16_t, IpAndFamily>, External> externals_;
    std::set<std::tuple<Code, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>> reported_;
};

}  // namespace

void check_external_addresses(Context& context) {
    ExternalCheck(context).run();
}

}  // namespace sluice::sema
