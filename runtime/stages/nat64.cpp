// SPDX-License-Identifier: Apache-2.0
#include "runtime/stages/nat64.h"

#include <algorithm>

#include "runtime/packet/cross_family.h"
#include "schemas/layout/image_types.h"
#include "schemas/layout/rfc6052.h"

namespace sluice {
namespace {

constexpr Prefix ipv4_prefix(unsigned a, unsigned b, unsigned c, std::uint8_t length) {
    return {Ip::from_v4(a << 24 | b << 16 | c << 8), length, Family::v4};
}

constexpr Prefix well_known{{0x0064ff9b'00000000, 0}, 96, Family::v6};

/// RFC 5735 3 and 4, but for 192.88.99.0/24, which is global.
constexpr Prefix not_global[] = {
    ipv4_prefix(10, 0, 0, 8),     ipv4_prefix(100, 64, 0, 10), ipv4_prefix(169, 254, 0, 16),
    ipv4_prefix(172, 16, 0, 12),  ipv4_prefix(192, 0, 0, 24),  ipv4_prefix(192, 0, 2, 24),
    ipv4_prefix(192, 168, 0, 16), ipv4_prefix(198, 18, 0, 15), ipv4_prefix(198, 51, 100, 24),
    ipv4_prefix(203, 0, 113, 24),
};

/// RFC 7915 4: IPv4 without DF is fragmented so that it fits into what every IPv6 link takes.
constexpr std::uint16_t mtu_without_df = 1280;

}  // namespace

Prefix nat64_prefix(const TenantView& tenant, std::uint32_t number) noexcept {
    return from_image(tenant.nat64_prefixes[number - 1]);
}

bool may_stand_behind(const Prefix& prefix, Ip ipv4) noexcept {
    const std::uint32_t first = ipv4.v4() >> 24;
    if (first == 0 || first == 127 || is_group(ipv4, Family::v4)) return false;
    return prefix != well_known ||
           std::ranges::none_of(not_global, [&](const Prefix& range) { return range.contains(ipv4); });
}

bool cross(StageContext& context, const Endpoints& ends) {
    const IpView& sent = context.packet.ip;
    Trace& trace = context.trace;
    const bool error = sent.l4_kind == L4Kind::icmp_error;
    const bool back = context.across.has_value();
    // Of an error only its bytes tell what it is in the other family, and those are as it came.
    if (back && error) return false;
    std::optional<IpView> view;
    if (back) {
        context.longest_packet -= context.across->total_length - sent.total_length;
        view = sent;  // another router leads it back: what leaves is the packet that came
    } else {
        view = error ? error_view_across(context.packet, *trace.quoted) : view_across(sent);
        if (!view) return false;
        context.longest_packet += view->total_length - sent.total_length;
    }
    view->source = ends.source;
    view->destination = ends.destination;
    view->source_port = ends.source_port;
    view->destination_port = ends.destination_port;
    context.across = view;
    context.view = &*context.across;
    context.current = ends;
    context.destination_family = view->family;
    trace.forbid_cache(NoCacheReason::NAT64);
    if (!back && view->family == Family::v6 && !sent.dont_fragment) {
        context.across->dont_fragment = false;  // here it can still be cut
        trace.mtu = std::min(trace.mtu, mtu_without_df);
    }
    return true;
}

Endpoints ends_by_prefix(const StageContext& context) {
    Endpoints ends = context.current;
    const Prefix prefix = nat64_prefix(*context.tenant, context.nat64);
    const Family family = context.ip().family;
    if (family == Family::v4) ends.source = embed_ipv4(prefix, ends.source);
    if (context.destination_family == Family::v4) ends.destination = embed_ipv4(prefix, ends.destination);
    ends.family = Family::v6;
    return ends;
}

}  // namespace sluice
