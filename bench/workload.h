// SPDX-License-Identifier: Apache-2.0
//
// What the whole-gateway benchmarks send through what: policies of a given size, and flows by number. Every
// tenant has a VLAN on the access port (or a VNI, with a station behind each tunnel endpoint) and one on the
// uplink port, routes to the uplink, translates its sources there (SNAT) and filters with `rules` rules;
// packets are UDP of 64 bytes, in a tunnel 50 bytes more without the tag, over IPv6 70.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/image/image.h"

namespace sluice::bench {

constexpr std::uint16_t access_port = 0, uplink_port = 1;
constexpr std::uint32_t frame_bytes = 64;
constexpr std::uint32_t tunnelled_frame_bytes(bool over_ipv6) {
    return frame_bytes - 4 + (over_ipv6 ? 70 : 50);
}

/// Which rules decide about the traffic.
enum class Destinations : std::uint8_t {
    last_rule,  // one destination: the last rule, the worst case of a linear search, decides all
    all_rules,  // as many destinations as rules, spread evenly over the flows
};

struct Shape {
    std::uint32_t tenants = 1;
    std::uint32_t rules = 1000;  // a tenant
    Destinations destinations = Destinations::last_rule;
    bool scan = false;          // the last rule allows one destination only; flows go to another, a port each
    std::uint32_t tunnels = 0;  // 1 to 4 to which VXLAN tunnels lead, a station behind each; 0: a VLAN instead
    bool provider = false;      // of one tenant: the uplink is the provider's, and its router in between
    bool over_ipv6 = false;     // the tunnels
    friend bool operator==(const Shape&, const Shape&) = default;
};

/// How many pairs of destination address and port the traffic has: what the firewall must tell apart.
std::uint32_t destinations_of(const Shape& shape);

std::unique_ptr<const Image> make_image(const Shape& shape);
/// The policy that it is made of, by file name; tenant N is in tN.yaml.
std::map<std::string, std::string> policy_texts(const Shape& shape);
/// The first three numbers of a tenant's addresses on its uplink; its pool is there from this host on.
std::string outside_net(std::uint32_t tenant);
std::uint32_t outside_address(std::uint32_t tenant, std::uint32_t host);
constexpr std::uint32_t first_pool_host = 64;
std::uint32_t pool_addresses(const Shape& shape);

/// Frames of equal length, one behind the other.
class FrameList {
  public:
    explicit FrameList(std::uint32_t bytes_a_frame = frame_bytes) : each_(bytes_a_frame) {}
    std::uint8_t* add() {
        bytes_.resize(bytes_.size() + each_);
        return bytes_.data() + bytes_.size() - each_;
    }
    void reserve(std::size_t frames) { bytes_.reserve(frames * each_); }
    std::size_t size() const { return bytes_.size() / each_; }
    std::uint32_t bytes_a_frame() const { return each_; }
    std::span<const std::uint8_t> operator[](std::size_t index) const {
        return {bytes_.data() + index * each_, each_};
    }

  private:
    std::uint32_t each_;
    std::vector<std::uint8_t> bytes_;
};

/// Numbers of flows below `most` whose keys would all lie in a fortieth of the flow table's index if its hash
/// had no secret (the first tenant's).
std::vector<std::uint32_t> colliding_flows(const Shape& shape, std::uint32_t flows, std::uint32_t most);
/// The packets of the flows in `order`, as inside hosts send them. The first payload bytes are the flow's
/// number.
FrameList make_frames(const Shape& shape, std::span<const std::uint32_t> order);
/// What the other side would answer to `sent`, which is how a packet left the gateway.
void add_reply(FrameList& replies, std::span<const std::uint8_t> sent);
/// The number that make_frames() wrote.
std::uint32_t flow_of(std::span<const std::uint8_t> frame);

/// Why `frame`, which left on `port`, is not the translated packet of its flow; nullptr when it is.
const char* wrong_forward(const Shape& shape, std::span<const std::uint8_t> frame, std::uint16_t port);
/// The same for an answer.
const char* wrong_reply(const Shape& shape, std::span<const std::uint8_t> frame, std::uint16_t port);
/// The outside address and port that a forwarded frame carries.
std::uint64_t translation_of(std::span<const std::uint8_t> frame);

}  // namespace sluice::bench
