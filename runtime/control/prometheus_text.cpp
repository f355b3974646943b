// SPDX-License-Identifier: Apache-2.0
#include "runtime/control/metrics.h"

namespace sluice {
namespace {

/// `also`: a character that needs a backslash beside the backslash itself.
std::string escaped(std::string_view text, char also) {
    std::string result;
    for (const char letter : text) {
        if (letter == '\n') {
            result += "\\n";
            continue;
        }
        if (letter == '\\' || letter == also) result += '\\';
        result += letter;
    }
    return result;
}

std::string text_of(const MetricLabels& labels) {
    if (labels.empty()) return {};
    std::string text = "{";
    for (const auto& [name, value] : labels) {
        if (text.size() > 1) text += ',';
        text.append(name).append("=\"").append(escaped(value, '"')) += '"';
    }
    return text + "}";
}

}  // namespace

std::string prometheus_text(const Metrics& metrics) {
    std::string text;
    for (const auto& [family, samples] : metrics) {
        text.append("# HELP ").append(family.name).append(" ").append(escaped(family.help, '\\')) += '\n';
        text.append("# TYPE ").append(family.name);
        text += family.kind == MetricKind::counter ? " counter\n" : " gauge\n";
        for (const MetricSample& sample : samples) {
            text.append(family.name).append(text_of(sample.labels)).append(" ");
            text.append(std::to_string(sample.value)) += '\n';
        }
    }
    return text;
}

}  // namespace sluice
