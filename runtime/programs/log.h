// SPDX-License-Identifier: Apache-2.0
//
// What the gateway says to whoever runs it: lines on stderr with time and level. Any thread but a packet thread
// that has packets waiting.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

void log_info(const std::string& line);
void log_warning(const std::string& line);
void log_error(const std::string& line);

/// What a line says, for programs: where the journal listens, fields such as SLUICE_TENANT=blue beside it
/// (sd_journal_send(3)); elsewhere the line alone.
struct LogField {
    std::string_view name;  // capitals
    std::string value;
};
enum class LogLevel : std::uint8_t { info, warning };
void log_event(LogLevel level, const std::string& line, std::span<const LogField> fields);

}  // namespace sluice
