// SPDX-License-Identifier: Apache-2.0
#include "bench/windows.h"

#include <sched.h>
#include <sys/resource.h>

#include <fstream>
#include <string>

namespace sluice::bench {
namespace {

constexpr const char* autogroup_file = "/proc/self/autogroup";  // "/autogroup-48 nice 0"

/// The group is that of the whole terminal session: what else runs there, and afterwards, must not keep it.
class RaisedAutogroup {
  public:
    RaisedAutogroup() {
        std::string name, word;
        if (std::ifstream(autogroup_file) >> name >> word >> before_) std::ofstream(autogroup_file) << -20;
    }
    ~RaisedAutogroup() { std::ofstream(autogroup_file) << before_; }
    RaisedAutogroup(const RaisedAutogroup&) = delete;
    RaisedAutogroup& operator=(const RaisedAutogroup&) = delete;

  private:
    int before_ = 0;
};

}  // namespace

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
    static const RaisedAutogroup until_the_end;
}

}  // namespace sluice::bench
