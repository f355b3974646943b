// SPDX-License-Identifier: Apache-2.0
//
// What all checks share while one policy is read: its texts, what was found wrong, and the policy as it grows.
// One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "compiler/front/diagnostics.h"
#include "compiler/front/node.h"
#include "compiler/front/source.h"
#include "compiler/front/suggest.h"
#include "compiler/policy/policy.h"
#include "compiler/sema/object.h"

namespace sluice::sema {

using front::Code;
using front::Diagnostic;
using front::Node;
using front::Span;

/// What a name in `from`, `to`, `on` or `out` stands for.
struct Symbol {
    enum class Kind : std::uint8_t { zone, addresses };
    Kind kind = Kind::zone;
    std::uint32_t index = 0;  // an interface, or TenantScope::addresses
    Span where;
};

struct NamedAddresses {
    std::string_view name;
    std::vector<Prefix> prefixes;
    Span where;
    bool used = false;
    std::optional<std::uint32_t> set;  // into policy::Tenant::sets once a rule reads it
};

struct NamedServices {
    std::vector<policy::Service> services;
    Span where;
    bool used = false;
};

struct ConnectedSubnet {
    Prefix subnet;
    Ip own;
    std::uint16_t interface = 0;
    Span where;
};

/// What the provider's section says of its link to a tenant: by family, the provider's end and the tenant's.
struct ProviderLink {
    std::uint16_t tenant = 0;
    std::vector<policy::InterfaceAddress> provider_ends, tenant_ends;
    Span where;
};

/// One tenant while it is checked. The spans run beside the lists of policy::Tenant, for notes and lints.
struct TenantScope {
    front::Document document;
    std::uint32_t file = 0;
    std::uint16_t index = 0;
    Span name_span;
    std::optional<Object> object;  // the tenant file's keys
    policy::SourceCheck source_check =
        policy::SourceCheck::strict;  // of its segments, unless one says otherwise
    std::optional<Object> transit;    // what its router says of it

    std::map<std::string_view, Symbol> names;
    std::vector<Span> interface_spans;
    std::vector<std::pair<policy::Interface, Span>> attachments;  // of its segments, to come behind the others
    std::vector<ConnectedSubnet> subnets;  // sorted by family and address once interfaces are read
    std::deque<NamedAddresses> addresses;
    std::map<std::string_view, NamedServices> services;
    std::unordered_map<std::string, std::uint32_t> literal_sets;
    std::unordered_map<std::string_view, Span> rule_names;
    std::vector<Span> route_spans, snat_spans, dnat_spans, one_to_one_spans, exemption_spans, rule_spans;
    std::size_t pool_addresses = 0;

    /// The subnet that holds an address, or nothing. A binary search.
    const ConnectedSubnet* subnet_of(const IpAndFamily& ip) const;
};

struct Context {
    const front::Sources& sources;
    front::Diagnostics& diagnostics;
    policy::Policy& policy;
    front::Suggester suggester{};
    std::deque<TenantScope> tenants{};                                 // as many as policy.tenants
    std::map<std::string_view, std::uint16_t> ports{};                 // names of policy.ports
    std::vector<Span> port_spans{};                                    // the same
    std::set<std::tuple<std::uint16_t, bool, IpAndFamily>> tunnels{};  // by port, Geneve or not: all remotes
    std::optional<Mac> gateway_mac{};
    std::vector<ProviderLink> links{};

    Diagnostic& report(Code code, Span where, std::string text) {
        return diagnostics.report(code, where, std::move(text));
    }
    policy::Position position(Span span) const;
    policy::Tenant& tenant(const TenantScope& scope) const { return policy.tenants[scope.index]; }
    /// A name that nothing carries, with the nearest that something does.
    void report_unknown(const Node& node, std::string_view what,
                        const std::vector<std::string_view>& candidates);
};

}  // namespace sluice::sema
