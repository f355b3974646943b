// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/report.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "compiler/front/render.h"

namespace sluice::program {
namespace {

/// Whether standard error is a terminal that shows colours (https://no-color.org).
bool stderr_has_colour() {
    const char* no_color = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    const bool is_dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
    return isatty(STDERR_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') && !is_dumb;
}

}  // namespace

sema::CheckResult check_and_report(const std::string& path) {
    auto result = sema::check_policy(path, front::DiskFiles());
    const auto colour = stderr_has_colour() ? front::Colour::on : front::Colour::off;
    const auto text = front::render_text(result.diagnostics, result.sources, colour);
    std::fwrite(text.data(), 1, text.size(), stderr);
    return result;
}

}  // namespace sluice::program
