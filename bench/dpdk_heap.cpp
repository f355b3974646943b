// SPDX-License-Identifier: Apache-2.0
#include "bench/dpdk_heap.h"

#include <rte_eal.h>
#include <rte_malloc.h>
#include <sys/mman.h>

#include <array>
#include <stdexcept>
#include <string>

namespace sluice::bench {

int start_dpdk_heap(unsigned core, std::size_t bytes) {
    std::array<std::string, 9> words{"bench",
                                     "--no-huge",
                                     "--no-pci",
                                     "--no-telemetry",
                                     "--no-shconf",
                                     "-m",
                                     "64",
                                     "--log-level=error",
                                     "--lcores=0@" + std::to_string(core)};
    std::array<char*, words.size()> arguments{};
    for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
    if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0) {
        throw std::runtime_error("DPDK's environment does not start");
    }
    constexpr std::size_t page_bytes = std::size_t{2} << 20;
    constexpr const char* name = "bench";
    const std::size_t size = (bytes + page_bytes - 1) / page_bytes * page_bytes;
    void* memory = mmap(nullptr, size + page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("not enough memory for DPDK's tables");
    const auto address = (reinterpret_cast<std::uintptr_t>(memory) + page_bytes - 1) / page_bytes * page_bytes;
    auto* aligned = reinterpret_cast<void*>(address);
    madvise(aligned, size, MADV_HUGEPAGE);
    if (rte_malloc_heap_create(name) != 0 ||
        rte_malloc_heap_memory_add(name, aligned, size, nullptr, 0, page_bytes) != 0) {
        throw std::runtime_error("DPDK does not take memory for its tables");
    }
    return rte_malloc_heap_get_socket(name);
}

}  // namespace sluice::bench
