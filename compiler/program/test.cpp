// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "compiler/analyze/assertion.h"
#include "compiler/lower/build_image.h"
#include "compiler/program/commands.h"
#include "compiler/program/report.h"

namespace sluice::program {
namespace {

/// An image, or a policy that is compiled first: a directory or a YAML file is a policy.
bool is_policy(const std::string& path) {
    const std::filesystem::path file(path);
    return std::filesystem::is_directory(file) || file.extension() == ".yaml" || file.extension() == ".yml";
}

std::unique_ptr<const Image> load(const std::string& path, Exit& exit) {
    Image::Result result = ImageError{};
    if (is_policy(path)) {
        const auto checked = check_and_report(path);
        if (!checked.policy) {
            exit = Exit::failed;
            return nullptr;
        }
        result = Image::from_bytes(build_image(*checked.policy));
    } else {
        result = Image::load(path);
    }
    if (auto* image = std::get_if<std::unique_ptr<const Image>>(&result)) return std::move(*image);
    const auto& error = std::get<ImageError>(result);
    fmt::print(stderr, "sluicec: {}: {}\n", path, error.text);
    exit = error.kind == ImageError::Kind::integrity ? Exit::integrity : Exit::failed;
    return nullptr;
}

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
    const auto image = load(path, exit);
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
