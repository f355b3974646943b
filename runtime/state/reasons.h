// SPDX-License-Identifier: Apache-2.0
//
// The registry of drop reasons (seed-systems 0.7) and of reasons for not caching (1.6). The names are stable:
// scripts and dashboards read them. One line adds one; the order is the order of the enumeration and means
// nothing.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

// The formatter does not settle on a layout for these.
// clang-format off
#define SLUICE_DROP_REASONS(X) \
    X(SHORT) X(BAD_ETHERTYPE) X(UNKNOWN_VLAN) X(NOT_OURS) X(L2_CTRL) X(PORT_DOWN) X(BAD_SMAC) X(SPLIT_HORIZON) X(FLOOD_LIMIT) \
    X(IP_VERSION) X(IP_HDRLEN) X(IP_TOTLEN) X(IP_CSUM) X(MARTIAN_SRC) X(MARTIAN_DST) X(IP_OPT_SRR) \
    X(DIRECTED_BCAST) X(URPF) X(NO_ROUTE) X(BLACKHOLE) X(TTL_EXPIRED) X(MTU_DF) X(MTU) X(ICMP_RATELIMIT) \
    X(FRAG_TIMEOUT) X(FRAG_OVERLAP) X(FRAG_LIMIT) X(L4_SHORT) X(L4_CSUM) X(NEIGH_QUEUE_FULL) \
    X(NEIGH_FAILED) X(UNKNOWN_VNI) X(UNKNOWN_TEP) X(OUTER_EXT_HEADER) X(VXLAN_BAD_FLAGS) X(GENEVE_VERSION) X(GENEVE_CRITICAL) X(GENEVE_CONTROL) X(ECN_CE_NONECT) X(TUNNEL_DOWN) X(FW_DENY) X(FW_REJECT) X(FW_REEVAL_DENY) X(FW_INVALID_STATE) X(NAT_NO_PORT) \
    X(NAT_FILTERED) X(SESSION_FULL) X(SESSION_RATE) X(HOST_LIMIT) X(SYN_LIMIT) X(PACKET_RATE) X(SLOW_PATH_RATE) \
    X(PIPELINE_LOOP) X(LFE_GONE) X(BUFFER_EXHAUSTED)
// clang-format on

enum class DropReason : std::uint8_t {
#define SLUICE_ENUMERATOR(name) name,
    SLUICE_DROP_REASONS(SLUICE_ENUMERATOR)
#undef SLUICE_ENUMERATOR
};

#define SLUICE_ONE(name) +1
constexpr std::uint32_t drop_reason_count = 0 SLUICE_DROP_REASONS(SLUICE_ONE);

// The formatter does not settle on a layout for these.
// clang-format off
#define SLUICE_NOCACHE_REASONS(X) \
    X(ARP) X(ND) X(GROUP) X(FRAGMENT) X(OPTIONS) X(ICMP_ERROR) X(TTL) X(MTU) X(NEIGH) X(TCP_FLAGS) \
    X(LOCAL) X(REJECT) X(DROP) X(LOG) X(NAT64)
// clang-format on

enum class NoCacheReason : std::uint8_t {
#define SLUICE_ENUMERATOR(name) name,
    SLUICE_NOCACHE_REASONS(SLUICE_ENUMERATOR)
#undef SLUICE_ENUMERATOR
};

constexpr std::uint32_t nocache_reason_count = 0 SLUICE_NOCACHE_REASONS(SLUICE_ONE);
#undef SLUICE_ONE

constexpr std::string_view name_of(DropReason reason) {
    constexpr std::string_view names[] = {
#define SLUICE_NAME(name) #name,
        SLUICE_DROP_REASONS(SLUICE_NAME)
#undef SLUICE_NAME
    };
    return names[static_cast<std::uint8_t>(reason)];
}

constexpr std::string_view name_of(NoCacheReason reason) {
    constexpr std::string_view names[] = {
#define SLUICE_NAME(name) #name,
        SLUICE_NOCACHE_REASONS(SLUICE_NAME)
#undef SLUICE_NAME
    };
    return names[static_cast<std::uint8_t>(reason)];
}

}  // namespace sluice
