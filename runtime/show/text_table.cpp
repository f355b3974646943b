// SPDX-License-Identifier: Apache-2.0
#include "runtime/show/text_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {

std::string text_table(const TableRow& header, const std::vector<TableRow>& rows) {
    std::vector<std::size_t> widths;
    for (const std::string& cell : header) widths.push_back(cell.size());
    for (const TableRow& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string lines;
    const auto add = [&](const TableRow& row) {
        for (std::size_t i = 0; i + 1 < row.size(); ++i) lines += fmt::format("{:<{}}  ", row[i], widths[i]);
        lines += row.back() + "\n";
    };
    add(header);
    for (const TableRow& row : rows) add(row);
    return lines;
}

}  // namespace sluice
