// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/diagnostics.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice::front {
namespace {

auto order(const Diagnostic& diagnostic) {
    // A file that could not be read at all comes before every text.
    const std::uint32_t file = diagnostic.where.file == no_file ? 0 : diagnostic.where.file + 1;
    return std::tuple(info(diagnostic.code).severity(), file, diagnostic.where.begin, diagnostic.code,
                      diagnostic.where.end, std::string_view(diagnostic.text));
}

}  // namespace

Diagnostic& Diagnostic::with_label(std::string words) {
    label = std::move(words);
    return *this;
}

Diagnostic& Diagnostic::note(Span place, std::string words) {
    notes.push_back({place, std::move(words)});
    return *this;
}

Diagnostic& Diagnostic::help(std::string words) {
    helps.push_back(std::move(words));
    return *this;
}

Diagnostic& Diagnostics::report(Code code, Span where, std::string text) {
    if (info(code).severity() == Severity::error) ++errors_;
    auto& added = all_.emplace_back();
    added.code = code;
    added.where = where;
    added.text = std::move(text);
    return added;
}

void Diagnostics::sort() {
    std::stable_sort(all_.begin(), all_.end(),
                     [](const Diagnostic& a, const Diagnostic& b) { return order(a) < order(b); });
    const auto last = std::unique(all_.begin(), all_.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return order(a) == order(b);
    });
    all_.erase(last, all_.end());
    errors_ =
        static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [](const Diagnostic& diagnostic) {
            return info(diagnostic.code).severity() == Severity::error;
        }));
}

}  // namespace sluice::front
