// SPDX-License-Identifier: Apache-2.0
//
// DPDK for benchmarks of its tables, without devices, root or reserved hugepages: a heap on anonymous memory
// that asks for 2 MB pages, as our images do, so that neither side wins by its pages.
#pragma once

#include <cstddef>

namespace sluice::bench {

/// Starts the environment on the calling thread, once a process. The socket that tables are created on; throws
/// std::runtime_error.
int start_dpdk_heap(unsigned core, std::size_t bytes);

}  // namespace sluice::bench
