// SPDX-License-Identifier: Apache-2.0
//
// The one file that pays for spdlog's headers.
#include "runtime/programs/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace sluice {
namespace {

spdlog::logger& logger() {
    static const std::shared_ptr<spdlog::logger> to_stderr = [] {
        auto made = spdlog::stderr_color_mt("sluiced");
        made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
        made->flush_on(spdlog::level::info);
        return made;
    }();
    return *to_stderr;
}

}  // namespace

// The line is an argument, never a format: it may hold braces.
void log_info(const std::string& line) {
    logger().info("{}", line);
}
void log_warning(const std::string& line) {
    logger().warn("{}", line);
}
void log_error(const std::string& line) {
    logger().error("{}", line);
}

}  // namespace sluice
