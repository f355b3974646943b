// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "compiler/lower/build_image.h"
#include "compiler/program/commands.h"
#include "compiler/program/report.h"

namespace sluice::program {
namespace {

struct Options {
    std::string policy;
    std::string image;
    unsigned threads = 0;
    bool json = false;
};

std::size_t external_addresses(const policy::Tenant& tenant) {
    std::size_t count = tenant.one_to_one.size();
    for (const auto& rule : tenant.snat) count += rule.pool.size();
    return count;
}

// Whole or not at all: a reader never meets half an image under the final name.
std::string write_file(const std::string& path, const std::vector<std::uint8_t>& bytes) {
    const std::string partial = path + ".partial";
    std::FILE* file = std::fopen(partial.c_str(), "wb");
    if (file == nullptr) return fmt::format("cannot write \"{}\": {}", partial, std::strerror(errno));
    const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
    const bool closed = std::fclose(file) == 0;
    std::error_code error;
    if (written && closed) std::filesystem::rename(partial, path, error);
    if (written && closed && !error) return {};
    const auto why = error ? error.message() : std::string(std::strerror(errno));
    std::filesystem::remove(partial, error);
    return fmt::format("cannot write \"{}\": {}", path, why);
}

void print_report(const Options& options, const policy::Policy& policy, std::size_t bytes) {
    if (options.json) {
        nlohmann::ordered_json report;
        report["image"] = options.image;
        report["bytes"] = bytes;
        report["tenants"] = nlohmann::ordered_json::array();
        for (const auto& tenant : policy.tenants) {
            nlohmann::ordered_json row;
            row["tenant"] = tenant.name;
            row["interfaces"] = tenant.interfaces.size();
            row["routes"] = tenant.routes.size();
            row["rules"] = tenant.firewall ? tenant.firewall->rules.size() : 0;
            row["nat"] = tenant.snat.size() + tenant.dnat.size() + tenant.one_to_one.size();
            row["snat_and_one_to_one_addresses"] = external_addresses(tenant);
            row["tests"] = tenant.assertions.size();
            report["tenants"].push_back(row);
        }
        fmt::print("{}\n", report.dump(2));
        return;
    }
    fmt::print("{}: {} bytes, gateway \"{}\"\n", options.image, bytes, policy.gateway);
    fmt::print("  {:<24} {:>10} {:>8} {:>8} {:>6} {:>6}\n", "tenant", "interfaces", "routes", "rules", "nat",
               "tests");
    for (const auto& tenant : policy.tenants) {
        fmt::print("  {:<24} {:>10} {:>8} {:>8} {:>6} {:>6}\n", tenant.name, tenant.interfaces.size(),
                   tenant.routes.size(), tenant.firewall ? tenant.firewall->rules.size() : 0,
                   tenant.snat.size() + tenant.dnat.size() + tenant.one_to_one.size(),
                   tenant.assertions.size());
    }
}

Exit build(const Options& options) {
    const auto result = check_and_report(options.policy);
    if (!result.policy) return Exit::failed;
    const auto image = build_image(*result.policy, options.threads);
    const auto error = write_file(options.image, image);
    if (!error.empty()) {
        fmt::print(stderr, "sluicec: {}\n", error);
        return Exit::failed;
    }
    print_report(options, *result.policy, image.size());
    return Exit::done;
}

}  // namespace

void add_build(CLI::App& app, Exit& exit) {
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("build", "Check a policy and write its image");
    command->add_option("POLICY", options->policy, "directory that holds gateway.yaml, or that file")
        ->required();
    command->add_option("-o,--output", options->image, "where the image goes")->required();
    command->add_option("--threads", options->threads,
                        "threads that lower tenants (0: as many as there are cores)");
    command->add_flag("--json", options->json, "print the report as JSON");
    command->callback([options, &exit] { exit = build(*options); });
}

}  // namespace sluice::program
