// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_packets.h"

#include <algorithm>

namespace sluice::test {
namespace {

constexpr std::size_t remembered = 48;

Ip ip_of(const char* text) {
    return parse_ip(text)->ip;
}

template <typename Value>
void remember(std::deque<Value>& memory, Value value) {
    memory.push_back(std::move(value));
    if (memory.size() > remembered) memory.pop_front();
}

std::vector<Ip> neighbours(const policy::Interface& interface, Family family) {
    std::vector<Ip> result;
    for (const policy::StaticNeighbour& neighbour : interface.neighbours) {
        if (neighbour.ip.family == family) result.push_back(neighbour.ip.ip);
    }
    return result;
}

}  // namespace

PacketSource::PacketSource(const policy::Policy& policy, std::uint64_t seed, const PacketShape& shape)
    : policy_(policy), random_(seed), shape_(shape), next_port_(shape.first_port) {
    const auto tenants = static_cast<std::uint16_t>(policy.tenants.size());
    for (std::uint16_t tenant = 0; tenant < tenants; ++tenant) {
        const bool underlay =
            std::any_of(policy.ports.begin(), policy.ports.end(), [&](const policy::Port& port) {
                return !port.tunnel_endpoints.empty() && port.underlay == tenant;
            });
        if (!underlay) tenants_.push_back(tenant);
    }
}

void PacketSource::saw(const SentFrame& frame) {
    const Decoded decoded = decode(frame.bytes);
    if (!decoded.is_ip() || !decoded.fault.empty() || decoded.is_fragment() || !decoded.options.empty()) return;
    for (const std::uint16_t tenant : tenants_) {
        const auto& interfaces = policy_.tenants[tenant].interfaces;
        const auto count = static_cast<std::uint16_t>(interfaces.size());
        for (std::uint16_t index = 0; index < count; ++index) {
            if (interfaces[index].port != frame.port || interfaces[index].vids != decoded.vids) continue;
            remember(seen_, Seen{tenant, index, frame, decoded});
        }
    }
}

std::vector<SentFrame> PacketSource::next() {
    const std::size_t what = random_.weighted({shape_.new_flow, shape_.reply, shape_.again, shape_.icmp_error});
    if (what == 1 && !seen_.empty()) return finish(reply());
    if (what == 2 && !injected_.empty()) return finish(again());
    if (what == 3 && !seen_.empty()) return finish(icmp_error());
    return finish(new_flow());
}

void PacketSource::address(Recipe& recipe, std::uint16_t index) {
    recipe.interface = index;
    const policy::Interface& at = interface(recipe);
    recipe.packet.destination_mac = to_string(at.mac);
    recipe.packet.vlan = recipe.packet.outer_vlan = std::nullopt;
    if (!at.vids.empty()) recipe.packet.vlan = at.vids.back();
    if (at.vids.size() == 2) recipe.packet.outer_vlan = at.vids.front();
    recipe.packet.source_mac = "02:ff:00:00:00:01";
}

Ip PacketSource::remote(Family family) {
    static const std::vector<const char*> v4 = {
        "198.18.0.1", "198.18.0.2", "198.18.128.7", "100.64.0.9", "198.19.0.3", "198.19.200.4",
        "8.8.8.8",    "10.9.1.1",   "10.30.0.5",    "10.31.0.6",  "10.31.0.1",  "10.9.7.7",
        "10.66.0.1",  "10.20.0.1",  "10.20.3.9",    "192.0.2.1",  "192.0.2.3",  "192.0.2.19"};
    static const std::vector<const char*> v6 = {"2001:db8:cafe::1", "2001:db8:9::1", "2001:db8:66::1",
                                                "2001:db8:ffff::9"};
    return ip_of(random_.pick(family == Family::v4 ? v4 : v6));
}

Ip PacketSource::source_for(const Recipe& recipe, Family family) {
    const policy::Interface& at = interface(recipe);
    const std::vector<Ip> hosts = neighbours(at, family);
    const bool inside = at.kind == policy::InterfaceKind::segment;
    if (!random_.percent(shape_.spoofed) && (inside || random_.percent(15))) return random_.pick(hosts);
    return stranger(family);
}

/// The gateway never gets a packet from one of its own addresses, but from impostors.
Ip PacketSource::stranger(Family family) {
    Ip source = remote(family);
    while (own(source, family)) source = remote(family);
    return source;
}

PacketSource::Target PacketSource::target_for(const Recipe& recipe, Family family) {
    const policy::Tenant& tenant = policy_.tenants[recipe.tenant];
    std::vector<Target> external;
    for (const policy::Dnat& rule : tenant.dnat) {
        if (rule.family != family) continue;
        external.push_back({rule.external, rule.ports ? rule.ports->low : std::uint16_t{0}, rule.protocol});
        external.push_back({rule.external, 0, 0});
    }
    for (const policy::OneToOne& rule : tenant.one_to_one) {
        if (rule.family == family) external.push_back({rule.external, 0, 0});
    }
    for (const policy::Snat& rule : tenant.snat) {
        if (rule.family == family) external.push_back({random_.pick(rule.pool), 0, 0});
    }
    switch (random_.weighted(
        {30, external.empty() ? 0u : 35u, 25, shape_.own_addresses ? 8u : 0u, shape_.broadcasts ? 2u : 0u})) {
        case 1:
            return random_.pick(external);
        case 2: {
            std::vector<Ip> hosts;
            for (const policy::Interface& interface : tenant.interfaces) {
                const auto more = neighbours(interface, family);
                hosts.insert(hosts.end(), more.begin(), more.end());
            }
            return {random_.pick(hosts), 0, 0};
        }
        case 3: {
            std::vector<Ip> own;
            for (const policy::Interface& interface : tenant.interfaces) {
                for (const auto& one : interface.addresses) {
                    if (one.subnet.family == family) own.push_back(one.own);
                }
            }
            return {random_.pick(own), 0, 0};
        }
        case 4:
            if (family == Family::v4) {
                const Prefix subnet = tenant.interfaces[0].addresses[0].subnet;
                return {Ip::from_v4((subnet.ip | ~prefix_mask(subnet.length)).v4()), 0, 0};
            }
            [[fallthrough]];
        default:
            return {remote(family), 0, 0};
    }
}

PacketSource::Recipe PacketSource::new_flow() {
    static const std::vector<std::uint16_t> known_ports = {22, 53, 80, 443, 806, 1169, 5000, 8080, 8443, 12345};
    static const std::vector<std::uint16_t> edge_ports = {0,   1,    79,   255,   256,  511,
                                                          512, 1023, 1024, 65534, 65535};
    static const std::vector<std::uint16_t> client_ports = {5000, 5001, 5002, 5003, 700, 40000, 40001, 6001};
    Recipe recipe;
    recipe.tenant = tenants_[random_.between(0, tenants_.size() - 1)];
    const auto& interfaces = policy_.tenants[recipe.tenant].interfaces;
    std::size_t count = interfaces.size();  // those where no frame arrives come last
    while (interfaces[count - 1].port == policy::no_index) --count;
    address(recipe, static_cast<std::uint16_t>(random_.between(0, count - 1)));
    const policy::Interface& at = interface(recipe);
    const bool dual = !neighbours(at, Family::v6).empty();
    const Family family = dual && random_.percent(40) ? Family::v6 : Family::v4;

    const Ip source = source_for(recipe, family);
    const Target target = target_for(recipe, family);
    recipe.packet.source = to_string(source, family);
    recipe.packet.destination = to_string(Ip{target.ip.hi, target.ip.lo}, family);
    recipe.packet.source_port = random_.pick(client_ports);
    const bool at_an_edge = shape_.edge_ports && random_.percent(20);
    recipe.packet.destination_port = random_.pick(at_an_edge ? edge_ports : known_ports);
    recipe.packet.identifier = random_.pick(client_ports);
    if (shape_.new_ports) recipe.packet.source_port = recipe.packet.identifier = next_port_++;
    recipe.packet.tcp_flags = 0x02;
    recipe.form = static_cast<Form>(random_.weighted({42, 36, 22}));
    if (target.port != 0 && random_.percent(85)) {
        recipe.form = target.protocol == 6 ? Form::tcp : Form::udp;
        recipe.packet.destination_port = target.port;
    }
    if (random_.percent(shape_.other_protocol)) recipe.form = Form::gre;
    if (shape_.non_opening_tcp && random_.percent(10)) {
        static const std::vector<std::uint8_t> flags = {0x10, 0x12, 0x04, 0x11, 0x18};
        recipe.packet.tcp_flags = random_.pick(flags);
    }
    for (const policy::StaticNeighbour& neighbour : at.neighbours) {
        if (neighbour.ip == IpAndFamily{source, family}) recipe.packet.source_mac = to_string(neighbour.mac);
    }
    return recipe;
}

PacketSource::Recipe PacketSource::reply() {
    const Seen seen = seen_[random_.between(0, seen_.size() - 1)];
    const Decoded& heard = seen.decoded;
    Recipe recipe;
    recipe.tenant = seen.tenant;
    address(recipe, seen.interface);
    recipe.packet.source_mac = to_string(heard.destination_mac);
    recipe.packet.source = to_string(heard.destination, heard.family);
    recipe.packet.destination = to_string(heard.source, heard.family);
    recipe.packet.source_port = heard.destination_port();
    recipe.packet.destination_port = heard.source_port();
    switch (heard.kind()) {
        case Kind::tcp:
            recipe.form = Form::tcp;
            recipe.packet.tcp_flags = 0x10;
            if ((heard.tcp_flags() & 0x12) == 0x02)
                recipe.packet.tcp_flags = random_.percent(85) || shape_.orderly_tcp ? 0x12 : 0x14;
            if (random_.percent(8) && !shape_.orderly_tcp)
                recipe.packet.tcp_flags = random_.percent(50) ? 0x11 : 0x04;
            break;
        case Kind::udp:
            recipe.form = Form::udp;
            break;
        case Kind::echo_request:
            recipe.form = Form::echo_reply;
            recipe.packet.identifier = heard.source_port();
            break;
        case Kind::other:
            recipe.form = Form::gre;
            break;
        default:
            return new_flow();
    }
    if (heard.kind() == Kind::other && heard.protocol != 47) return new_flow();
    if (random_.percent(shape_.tampered_reply)) {
        switch (random_.between(0, 3)) {
            case 0:
                recipe.packet.source = to_string(stranger(heard.family), heard.family);
                break;
            case 1:
                recipe.packet.source_port ^= 1;
                break;
            case 2:
                recipe.packet.destination_port ^= 2;
                recipe.packet.identifier ^= 2;
                break;
            default:
                recipe.packet.tcp_flags = 0x02;
                break;
        }
    }
    return recipe;
}

PacketSource::Recipe PacketSource::again() {
    Recipe recipe = injected_[random_.between(0, injected_.size() - 1)];
    if (recipe.form == Form::tcp && !shape_.orderly_tcp && random_.percent(70)) {
        static const std::vector<std::uint8_t> flags = {0x10, 0x18, 0x10, 0x18, 0x11, 0x04};
        recipe.packet.tcp_flags = random_.pick(flags);
    }
    return recipe;
}

PacketSource::Recipe PacketSource::icmp_error() {
    const Seen seen = seen_[random_.between(0, seen_.size() - 1)];
    const Decoded& heard = seen.decoded;
    if (heard.kind() == Kind::icmp_error || heard.kind() == Kind::icmp_other) return new_flow();
    if (!checksums_valid(seen.frame.bytes)) return new_flow();
    Recipe recipe;
    recipe.tenant = seen.tenant;
    recipe.form = Form::icmp_error;
    address(recipe, seen.interface);
    recipe.packet.source_mac = to_string(heard.destination_mac);
    const bool from_end = random_.percent(60) || !shape_.errors_from_routers;
    recipe.packet.source = to_string(from_end ? heard.destination : stranger(heard.family), heard.family);
    recipe.packet.destination = to_string(heard.source, heard.family);
    const bool v4 = heard.family == Family::v4;
    if (random_.percent(60)) {
        recipe.packet.icmp_type = v4 ? 3 : 1;
        recipe.packet.icmp_code = v4 ? 3 : 4;
    } else {
        recipe.packet.icmp_type = v4 ? 11 : 3;
    }
    recipe.quoted = ip_packet(seen.frame.bytes);
    const std::size_t longest = v4 ? 500 : 1100;
    if (recipe.quoted.size() > longest) recipe.quoted.resize(longest);
    if (v4 && random_.percent(30)) recipe.quoted.resize(28);  // the least that RFC 792 asks for
    return recipe;
}

/// Of any tenant: what is no impostor here may be one behind a peer.
bool PacketSource::own(Ip ip, Family family) const {
    for (const policy::Tenant& tenant : policy_.tenants) {
        for (const policy::Interface& interface : tenant.interfaces) {
            for (const auto& one : interface.addresses) {
                if (one.subnet.family == family && one.own == ip) return true;
            }
        }
    }
    return false;
}

Bytes PacketSource::build(const Recipe& recipe) const {
    switch (recipe.form) {
        case Form::tcp:
            return tcp(recipe.packet);
        case Form::udp:
            return udp(recipe.packet);
        case Form::echo_request:
            return echo_request(recipe.packet);
        case Form::echo_reply:
            return echo_reply(recipe.packet);
        case Form::icmp_error:
            return test::icmp_error(recipe.packet, recipe.quoted);
        case Form::gre:
            break;
    }
    return ip_protocol(recipe.packet, 47);
}

std::vector<SentFrame> PacketSource::finish(Recipe recipe) {
    if (recipe.form != Form::icmp_error) remember(injected_, recipe);
    Packet& packet = recipe.packet;
    const bool v4 = parse_ip(packet.source)->family == Family::v4;
    const std::uint16_t port = interface(recipe).port;
    packet.id = next_id_++;
    packet.dont_fragment = random_.percent(50);
    const std::size_t payload_bytes = random_.between(8, 60);  // one draw a statement: arguments have no order
    packet.payload = Bytes(payload_bytes, static_cast<std::uint8_t>(random_.between(0, 255)));
    if (shape_.marked != 0 && random_.percent(shape_.marked)) {
        packet.tos = static_cast<std::uint8_t>(random_.between(0, 255));
    }
    if (random_.percent(shape_.small_ttl)) packet.ttl = static_cast<std::uint8_t>(random_.between(1, 4));
    if (random_.percent(shape_.bad_l4_checksum)) {
        packet.l4_checksum_error = static_cast<std::uint16_t>(random_.between(1, 0xfffe));
    }
    if (v4 && random_.percent(shape_.no_udp_checksum)) packet.no_udp_checksum = true;
    if (random_.percent(shape_.options)) {
        static const std::vector<Bytes> options = {{1, 1, 1, 0}, {148, 4, 0, 0}, {131, 3, 4, 0}};
        if (v4) packet.ip_options = random_.pick(options);
        if (!v4) packet.extensions = {{60, {0, 1, 4, 0, 0, 0, 0}}};
    } else if (random_.percent(shape_.large)) {
        packet.payload = Bytes(random_.between(1300, 1420), 0x5a);
    } else if (random_.percent(shape_.fragments) && recipe.quoted.size() < 200 &&
               (shape_.errors_from_routers || recipe.form != Form::icmp_error)) {
        packet.dont_fragment = false;
        packet.payload = Bytes(random_.between(60, 120), 0x66);
        std::vector<SentFrame> result;
        for (const Bytes& piece : fragments(build(recipe), 8 * random_.between(3, 6), packet.id)) {
            result.push_back({port, piece});
        }
        if (random_.percent(50)) std::swap(result.front(), result.back());
        return result;
    } else if (random_.percent(shape_.wrong)) {
        switch (random_.between(0, 6)) {
            case 0:
                packet.destination_mac = "02:00:00:00:be:ef";
                break;
            case 1:
                packet.vlan = 4000;
                break;
            case 2:
                if (v4) packet.ip_checksum_error = 1;
                break;
            case 3:
                packet.source = v4 ? "127.0.0.1" : "::1";
                break;
            case 4:
                packet.destination = v4 ? "127.0.0.9" : "::1";
                break;
            case 5: {
                Bytes frame = build(recipe);
                frame.resize(frame.size() - 5);
                return {{port, frame}};
            }
            default: {
                Bytes frame = build(recipe);
                frame[l2_length(frame) - 1] ^= 0x55;
                return {{port, frame}};
            }
        }
    }
    Bytes frame = build(recipe);
    const std::size_t with_padding = std::max<std::size_t>(frame.size() + 7, 60);
    if (random_.percent(30)) frame = padded(std::move(frame), with_padding);
    return {{port, std::move(frame)}};
}

}  // namespace sluice::test
