// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/linux_router.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <stdexcept>

#include "tests/differential/own_namespace.h"
#include "tests/differential/render_linux.h"
#include "tests/support/decoded.h"

namespace sluice::test {
namespace {

constexpr const char* probe_mac = "02:ee:00:00:00:01";

void set_up_kernel() {
    // Forward without second thoughts about sources, tell senders about errors always.
    set_kernel("ipv4/ip_forward", "1");
    set_kernel("ipv6/conf/all/forwarding", "1");
    for (const char* scope : {"all", "default"}) {
        set_kernel(std::string("ipv4/conf/") + scope + "/rp_filter", "0");
        set_kernel(std::string("ipv4/conf/") + scope + "/send_redirects", "0");
    }
    // Neither limits by peer nor those of the whole machine count a type that the mask leaves out.
    set_kernel("ipv4/icmp_ratelimit", "0");
    set_kernel("ipv4/icmp_ratemask", "0");
    set_kernel("ipv4/icmp_errors_use_inbound_ifaddr", "1");
    set_kernel("ipv6/icmp/ratelimit", "0");
    set_kernel("ipv6/icmp/ratemask", "\n");
    // No noise of its own.
    set_kernel("ipv6/conf/default/accept_ra", "0");
    set_kernel("ipv6/conf/default/accept_dad", "0");
    set_kernel("ipv6/conf/default/addr_gen_mode", "1");
}

void set_up_tracking() {
    set_kernel("netfilter/nf_conntrack_tcp_loose", "0");       // no session from the middle of a connection
    set_kernel("netfilter/nf_conntrack_tcp_be_liberal", "1");  // no judgement of windows
    set_kernel("netfilter/nf_conntrack_checksum", "0");        // none of layer 4 checksums
}

/// The IPv6 addresses that the kernel takes for its own when packets come.
std::set<std::string> local_ipv6() {
    constexpr unsigned long local = 0x80000000;
    std::set<std::string> result;
    std::ifstream routes("/proc/thread-self/net/ipv6_route");
    std::string to, length, from, from_length, via, metric, references, uses, flags, device;
    while (routes >> to >> length >> from >> from_length >> via >> metric >> references >> uses >> flags >>
           device) {
        if ((std::stoul(flags, nullptr, 16) & local) != 0) result.insert(to);
    }
    return result;
}

/// IPv6 addresses become usable in a kernel thread, soon after they were added: first they are not tentative
/// any more, and then their routes are there.
void await_addresses() {
    constexpr unsigned tentative = 0x40;
    for (int waited = 0; waited < patience_milliseconds; ++waited) {
        std::ifstream addresses("/proc/thread-self/net/if_inet6");
        const std::set<std::string> local = local_ipv6();
        bool all = true;
        std::string address, index, length, scope, flags, device;
        while (addresses >> address >> index >> length >> scope >> flags >> device) {
            all &= (std::stoul(flags, nullptr, 16) & tentative) == 0 && local.contains(address);
        }
        if (all) return;
        usleep(1000);
    }
    throw std::runtime_error("IPv6 addresses stay unusable");
}

bool noise(const Decoded& packet) {
    if (packet.ethertype == 0x0806) return true;
    return packet.destination_mac.is_group();  // MLD, router solicitations
}

}  // namespace

Outer outer_of(const policy::Policy& policy, const policy::Interface& interface) {
    const policy::Port& port = policy.ports[interface.port];
    const policy::Interface& below = policy.tenants[port.underlay].interfaces[0];
    Outer outer;
    outer.source = to_string(interface.remotes[0], Family::v4);
    outer.destination = to_string(port.tunnel_endpoint(Family::v4)->address.own, Family::v4);
    outer.destination_mac = to_string(below.mac);
    for (const policy::StaticNeighbour& neighbour : below.neighbours) {
        if (neighbour.ip.ip == interface.remotes[0]) outer.source_mac = to_string(neighbour.mac);
    }
    outer.vni = interface.vni;
    return outer;
}

std::string LinuxRouter::unavailable(bool vxlan) {
    if (geteuid() != 0) return "needs root for a network namespace";
    if (access("/dev/net/tun", R_OK | W_OK) != 0) return "needs /dev/net/tun";
    try {
        const OwnNamespace here;
        run_with("nft -f - 2>/dev/null",
                 "table ip nat { chain c { type nat hook postrouting priority 100; }; }\n"
                 "table inet f { chain c { type filter hook forward priority 0; ct state invalid drop; }; }\n");
        const std::string tunnel =
            "link add v type vxlan id 1 dstport 4789 local 192.0.2.1 remote 192.0.2.2 dev lo\n";
        run_with("ip -batch - 2>/dev/null", "link set dev lo up\n" + (vxlan ? tunnel : ""));
    } catch (const std::runtime_error&) {
        return std::string("needs network namespaces, ip, and nft with NAT") + (vxlan ? ", VXLAN devices" : "");
    }
    return "";
}

LinuxRouter::LinuxRouter(const policy::Policy& policy, const policy::Tenant& tenant)
    : policy_(policy), tenant_(tenant) {
    const OwnNamespace here;
    namespace_ = here.keep();
    set_up_kernel();
    for (std::size_t index = 0; index < tenant.interfaces.size(); ++index) add_device(index);
    run_with("ip -batch -", render_ip(policy, tenant));
    run_with("nft -f -", render_nft(tenant));
    set_up_tracking();
    await_addresses();
}

LinuxRouter::~LinuxRouter() {
    for (const int device : devices_) close(device);
    close(namespace_);
}

void LinuxRouter::add_device(std::size_t index) {
    const int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0) throw std::runtime_error("cannot open /dev/net/tun");
    devices_.push_back(device);
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::snprintf(request.ifr_name, sizeof request.ifr_name, "%c%u", tunnelled(index) ? 'u' : 'i',
                  static_cast<unsigned>(index));
    if (ioctl(device, TUNSETIFF, &request) != 0) throw std::runtime_error("cannot make a TAP device");
}

bool LinuxRouter::tunnelled(std::size_t index) const {
    return tenant_.interfaces[index].encapsulation != policy::Encapsulation::none;
}

void LinuxRouter::drain(std::vector<SentFrame>& out, std::uint16_t probed, bool& answered) {
    std::uint8_t buffer[1 << 16];
    const auto devices = static_cast<std::uint16_t>(devices_.size());
    for (std::uint16_t index = 0; index < devices; ++index) {
        for (;;) {
            const ssize_t length = read(devices_[index], buffer, sizeof buffer);
            if (length <= 0) break;
            const Bytes frame(buffer, buffer + length);
            Decoded decoded = decode(frame);
            if (tunnelled(index)) {
                const Opened opened = open_vxlan(frame);
                if (opened.fault.empty()) decoded = decode(opened.inner);
            }
            if (index == probed && decoded.ethertype == 0x0806 &&
                decoded.destination_mac == *parse_mac(probe_mac)) {
                answered = true;
            }
            if (!noise(decoded)) out.push_back({index, frame});
        }
    }
}

std::vector<SentFrame> LinuxRouter::late() {
    constexpr int wait_milliseconds = 500;
    std::vector<pollfd> waits;
    for (const int device : devices_) waits.push_back({device, POLLIN, 0});
    std::vector<SentFrame> out;
    bool answered = false;
    while (out.empty() && poll(waits.data(), waits.size(), wait_milliseconds) > 0) drain(out, 0, answered);
    return out;
}

std::vector<SentFrame> LinuxRouter::exchange(std::uint16_t interface, std::span<const Bytes> frames) {
    ArpFrame probe;
    probe.source_mac = probe.sender_mac = probe_mac;
    probe.sender_ip = "0.0.0.0";  // RFC 5227: answered, but not learned from
    probe.target_ip = to_string(tenant_.interfaces[interface].addresses[0].own, Family::v4);
    std::vector<Bytes> all(frames.begin(), frames.end());
    all.push_back(tunnelled(interface) ? in_vxlan(outer_of(policy_, tenant_.interfaces[interface]), arp(probe))
                                       : arp(probe));
    for (const Bytes& frame : all) {
        if (write(devices_[interface], frame.data(), frame.size()) != static_cast<ssize_t>(frame.size())) {
            throw std::runtime_error(std::string("cannot write to a TAP device: ") + std::strerror(errno));
        }
    }
    std::vector<SentFrame> out;
    bool answered = false;
    drain(out, interface, answered);
    while (!answered) {
        pollfd wait{devices_[interface], POLLIN, 0};
        if (poll(&wait, 1, patience_milliseconds) <= 0) throw std::runtime_error("Linux does not answer ARP");
        drain(out, interface, answered);
    }
    // What left by another device before the answer did is there by now.
    drain(out, interface, answered);
    return out;
}

}  // namespace sluice::test
