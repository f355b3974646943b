// SPDX-License-Identifier: Apache-2.0
//
// The passes of the check, in the order in which check.cpp runs them. Each reports what it finds and leaves out
// of the policy what it could not read, so that the next ones still run.
#pragma once

#include "compiler/sema/context.h"

namespace sluice::sema {

/// gateway, mac, ttl, ports; the tenants were loaded before.
void read_gateway(Context& context, const Object& gateway);
/// The provider's router, as one more tenant, and its links; the tenants were loaded before.
void load_provider(Context& context, const Object& gateway);
/// What a tenant or the provider says of its router: before its interfaces.
void read_router(Context& context, TenantScope& scope);
/// off, loose or strict.
std::optional<policy::SourceCheck> source_check_of(Context& context, const Node& node);
/// Segments, uplinks, peers and the transit: the interfaces, and with them the zones' names.
void read_interfaces(Context& context, TenantScope& scope);
/// What read_interfaces is made of: names, links inside the gateway and the transit. A name that is taken is
/// reported.
bool declare_zone(Context& context, TenantScope& scope, std::string_view name, Span where);
void add_link(Context& context, TenantScope& scope, std::string_view name, Span where, std::uint16_t peer,
              const std::vector<policy::InterfaceAddress>& addresses);
void add_provider_links(Context& context, TenantScope& scope);
void add_transit(Context& context, TenantScope& scope);
/// Both ends of each link between tenants; needs every tenant's interfaces.
void link_peers(Context& context);
/// What a port, whose MTU is known, says of its tunnel endpoints.
void read_tunnel_endpoint(Context& context, const Object& object, policy::Port& port);
/// By which port, tags or tunnels an interface's frames come: the one attachment that `object` has a key for.
void read_attachment(Context& context, const Object& object, std::string_view noun, bool may_tunnel,
                     policy::Interface& result);
/// The further attachments of a segment with tunnels, which is the next to join the tenant's interfaces; they
/// join behind all others.
void read_bridge(Context& context, TenantScope& scope, const Object& object, policy::Interface& segment);
void add_attachments(Context& context, TenantScope& scope);
/// The port that an attachment names.
void read_port(Context& context, const Object& attachment, policy::Interface& result);
/// The attachment of a segment that tunnels lead to; its port is known.
void read_tunnels(Context& context, const Object& attachment, policy::Encapsulation encapsulation,
                  policy::Interface& result);
/// Which of a segment's stations are behind which remote; the static neighbours are known.
void read_stations(Context& context, const Object& object, policy::Interface& result);
/// What an interface's tunnels take from its port's IP MTU.
std::uint16_t overhead_of(const policy::Interface& interface);
/// A router for each port's tunnel endpoints: after everything that is said about tenants.
void add_underlays(Context& context);
constexpr std::string_view provider_name = "provider";  // of its router, and of a tenant's link to it
constexpr std::string_view transit_name = "transit";
constexpr std::string_view underlay_prefix = "underlay-";  // of their names
/// Names under addresses and services.
void read_addresses(Context& context, TenantScope& scope);
void read_services(Context& context, TenantScope& scope);
void read_routes(Context& context, TenantScope& scope);
void read_nat(Context& context, TenantScope& scope);
void read_firewall(Context& context, TenantScope& scope);
/// How many sessions a tenant may have and begin; its firewall and NAT were read.
void read_limits(Context& context, TenantScope& scope);
/// How long its sessions may be idle; its firewall and NAT were read.
void read_timeouts(Context& context, TenantScope& scope);
void read_tests(Context& context, TenantScope& scope);
/// Which tenants' external addresses the provider answers for on its uplinks; warns of those that it does not
/// route to their tenant. Needs every tenant's routes and NAT rules.
void route_externals(Context& context);
/// A transit leads to a service part.
void check_transit(Context& context, const TenantScope& scope);
/// No two interfaces take the same frames.
void check_bindings(Context& context);
/// Each external NAT address belongs to one tenant, one interface and one kind of rule.
void check_external_addresses(Context& context);

/// Lints, for a tenant without errors.
void lint_shadowed_rules(Context& context, const TenantScope& scope);
void lint_unused_names(Context& context, const TenantScope& scope);
void lint_routes(Context& context, const TenantScope& scope);
void lint_nat(Context& context, const TenantScope& scope);

}  // namespace sluice::sema
