// SPDX-License-Identifier: Apache-2.0
//
// What the gateway says to whoever runs it: lines on stderr with time and level. Any thread but a packet thread
// that has packets waiting.
#pragma once

#include <string>

namespace sluice {

void log_info(const std::string& line);
void log_warning(const std::string& line);
void log_error(const std::string& line);

}  // namespace sluice
