// SPDX-License-Identifier: Apache-2.0
//
// The one file that pays for spdlog's headers.
#include "runtime/programs/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#define SD_JOURNAL_SUPPRESS_LOCATION  // ours would be this file's for every line
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace sluice {
namespace {

/// systemd names the stream that it connected stderr with (systemd.exec(5)); a program that was started by a
/// service with its stderr elsewhere inherits the name alone.
bool stderr_is_the_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
           std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

/// The priority as sd-daemon(3) has it in front of a line. The journal has the time and the program's name.
class Priority final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& to) override {
        const std::string_view text = message.level >= spdlog::level::err    ? "<3>"
                                      : message.level >= spdlog::level::warn ? "<4>"
                                                                             : "<6>";
        to.append(text.data(), text.data() + text.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<Priority>(); }
};

spdlog::logger& logger() {
    static const std::shared_ptr<spdlog::logger> to_stderr = [] {
        auto made = spdlog::stderr_color_mt("sluiced");
        auto formatter = std::make_unique<spdlog::pattern_formatter>();
        if (stderr_is_the_journal()) {
            formatter->add_flag<Priority>('*').set_pattern("%*%v");
        } else {
            formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
        }
        made->set_formatter(std::move(formatter));
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

void log_event(LogLevel level, const std::string& line, std::span<const LogField> fields) {
    static const bool is_journal = stderr_is_the_journal();
    const bool warning = level == LogLevel::warning;
    const auto as_a_line = [&] { warning ? log_warning(line) : log_info(line); };
    if (!is_journal) return as_a_line();
    std::vector<std::string> texts = {"MESSAGE=" + line, warning ? "PRIORITY=4" : "PRIORITY=6",
                                      "SYSLOG_IDENTIFIER=sluiced"};
    for (const LogField& field : fields) texts.push_back(std::string(field.name) + "=" + field.value);
    std::vector<iovec> parts;
    for (std::string& text : texts) parts.push_back({text.data(), text.size()});
    if (sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) < 0) as_a_line();
}

}  // namespace sluice
