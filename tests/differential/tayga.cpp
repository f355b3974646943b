// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/tayga.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "tests/differential/own_namespace.h"
#include "tests/support/bytes.h"

namespace sluice::test {
namespace {

constexpr const char* program = "/usr/sbin/tayga";
constexpr const char* setpriv = "/usr/bin/setpriv";
constexpr const char* own_address = "192.0.2.250";
constexpr const char* device_name = "nat64";

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// From and to addresses that nothing else uses.
Bytes probe() {
    return ip_packet(echo_request({.source = "192.0.2.251", .destination = own_address}));
}
bool answers_probe(const Bytes& packet) {
    return packet.size() > 20 && packet[0] >> 4 == 4 && get32(packet, 12) == address(own_address).ip.v4() &&
           packet[9] == 1 && packet[20] == 0;
}

/// What the kernel says by itself on any device: router solicitations, MLD.
bool noise(const Bytes& packet) {
    return packet.size() > 40 && packet[0] >> 4 == 6 && packet[24] == 0xff;
}

}  // namespace

std::string Tayga::unavailable() {
    if (geteuid() != 0) return "needs root for a network namespace";
    if (access("/dev/net/tun", R_OK | W_OK) != 0) return "needs /dev/net/tun";
    if (access(program, X_OK) != 0) return "needs tayga";
    if (access(setpriv, X_OK) != 0) return "needs setpriv";
    try {
        const OwnNamespace here;
    } catch (const std::runtime_error&) {
        return "needs network namespaces";
    }
    return "";
}

Tayga::Tayga(const std::string& prefix, const std::vector<std::pair<std::string, std::string>>& maps) {
    folder_ = (std::filesystem::temp_directory_path() / "sluice-tayga-XXXXXX").string();
    if (mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("can't make " + folder_);
    std::ofstream configuration(folder_ + "/tayga.conf");
    configuration << "tun-device " << device_name << "\nipv4-addr " << own_address << "\nprefix " << prefix
                  << "\n";
    for (const auto& [ipv4, ipv6] : maps) configuration << "map " << ipv4 << " " << ipv6 << "\n";
    configuration.close();

    const OwnNamespace here;
    set_kernel("ipv6/conf/default/addr_gen_mode", "1");
    const std::string log = folder_ + "/log";
    // It ends with this test, however that ends.
    process_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{setpriv, "--pdeathsig", "KILL", program, "-d", "-c", folder_ + "/tayga.conf"},
        log);
    for (int waited = 0; device_ == 0; ++waited) {
        if (waited == patience_milliseconds || !process_->running())
            throw std::runtime_error("tayga does not start: " + text_of(log));
        usleep(1000);
        device_ = static_cast<int>(if_nametoindex(device_name));
    }
    run_with("ip -batch -", std::string("link set dev ") + device_name + " up\n");
    socket_ = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(ETH_P_ALL);
    where.sll_ifindex = device_;
    if (bind(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0)
        throw std::runtime_error("cannot listen at tayga's device");
}

Tayga::~Tayga() {
    if (socket_ >= 0) close(socket_);
    process_.reset();
    std::filesystem::remove_all(folder_);
}

void Tayga::send(const Bytes& packet) {
    sockaddr_ll where{};
    where.sll_family = AF_PACKET;
    where.sll_protocol = htons(packet.at(0) >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
    where.sll_ifindex = device_;
    const ssize_t sent = sendto(socket_, packet.data(), packet.size(), 0,
                                reinterpret_cast<const sockaddr*>(&where), sizeof where);
    if (sent != static_cast<ssize_t>(packet.size()))
        throw std::runtime_error(std::string("cannot send to tayga: ") + std::strerror(errno));
}

std::vector<Bytes> Tayga::exchange(const std::vector<Bytes>& packets) {
    for (const Bytes& packet : packets) send(packet);
    send(probe());
    std::vector<Bytes> out;
    for (;;) {
        pollfd wait{socket_, POLLIN, 0};
        if (poll(&wait, 1, patience_milliseconds) <= 0) throw std::runtime_error("tayga does not answer");
        Bytes packet(1 << 16);
        sockaddr_ll from{};
        socklen_t length = sizeof from;
        const ssize_t bytes =
            recvfrom(socket_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
        if (bytes < 0) throw std::runtime_error("cannot hear tayga");
        if (from.sll_pkttype == PACKET_OUTGOING) continue;  // what we sent
        packet.resize(static_cast<std::size_t>(bytes));
        if (answers_probe(packet)) return out;
        if (!noise(packet)) out.push_back(packet);
    }
}

}  // namespace sluice::test
