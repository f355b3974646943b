// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "compiler/analyze/assertion.h"
#include "compiler/program/commands.h"
#include "compiler/program/load.h"

namespace sluice::program {
namespace {

void print_json(const std::vector<AssertionResult>& results) {
    auto rows = nlohmann::ordered_json::array();
    for (const AssertionResult& result : results) {
        nlohmann::ordered_json row;
        row["tenant"] = result.tenant;
        row["name"] = result.name;
        row["file"] = result.file;
        row["line"] = result.line;
        row["passed"] = result.passed;
        if (!result.passed) row["explanation"] = result.explanation;
        rows.push_back(std::move(row));
    }
    fmt::print("{}\n", rows.dump(2));
}

Exit test(const std::string& path, bool json) {
    Exit exit = Exit::done;
    const auto image = load_image(path, exit);
    if (!image) return exit;
    const auto results = run_assertions(*image);
    std::size_t failed = 0;
    for (const AssertionResult& result : results) {
        if (result.passed) continue;
        ++failed;
        fmt::print(stderr, "{}:{}: {}: \"{}\": {}\n", result.file, result.line, result.tenant, result.name,
                   result.explanation);
    }
    if (json) {
        print_json(results);
    } else {
        fmt::print("{} passed, {} failed\n", results.size() - failed, failed);
    }
    return failed == 0 ? Exit::done : Exit::failed;
}

}  // namespace

void add_test(CLI::App& app, Exit& exit) {
    struct Options {
        std::string path;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("test", "Run the assertions that a policy carries");
    command->add_option("POLICY|IMAGE", options->path, "a policy (directory or gateway.yaml), or an image")
        ->required();
    command->add_flag("--json", options->json, "print each assertion's result as JSON");
    command->callback([options, &exit] { exit = test(options->path, options->json); });
}

}  // namespace sluice::program
