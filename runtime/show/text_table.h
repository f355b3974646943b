// SPDX-License-Identifier: Apache-2.0
//
// Tables for people. Pure; any thread.
#pragma once

#include <string>
#include <vector>

namespace sluice {

using TableRow = std::vector<std::string>;
/// Columns as wide as their widest cell; the last one is not padded.
std::string text_table(const TableRow& header, const std::vector<TableRow>& rows);

}  // namespace sluice
