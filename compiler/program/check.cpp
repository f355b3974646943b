// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "compiler/front/render.h"
#include "compiler/program/commands.h"
#include "compiler/program/report.h"

namespace sluice::program {

void add_check(CLI::App& app, Exit& exit) {
    struct Options {
        std::string policy;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    auto* command = app.add_subcommand("check", "Report every problem of a policy: errors, then lints");
    command->add_option("POLICY", options->policy, "directory that holds gateway.yaml, or that file")
        ->required();
    command->add_flag("--json", options->json, "print the diagnostics as JSON on standard output");
    command->callback([options, &exit] {
        sema::CheckResult result;
        if (options->json) {
            result = sema::check_policy(options->policy, front::DiskFiles());
            const auto text = front::render_json(result.diagnostics, result.sources);
            std::fwrite(text.data(), 1, text.size(), stdout);
        } else {
            result = check_and_report(options->policy);
        }
        exit = result.policy ? Exit::done : Exit::failed;
    });
}

}  // namespace sluice::program
