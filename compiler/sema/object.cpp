// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/object.h"

#include <fmt/format.h>

#include "compiler/sema/context.h"

namespace sluice::sema {
namespace {

std::string_view later_help(Code code) {
    switch (code) {
        case Code::pbb_later:
            return "attach the segment with vlan, qinq, untagged, vxlan or geneve";
        default:
            return "delete it, or keep this part of the policy for a version that has it";
    }
}

std::string all_keys(const ObjectTable& table) {
    std::string text;
    for (const auto& row : table.keys) {
        if (row.need == Need::later) continue;
        if (!text.empty()) text += ", ";
        text += row.name;
    }
    return text;
}

}  // namespace

std::size_t Object::row_of(std::string_view key) const {
    for (std::size_t row = 0; row < table_->keys.size(); ++row) {
        if (table_->keys[row].name == key) return row;
    }
    return table_->keys.size();
}

void Object::report_unknown_key(Context& context, const front::Node& key) const {
    auto& diagnostic = context.report(Code::unknown_key, key.span,
                                      fmt::format("{} has no key \"{}\"", table_->what, key.text));
    std::vector<std::string_view> candidates;
    for (const auto& row : table_->keys) candidates.push_back(row.name);
    const auto nearest = context.suggester.nearest(key.text, candidates);
    diagnostic.help(nearest.empty() ? fmt::format("its keys are: {}", all_keys(*table_))
                                    : fmt::format("did you mean \"{}\"?", nearest));
}

Object::Object(Context& context, const Node& node, const ObjectTable& table, Span owner_span)
    : table_(&table), owner_(owner_span) {
    if (!node.is_map()) {
        context
            .report(Code::wrong_type, node.span,
                    fmt::format("{} must be a mapping of keys to values", table.what))
            .help(fmt::format("its keys are: {}", all_keys(table)));
        return;
    }
    is_map_ = true;
    for (std::size_t entry = 0; entry < node.entry_count(); ++entry) {
        const auto& key = node.key(entry);
        const auto& value = node.value(entry);
        const std::size_t row = row_of(key.text);
        if (row == table.keys.size()) {
            report_unknown_key(context, key);
            continue;
        }
        if (keys_[row] != nullptr) {
            context
                .report(Code::duplicate_key, key.span,
                        fmt::format("the key \"{}\" stands here twice", key.text))
                .note(keys_[row]->span, "it stands here first");
            continue;
        }
        keys_[row] = &key;
        if (table.keys[row].need == Need::later) {
            has_later_ = true;
            context
                .report(table.keys[row].later, key.span,
                        fmt::format("{} is not supported by this version yet", key.text))
                .help(std::string(later_help(table.keys[row].later)));
        } else if (value.is_null()) {
            context.report(Code::wrong_type, key.span, fmt::format("\"{}\" has no value", key.text))
                .help("write a value behind it, or delete the key");
        } else {
            values_[row] = &value;
        }
    }
    for (std::size_t row = 0; row < table.keys.size(); ++row) {
        if (table.keys[row].need != Need::required || keys_[row] != nullptr) continue;
        context.report(Code::missing_key, owner_,
                       fmt::format("{} needs the key \"{}\"", table.what, table.keys[row].name));
    }
}

const Node* Object::operator[](std::string_view key) const {
    const std::size_t row = row_of(key);
    return row < table_->keys.size() ? values_[row] : nullptr;
}

Span Object::key_span(std::string_view key) const {
    const std::size_t row = row_of(key);
    return row < table_->keys.size() && keys_[row] != nullptr ? keys_[row]->span : owner_;
}

}  // namespace sluice::sema
