// SPDX-License-Identifier: Apache-2.0
//
// The host file: what differs from machine to machine (product.md "The host file"). Read at start-up. Unknown
// and duplicate keys are errors; all problems are reported at once, in the order of the file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice {

enum class Hugepages : std::uint8_t { automatic, required, off };
/// What a packet thread does when nothing arrives. automatic: sleeps where it would share its core.
enum class Polling : std::uint8_t { automatic, busy, sleep };

struct HostPort {
    std::string name;    // the policy's
    std::string device;  // DPDK device arguments ("net_af_packet0,iface=eth1") or a PCI address
    bool pci = false;
    /// What DPDK calls the device: the arguments up to the first comma.
    std::string_view device_name() const { return std::string_view(device).substr(0, device.find(',')); }
};

struct HostFile {
    std::vector<unsigned> cores = {0};
    Hugepages hugepages = Hugepages::automatic;
    Polling polling = Polling::automatic;
    std::vector<HostPort> ports;
    /// Where metrics are served over HTTP, as an address and a port (0: any). Empty: they are not.
    std::string metrics_address;
    std::uint16_t metrics_port = 0;
    std::string control_socket = "/run/sluice/control.sock";
    std::string images_directory;           // of the store; empty: none
    std::vector<std::string> trusted_keys;  // files; none: images need no signature
    std::vector<std::string> warnings;      // what is accepted but does nothing in this version
};

/// "FILE:LINE:COLUMN: TEXT", in the order of the file.
using HostFileProblems = std::vector<std::string>;

std::variant<HostFile, HostFileProblems> read_host_file(const std::string& path);
/// `name` stands for the file in messages.
std::variant<HostFile, HostFileProblems> parse_host_file(std::string_view text, const std::string& name);

}  // namespace sluice
