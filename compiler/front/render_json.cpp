// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "compiler/front/render.h"

namespace sluice::front {
namespace {

void add_place(nlohmann::ordered_json& object, const Sources& sources, Span where, const std::string& path) {
    if (where.file == no_file) {
        object["file"] = path;
        return;
    }
    const auto& file = sources[where.file];
    const auto begin = file.at(where.begin);
    const auto end = file.at(where.end);
    object["file"] = file.name();
    object["line"] = begin.line;
    object["column"] = begin.column;
    object["end_line"] = end.line;
    object["end_column"] = end.column;
}

}  // namespace

std::string render_json(const Diagnostics& diagnostics, const Sources& sources) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& diagnostic : diagnostics.all()) {
        nlohmann::ordered_json object;
        const auto& code = info(diagnostic.code);
        object["severity"] = code.severity() == Severity::error ? "error" : "warning";
        object["code"] = code.id;
        object["message"] = diagnostic.text;
        add_place(object, sources, diagnostic.where, diagnostic.path);
        if (!diagnostic.label.empty()) object["label"] = diagnostic.label;
        object["notes"] = nlohmann::ordered_json::array();
        for (const auto& note : diagnostic.notes) {
            nlohmann::ordered_json entry;
            entry["message"] = note.text;
            add_place(entry, sources, note.where, {});
            object["notes"].push_back(entry);
        }
        object["help"] = diagnostic.helps;
        list.push_back(object);
    }
    // A file that is not UTF-8 is quoted in a message: never let that end the program.
    return list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::front
