// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/dpdk_environment.h"

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace sluice {
namespace {

// A frame's buffer with its mbuf, its pool header and cache padding.
constexpr std::uint64_t bytes_beside_data = 512;
constexpr unsigned pool_cache_frames = 256;

std::string core_list(const std::vector<unsigned>& cores) {
    std::string list;
    for (const unsigned core : cores) list += (list.empty() ? "" : ",") + std::to_string(core);
    return list;
}

unsigned data_room_of(const EnvironmentSettings& settings) {
    return (std::max(settings.longest_frame_bytes, settings.smallest_data_room_bytes) + RTE_CACHE_LINE_SIZE -
            1) /
           RTE_CACHE_LINE_SIZE * RTE_CACHE_LINE_SIZE;
}

bool choose_hugepages(Hugepages wish, std::uint64_t needed) {
    if (wish == Hugepages::off) return false;
    const std::uint64_t available = free_hugepage_bytes();
    if (available >= needed) return true;
    if (wish == Hugepages::automatic) return false;
    throw std::runtime_error(
        fmt::format("memory.hugepages is \"required\", {} MiB are needed and {} MiB are free: reserve more "
                    "(for 2 MiB pages: write "
                    "{} to /proc/sys/vm/nr_hugepages), or set memory.hugepages to \"auto\"",
                    needed >> 20, available >> 20, (needed >> 21) + 1));
}

std::vector<std::string> arguments_of(const EnvironmentSettings& settings, bool hugepages,
                                      std::uint64_t bytes) {
    // The prefix keeps instances apart; without shared configuration nothing of it outlives the process.
    std::vector<std::string> arguments = {"sluiced",
                                          "-l",
                                          core_list(settings.cores),
                                          fmt::format("--file-prefix=sluiced-{}", getpid()),
                                          "--log-level=warning",
                                          "--log-level=lib.telemetry:error"};
    if (!settings.telemetry) arguments.emplace_back("--no-telemetry");
    if (hugepages) {
        arguments.emplace_back("--in-memory");
    } else {
        arguments.insert(arguments.end(),
                         {"--no-huge", "--no-shconf", "-m", std::to_string((bytes >> 20) + 1)});
    }
    bool any_pci = false;
    for (const HostPort& device : settings.devices) {
        any_pci = any_pci || device.pci;
        arguments.push_back(device.pci ? "--allow=" + device.device : "--vdev=" + device.device);
    }
    if (!any_pci) arguments.emplace_back("--no-pci");
    return arguments;
}

}  // namespace

std::uint64_t free_hugepage_bytes() {
    std::uint64_t total = 0;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", error)) {
        constexpr std::string_view prefix = "hugepages-";
        const std::string name = entry.path().filename();
        std::uint64_t page_kilobytes = 0;
        std::from_chars(name.data() + prefix.size(), name.data() + name.size(), page_kilobytes);
        std::uint64_t pages = 0;
        std::ifstream(entry.path() / "free_hugepages") >> pages;
        total += pages * page_kilobytes * 1024;
    }
    return total;
}

Environment::Environment(const EnvironmentSettings& settings) : longest_frame_(data_room_of(settings)) {
    const std::uint64_t bytes =
        settings.environment_bytes +
        settings.frames * (std::uint64_t{longest_frame_} + RTE_PKTMBUF_HEADROOM + bytes_beside_data);
    hugepages_ = choose_hugepages(settings.hugepages, bytes);

    std::vector<std::string> arguments = arguments_of(settings, hugepages_, bytes);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0) {
        throw std::runtime_error(fmt::format("DPDK did not start on core {}: {}; the lines above say more",
                                             core_list(settings.cores), rte_strerror(rte_errno)));
    }
    runtime_folder_ = rte_eal_get_runtime_dir();
    pool_ = rte_pktmbuf_pool_create("frames", settings.frames, pool_cache_frames, 0,
                                    static_cast<std::uint16_t>(longest_frame_ + RTE_PKTMBUF_HEADROOM),
                                    SOCKET_ID_ANY);
    if (pool_ == nullptr) {
        const std::string reason = rte_strerror(rte_errno);
        rte_eal_cleanup();
        throw std::runtime_error("no memory for packet buffers: " + reason);
    }
}

Environment::~Environment() {
    rte_mempool_free(pool_);
    rte_eal_cleanup();
    // Named after our process: nobody else's.
    std::error_code ignored;
    std::filesystem::remove_all(runtime_folder_, ignored);
}

}  // namespace sluice
