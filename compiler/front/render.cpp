// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/render.h"

#include <algorithm>
#include <string_view>

#include "compiler/front/utf8.h"

namespace sluice::front {
namespace {

constexpr std::size_t widest_line_bytes = 200;

struct Paint {
    Colour colour;
    std::string operator()(std::string_view sequence, std::string_view text) const {
        if (colour == Colour::off) return std::string(text);
        return "\x1b[" + std::string(sequence) + "m" + std::string(text) + "\x1b[0m";
    }
};

std::string place(const Sources& sources, Span where, const std::string& path) {
    if (where.file == no_file) return path;
    const auto at = sources.at(where);
    return sources[where.file].name() + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

// A policy's text must not steer the terminal it is shown on.
std::string replace_control(std::string_view text) {
    std::string shown(text);
    while (const auto bad = first_bad_byte(shown)) shown[bad->offset] = '?';
    std::replace_if(
        shown.begin(), shown.end(), [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
    return shown;
}

// A part of the line around the span, at character boundaries, so that a one-line file does not flood the
// terminal.
std::string_view window(std::string_view line, std::size_t& begin, std::size_t& end) {
    if (line.size() <= widest_line_bytes) return line;
    const auto continues = [&](std::size_t i) {
        return i < line.size() && (static_cast<unsigned char>(line[i]) & 0xc0) == 0x80;
    };
    std::size_t from = begin > widest_line_bytes / 2 ? begin - widest_line_bytes / 2 : 0;
    std::size_t to = std::min(line.size(), from + widest_line_bytes);
    while (from < begin && continues(from)) ++from;  // a text that is not UTF-8 may have nothing else
    while (continues(to)) ++to;
    begin -= from;
    end = std::min(end, to) - from;
    return line.substr(from, to - from);
}

std::string excerpt(const Sources& sources, const Diagnostic& diagnostic, const Paint& paint,
                    std::string_view sequence) {
    const auto& file = sources[diagnostic.where.file];
    const auto at = file.at(diagnostic.where.begin);
    const std::size_t line_begin = file.line_begin(diagnostic.where.begin);
    auto line = file.line(at.line);
    std::size_t begin = std::min<std::size_t>(diagnostic.where.begin - line_begin, line.size());
    std::size_t end = std::clamp<std::size_t>(diagnostic.where.end - line_begin, begin, line.size());
    line = window(line, begin, end);
    const auto number = std::to_string(at.line);
    std::string padding;
    for (char byte : line.substr(0, begin)) {
        if ((static_cast<unsigned char>(byte) & 0xc0) != 0x80) padding += byte == '\t' ? '\t' : ' ';
    }
    const std::string carets(std::max<std::size_t>(1, character_count(line.substr(begin, end - begin))), '^');
    std::string text = " " + std::string(number.size() < 4 ? 4 - number.size() : 0, ' ') + number + " | " +
                       replace_control(line) + "\n";
    text += " " + std::string(std::max<std::size_t>(4, number.size()), ' ') + " | " + padding +
            paint(sequence, carets);
    if (!diagnostic.label.empty()) text += " " + paint(sequence, diagnostic.label);
    return text + "\n";
}

std::string counted(std::size_t count, std::string_view noun) {
    return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace

std::string render_text(const Diagnostics& diagnostics, const Sources& sources, Colour colour) {
    const Paint paint{colour};
    std::string text;
    for (const auto& diagnostic : diagnostics.all()) {
        const auto& code = info(diagnostic.code);
        const bool is_error = code.severity() == Severity::error;
        const std::string_view sequence = is_error ? "1;31" : "1;35";
        const std::string kind = (is_error ? "error[" : "warning[") + std::string(code.id) + "]";
        text += place(sources, diagnostic.where, diagnostic.path) + ": " + paint(sequence, kind) + ": " +
                replace_control(diagnostic.text) + "\n";
        if (diagnostic.where.file != no_file) text += excerpt(sources, diagnostic, paint, sequence);
        for (const auto& note : diagnostic.notes) {
            text += place(sources, note.where, {}) + ": " + paint("1;36", "note") + ": " +
                    replace_control(note.text) + "\n";
        }
        for (const auto& help : diagnostic.helps) {
            text += "   " + paint("1;32", "help") + ": " + replace_control(help) + "\n";
        }
    }
    if (diagnostics.all().empty()) return text;
    text += counted(diagnostics.error_count(), "error") + ", " +
            counted(diagnostics.warning_count(), "warning") + "\n";
    return text;
}

}  // namespace sluice::front
