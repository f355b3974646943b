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

#include "compiler/analyze/image_report.h"
#include "compiler/lower/build_image.h"
#include "compiler/program/commands.h"
#include "compiler/program/report.h"
#include "compiler/program/signing.h"
#include "compiler/program/table_report.h"
#include "schemas/layout/cpu_target.h"
#include "schemas/layout/image_seal.h"

namespace sluice::program {
namespace {

struct Options {
    std::string policy;
    std::string image;
    unsigned threads = 0;
    SigningOptions signing;
    std::vector<std::string> targets;
    bool json = false;
};

std::size_t external_addresses(const policy::Tenant& tenant) {
    std::size_t count = tenant.one_to_one.size();
    for (const auto& rule : tenant.snat) count += rule.pool.size();
    return count;
}

// Whole or not at all: a reader never meets half an image under the final name.
std::string write_file(const std::string& path, std::span<const std::uint8_t> bytes) {
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

void print_report(const Options& options, const policy::Policy& policy, const ImageReport& image,
                  const std::optional<Signing>& signing) {
    if (options.json) {
        nlohmann::ordered_json report;
        report["image"] = options.image;
        report["bytes"] = image.bytes;
        report["digest"] = image.digest;
        if (signing) {
            report["key"] = signing->key_id;
            report["trusted_comment"] = signing->trusted_comment;
        }
        report["tenants"] = nlohmann::ordered_json::array();
        for (std::size_t i = 0; i < policy.tenants.size(); ++i) {
            const auto& tenant = policy.tenants[i];
            nlohmann::ordered_json row;
            row["tenant"] = tenant.name;
            row["bytes"] = image.tenants[i].bytes;
            row["table_bytes"] = image.tenants[i].table_bytes;
            row["shared_bytes"] = image.tenants[i].shared_bytes;
            row["lookups4"] = image.tenants[i].worst_lookups4();
            row["lookups6"] = image.tenants[i].worst_lookups6();
            row["interfaces"] = tenant.interfaces.size();
            row["routes"] = tenant.routes.size();
            row["rules"] = tenant.firewall ? tenant.firewall->rules.size() : 0;
            row["nat"] = tenant.snat.size() + tenant.dnat.size() + tenant.one_to_one.size();
            row["snat_and_one_to_one_addresses"] = external_addresses(tenant);
            row["tests"] = tenant.assertions.size();
            report["tenants"].push_back(row);
        }
        report["tables"] = json_of_tables(image);
        fmt::print("{}\n", report.dump(2));
        return;
    }
    fmt::print("{}: {} bytes, gateway \"{}\"\n", options.image, image.bytes, policy.gateway);
    fmt::print("  {:<24} {:>10} {:>8} {:>8} {:>6} {:>6} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "tenant",
               "interfaces", "routes", "rules", "nat", "tests", "bytes", "tables", "shared", "look-ups 4",
               "look-ups 6");
    for (std::size_t i = 0; i < policy.tenants.size(); ++i) {
        const auto& tenant = policy.tenants[i];
        const TenantReport& row = image.tenants[i];
        fmt::print("  {:<24} {:>10} {:>8} {:>8} {:>6} {:>6} {:>10} {:>10} {:>10} {:>10} {:>10}\n", tenant.name,
                   tenant.interfaces.size(), tenant.routes.size(),
                   tenant.firewall ? tenant.firewall->rules.size() : 0,
                   tenant.snat.size() + tenant.dnat.size() + tenant.one_to_one.size(), tenant.assertions.size(),
                   row.bytes, row.table_bytes, row.shared_bytes, row.worst_lookups4(), row.worst_lookups6());
    }
    print_tables(image);
    if (signing) fmt::print("signed by {}, {}\n", signing->key_id, signing->trusted_comment);
}

Exit fail(const std::string& why) {
    fmt::print(stderr, "sluicec: {}\n", why);
    return Exit::failed;
}

/// Nothing where one of them is unknown, which has been said then.
std::optional<CpuTargets> cpu_targets(const std::vector<std::string>& names) {
    CpuTargets targets = 0;
    for (const std::string& name : names) {
        const auto target = parse_cpu_target(name);
        if (!target) {
            fmt::print(stderr, "sluicec: --target {}: expected x86-64, x86-64-v2, x86-64-v3 or x86-64-v4\n",
                       name);
            return std::nullopt;
        }
        targets |= *target;
    }
    return targets;
}

Exit build(const Options& options) {
    const auto targets = cpu_targets(options.targets);
    if (!targets) return Exit::usage;
    // First: whoever types a password or forgot the key should not wait for the compiler.
    std::optional<SecretKey> key;
    if (options.signing.wanted()) {
        auto read = read_secret_key(options.signing);
        if (const auto* error = std::get_if<SignatureError>(&read)) return fail(error->text);
        key.emplace(std::get<SecretKey>(std::move(read)));
    }
    const auto result = check_and_report(options.policy);
    if (!result.policy) return Exit::failed;
    auto bytes = build_image(*result.policy, options.threads);
    if (*targets != 0) seal_image(bytes, *targets);
    // What we write is what gateways accept, or it is not written.
    const auto loaded = Image::from_bytes(bytes);
    if (const auto* refused = std::get_if<ImageError>(&loaded)) {
        return fail("the compiler made an image that gateways would refuse: " + refused->text);
    }
    const Image& image = *std::get<std::unique_ptr<const Image>>(loaded);
    if (const auto error = write_file(options.image, bytes); !error.empty()) return fail(error);
    std::optional<Signing> signing;
    if (key) {
        signing = sign_image(options.signing, *key, bytes, image.digest());
        const std::string path = options.image + ".minisig";
        const std::span text(reinterpret_cast<const std::uint8_t*>(signing->text.data()), signing->text.size());
        if (const auto error = write_file(path, text); !error.empty()) return fail(error);
    }
    print_report(options, *result.policy, report_on(image), signing);
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
    command
        ->add_option("--target", options->targets,
                     "a CPU that the image is for: x86-64-v2, -v3, ...; any number (none: any CPU)")
        ->type_name("CPU")
        ->allow_extra_args(false);
    add_signing_options(*command, options->signing);
    command->add_flag("--json", options->json, "print the report as JSON");
    command->callback([options, &exit] { exit = build(*options); });
}

}  // namespace sluice::program
