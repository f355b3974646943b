// SPDX-License-Identifier: Apache-2.0
//
// What the gateway answered, for people. Throws nlohmann's exceptions where the answer lacks something. Any
// thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sluice {

/// `command` is the one that was asked.
std::string text_of_answer(const std::string& command, const nlohmann::ordered_json& result);

}  // namespace sluice
