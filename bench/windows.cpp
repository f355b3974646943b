// SPDX-License-Identifier: Apache-2.0
#include "bench/windows.h"

#include <sched.h>
#include <sys/resource.h>

#include <fstream>

namespace sluice::bench {

unsigned quietest_core() {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 0;
    for (unsigned core = CPU_SETSIZE; core-- > 0;) {
        if (CPU_ISSET(core, &cores)) return core;
    }
    return 0;
}

void settle_on_core(unsigned core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    sched_setaffinity(0, sizeof cores, &cores);
    // Niceness counts only inside one session's group where the kernel groups automatically: raise both.
    setpriority(PRIO_PROCESS, 0, -20);
    std::ofstream("/proc/self/autogroup") << -20;
}

}  // namespace sluice::bench
