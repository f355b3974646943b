// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/table_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::program {
namespace {

void print_table(const char* what, const TableReport& table) {
    fmt::print("  {:<8} {}, {} bytes, {} {}", what, table.kind, table.bytes, table.references,
               table.references == 1 ? "reference" : "references");
    if (table.worst_reads != 0) fmt::print(", at most {} reads a look-up", table.worst_reads);
    fmt::print("\n");
}

}  // namespace

nlohmann::ordered_json json_of_tables(const ImageReport& image) {
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const TableReport& table : image.tables) {
        rows.push_back({{"kind", table.kind},
                        {"digest", table.digest},
                        {"bytes", table.bytes},
                        {"references", table.references},
                        {"worst_reads", table.worst_reads}});
    }
    return {{"bytes", image.table_bytes()},
            {"references", image.references()},
            {"unshared_bytes", image.unshared_bytes()},
            {"rows", rows}};
}

void print_tables(const ImageReport& image) {
    if (image.tables.empty()) return;
    fmt::print("tables: {} for {} references, {} bytes, {} if each reference had its own\n",
               image.tables.size(), image.references(), image.table_bytes(), image.unshared_bytes());
    print_table("largest", image.tables.front());
    const auto slowest =
        std::max_element(image.tables.begin(), image.tables.end(),
                         [](const auto& a, const auto& b) { return a.worst_reads < b.worst_reads; });
    print_table("slowest", *slowest);
}

}  // namespace sluice::program
