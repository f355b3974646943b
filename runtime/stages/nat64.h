// SPDX-License-Identifier: Apache-2.0
//
// Stateful NAT64 (RFC 6146) as the stages of one service router see it. An IPv6 host sends to an address that
// stands for an IPv4 one (RFC 6052); from destination NAT on the destination is that IPv4 address, from source
// NAT on the packet is one of the other family, with addresses of both ends there. A session has a tuple of
// each family. To the firewall, both ends are what the IPv6 host knows them by.
//
// Owner shard only. No allocation.
#pragma once

#include "runtime/stages/stage.h"

namespace sluice {

/// The prefix that stands in the image under this number (1 + its row; not 0).
Prefix nat64_prefix(const TenantView& tenant, std::uint32_t number) noexcept;

/// An IPv4 address that packets may be sent to: no martian, and behind the well-known prefix a global one (RFC
/// 6052 3.1).
bool may_stand_behind(const Prefix& prefix, Ip ipv4) noexcept;

/// The packet is one of the other family from here on, with these ends; not cached. False: it has no
/// counterpart there (RFC 7915), and is to be dropped.
bool cross(StageContext& context, const Endpoints& ends);

/// Both ends as the IPv6 side knows them, between destination and source NAT.
Endpoints ends_by_prefix(const StageContext& context);
/// The same, of any packet there.
inline Endpoints inside_view(const StageContext& context) {
    return context.nat64 == 0 ? context.current : ends_by_prefix(context);
}

}  // namespace sluice
