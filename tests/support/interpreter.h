// SPDX-License-Identifier: Apache-2.0
//
// What a policy means, said slowly: linear scans over policy::Policy and std::map for state. It shares no code
// with the runtime and none with the compiler behind `sema`; the property test holds the product against it.
//
// Where the gateway may choose (ECMP member, NAT address and port, IP ID), the interpreter reads the choice
// from what the gateway sent and says whether it was allowed. It knows no time: tests stay within all timeouts,
// or pass all of them at once and call forget().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "compiler/policy/policy.h"
#include "tests/support/decoded.h"
#include "tests/support/sent_frame.h"

namespace sluice::test {

/// What the gateway did with one frame: what it sent during that call, and the drops it counted.
struct Observation {
    std::vector<SentFrame> sent;
    std::vector<std::string> drops;  // one a packet, by reason
};

enum class Fate { forwarded, dropped, answered, held };

struct ExpectedFrame {
    std::uint16_t port = 0;
    Decoded packet;
    Decoded before;                 // as it came
    bool free_id = false;           // a translated datagram that is not atomic: any ID
    std::optional<Decoded> quoted;  // of an ICMP error: what it must quote now
    bool quoted_valid = false;      // its quoted checksums were right as it came
};

/// A message of the gateway's own: ICMP, or a RST.
struct ExpectedAnswer {
    std::uint8_t protocol = 0, type = 0, code = 0;
    Ip destination;
    Family family = Family::v4;
    std::size_t frames = 1;
    bool certain = true;  // false: it may be missing, because nothing leads back to the source
};

struct Expected {
    Fate fate = Fate::dropped;
    std::string reason;         // dropped
    std::uint32_t packets = 1;  // dropped: the fragments of a datagram fall together
    std::vector<ExpectedFrame> frames;
    std::optional<ExpectedAnswer> answer;
    std::string complaint;  // a choice that was not allowed
};

class Interpreter {
  public:
    explicit Interpreter(const policy::Policy& policy);

    Expected judge(std::uint16_t port, std::span<const std::uint8_t> frame, const Observation& observed);
    /// All state has timed out.
    void forget();

    struct RuleCount {
        std::uint64_t sessions = 0, packets = 0;
    };
    /// By tenant and rule index; the default is the last.
    const std::vector<std::vector<RuleCount>>& rule_counts() const { return rule_counts_; }

  private:
    struct Key {
        std::uint16_t tenant;
        Family family;
        std::uint8_t protocol;
        Ip source, destination;
        std::uint16_t source_port, destination_port;
        Key reversed() const {
            return {tenant, family, protocol, destination, source, destination_port, source_port};
        }
        friend auto operator<=>(const Key&, const Key&) = default;
    };
    struct Session {
        Key out;  // what a packet found by this key carries when it leaves
        std::size_t rule;
    };
    struct Inside {  // an endpoint behind a SNAT rule
        std::uint16_t tenant;
        std::size_t rule;
        std::uint8_t protocol;
        Ip ip;
        std::uint16_t port;
        friend auto operator<=>(const Inside&, const Inside&) = default;
    };
    struct Outside {
        std::uint16_t tenant;
        std::uint8_t protocol;
        Ip ip;
        std::uint16_t port;
        friend auto operator<=>(const Outside&, const Outside&) = default;
    };
    struct Mapping {
        Inside inside;
        std::set<Ip> remotes;
    };
    /// One datagram on its way through one router; its fragments, if it is in fragments, in offset order.
    struct Walk {
        std::uint16_t tenant;
        std::uint16_t ingress;
        std::vector<Decoded> packets;
        std::vector<Decoded> originals;
        const Observation* observed;
        bool translated = false;
        bool chosen = true;  // false: the packet went no further, so its new port shows nowhere
        unsigned routers = 1;
        std::optional<Decoded> quoted;
        bool quoted_valid = false;  // its quoted checksums were right as it came
        bool valid = false;         // its own were
        std::vector<std::pair<Key, Session>> new_sessions;
        std::vector<std::pair<Inside, Outside>> new_mappings;
        std::vector<std::pair<Outside, Ip>> new_remotes;
        std::vector<std::pair<std::uint16_t, std::size_t>> rules;  // that allowed it, with their tenants
        std::uint16_t first_tenant, first_ingress;
    };
    struct Hop {
        enum class Kind { none, blackhole, broadcast, local, via } kind = Kind::none;
        std::uint16_t interface = 0;
        Ip neighbour;
        bool over_peer = false;
    };

    Expected router(Walk walk);
    bool await_fragments(Walk& walk);
    Expected service_router(Walk& walk);
    Expected forward(Walk& walk, bool judged);
    Expected leave(Walk& walk, const Hop& hop);
    Expected local(const Walk& walk) const;
    Expected drop(const Walk& walk, const char* reason) const;
    Expected drop_with_icmp(const Walk& walk, const char* reason, std::uint8_t type, std::uint8_t type6,
                            std::uint8_t code, std::uint8_t code6) const;
    Expected reject(const Walk& walk) const;
    Expected refuse_session(const Walk& walk) const;
    bool take_ttl(Walk& walk, const policy::Interface& egress) const;

    const policy::Tenant& tenant(std::uint16_t index) const { return policy_.tenants[index]; }
    const policy::Interface& ingress(const Walk& walk) const {
        return policy_.tenants[walk.tenant].interfaces[walk.ingress];
    }
    bool from_outside(const Walk& walk) const { return ingress(walk).kind != policy::InterfaceKind::segment; }
    Hop route(std::uint16_t tenant, Ip destination, Family family, const Observation* observed) const;
    static bool own_address(const policy::Tenant& tenant, Ip ip, Family family);
    static bool external_address(const policy::Tenant& tenant, Ip ip, Family family);
    static bool pool_address(const policy::Tenant& tenant, Ip ip, Family family);
    const Mac* neighbour_mac(std::uint16_t tenant, std::uint16_t interface, Ip ip, Family family) const;
    bool source_passes(const Walk& walk) const;
    bool leads_back(const Walk& walk) const;
    std::uint16_t mtu_back(const Walk& walk) const;

    static Key key_of(const Walk& walk);
    bool translate_destination(Walk& walk, std::optional<std::uint16_t>& hairpin_uplink, Expected& refusal);
    /// Which rule decides; the number of rules stands for the default.
    std::size_t firewall_rule(const Walk& walk, std::uint16_t egress, std::uint16_t asked_port,
                              policy::Action& action) const;
    /// `remote`: the address by which the sender knows its peer.
    std::optional<Expected> translate_source(Walk& walk, std::uint16_t out, Ip remote);
    std::optional<Expected> dynamic_source(Walk& walk, std::size_t rule_index, Ip remote);
    bool accepts(const Mapping& mapping, const Walk& walk) const;
    void judge_choice(const policy::Snat& rule, const Inside& inside, const Outside& chosen,
                      policy::PortRange range);
    bool has_free_port(Outside outside, Family family, std::uint32_t first, std::uint32_t last,
                       unsigned step) const;
    bool port_taken(const Outside& outside, Family family) const;
    void commit(const Walk& walk);

    const policy::Policy& policy_;
    std::map<Key, Session> sessions_;
    std::map<Inside, Outside> mappings_;
    std::map<Outside, Mapping> outside_;
    std::map<std::tuple<std::uint16_t, std::size_t, Ip>, Ip> paired_;
    std::map<std::tuple<std::uint16_t, std::uint16_t, Ip, Ip, std::uint32_t, std::uint8_t>,
             std::vector<Decoded>>
        fragments_;
    std::vector<std::vector<RuleCount>> rule_counts_;
    std::string complaint_;
};

/// Empty where `observed` is what was expected; otherwise what is wrong, for people.
std::string difference(const Expected& expected, const Observation& observed);

}  // namespace sluice::test
