// SPDX-License-Identifier: Apache-2.0
//
// sluicec: the offline compiler of policies.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "compiler/program/commands.h"

int main(int argc, char** argv) {
    using sluice::program::Exit;
    Exit exit = Exit::done;
    CLI::App app("sluicec turns the policies of tenants into an image that gateways run.", "sluicec");
    app.require_subcommand(1);
    sluice::program::add_check(app, exit);
    sluice::program::add_build(app, exit);
    sluice::program::add_test(app, exit);
    sluice::program::add_explain(app, exit);
    sluice::program::add_inspect(app, exit);
    sluice::program::add_verify(app, exit);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? static_cast<int>(Exit::done) : static_cast<int>(Exit::usage);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sluicec: %s\n", error.what());
        return static_cast<int>(Exit::failed);
    }
    return static_cast<int>(exit);
}
