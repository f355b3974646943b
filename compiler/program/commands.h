// SPDX-License-Identifier: Apache-2.0
//
// The subcommands of sluicec: a .cpp each, and a line each in main.cpp. A command sets `exit` when it runs.
#pragma once

namespace CLI {
class App;
}

namespace sluice::program {

/// What scripts rely on.
enum class Exit : int { done = 0, failed = 1, usage = 2, integrity = 4 };

void add_check(CLI::App& app, Exit& exit);
void add_build(CLI::App& app, Exit& exit);
void add_test(CLI::App& app, Exit& exit);
void add_explain(CLI::App& app, Exit& exit);
void add_inspect(CLI::App& app, Exit& exit);
void add_verify(CLI::App& app, Exit& exit);

}  // namespace sluice::program
