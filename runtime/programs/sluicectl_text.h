// SPDX-License-Identifier: Apache-2.0
//
// What the gateway answered, for people. Throws nlohmann's exceptions where the answer lacks something. Any
// thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sluice {

/// `command` is the one that was asked.
std::string text_of_answer(const std::string& command, const nlohmann::ordered_json& result);

using TableRow = std::vector<std::string>;
/// Columns as wide as their widest cell; the last one is not padded.
std::string text_table(const TableRow& header, const std::vector<TableRow>& rows);

}  // namespace sluice
