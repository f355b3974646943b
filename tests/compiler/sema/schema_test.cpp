// SPDX-License-Identifier: Apache-2.0
//
// The JSON Schemas and the reader's tables say the same, in both directions; and the example policies fit the
// schemas.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "compiler/front/yaml.h"
#include "compiler/sema/keys.h"

namespace sluice::sema {
namespace {

using nlohmann::json;

std::string source_path(const std::string& name) {
    return std::string(std::getenv("SLUICE_SOURCE_DIR")) + "/" + name;
}

std::string read_text(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

json schema(const std::string& name) {
    return json::parse(read_text(source_path("schemas/" + name + ".schema.json")));
}

TEST(Schema, EveryKeyOfTheReaderIsInTheSchemaAndViceVersa) {
    const auto policy = schema("policy")["$defs"];
    const auto tenant = schema("tenant")["$defs"];
    std::set<std::string> described;
    for (const auto* table : keys::all()) {
        const std::string name(table->definition);
        const auto& definition = policy.contains(name) ? policy.at(name) : tenant.at(name);
        described.insert(name);
        std::set<std::string> accepted, required, in_schema, required_in_schema;
        for (const auto& row : table->keys) {
            if (row.need != Need::later) accepted.emplace(row.name);
            if (row.need == Need::required) required.emplace(row.name);
        }
        for (const auto& [key, value] : definition.at("properties").items()) in_schema.insert(key);
        for (const auto& key : definition.value("required", json::array())) required_in_schema.insert(key);
        EXPECT_EQ(accepted, in_schema) << name;
        EXPECT_EQ(required, required_in_schema) << name;
        EXPECT_EQ(definition.at("additionalProperties"), false) << name;
    }
    for (const auto* definitions : {&policy, &tenant}) {
        for (const auto& [name, definition] : definitions->items()) {
            if (!definition.contains("properties")) continue;
            EXPECT_TRUE(described.contains(name)) << name << " is no object of the reader";
        }
    }
}

// The part of JSON Schema that our two files use; what they do not use is a failure, so that the walk stays
// honest.
class Walk {
  public:
    explicit Walk(json root) : root_(std::move(root)) {}

    bool fits(const front::Node& node, const json& rules) const {
        static const std::set<std::string> known = {
            "$schema",  "$id",           "title",   "description", "$ref",       "$defs",
            "type",     "enum",          "pattern", "minimum",     "maximum",    "maxLength",
            "minItems", "minProperties", "items",   "required",    "properties", "additionalProperties",
            "anyOf"};
        for (const auto& [word, value] : rules.items()) EXPECT_TRUE(known.contains(word)) << word;
        if (rules.contains("$ref") && !fits_reference(node, rules.at("$ref").get<std::string>())) return false;
        if (rules.contains("anyOf")) {
            const auto& all = rules.at("anyOf");
            if (std::none_of(all.begin(), all.end(), [&](const json& one) { return fits(node, one); }))
                return false;
        }
        return has_type(node, rules) && fits_scalar(node, rules) && fits_list(node, rules) &&
               fits_map(node, rules);
    }

  private:
    /// #/$defs/NAME, or in the other file: tenant.schema.json#/$defs/NAME.
    bool fits_reference(const front::Node& node, const std::string& reference) const {
        const std::size_t mark = reference.find("#/$defs/");
        const std::string file = reference.substr(0, mark), name = reference.substr(mark + 8);
        if (file.empty()) return fits(node, root_.at("$defs").at(name));
        const json other = schema(file.substr(0, file.find('.')));
        return Walk(other).fits(node, other.at("$defs").at(name));
    }

    static bool is_of(const front::Node& node, const std::string& type) {
        const bool integer =
            node.is_scalar() && node.plain && std::regex_match(std::string(node.text), std::regex("[0-9]+"));
        const bool boolean = node.is_scalar() && node.plain && (node.text == "true" || node.text == "false");
        if (type == "object") return node.is_map();
        if (type == "array") return node.is_list();
        if (type == "null") return node.is_null();
        if (type == "integer") return integer;
        if (type == "boolean") return boolean;
        return type == "string" && node.is_scalar() && !integer && !boolean && !node.is_null();
    }

    static bool has_type(const front::Node& node, const json& rules) {
        if (!rules.contains("type")) return true;
        const auto& type = rules.at("type");
        if (type.is_string()) return is_of(node, type);
        return std::any_of(type.begin(), type.end(), [&](const json& one) { return is_of(node, one); });
    }

    static bool fits_scalar(const front::Node& node, const json& rules) {
        if (!node.is_scalar()) return true;
        const std::string text(node.text);
        if (rules.contains("enum") &&
            std::find(rules["enum"].begin(), rules["enum"].end(), text) == rules["enum"].end())
            return false;
        if (rules.contains("pattern") &&
            !std::regex_search(text, std::regex(rules["pattern"].get<std::string>())))
            return false;
        if (rules.contains("maxLength") && text.size() > rules["maxLength"]) return false;
        if (rules.contains("minimum") && std::stol(text) < rules["minimum"]) return false;
        return !rules.contains("maximum") || std::stol(text) <= rules["maximum"];
    }

    bool fits_list(const front::Node& node, const json& rules) const {
        if (!node.is_list()) return true;
        if (rules.contains("minItems") && node.children.size() < rules["minItems"]) return false;
        return !rules.contains("items") ||
               std::all_of(node.children.begin(), node.children.end(),
                           [&](const front::Node& item) { return fits(item, rules["items"]); });
    }

    bool fits_map(const front::Node& node, const json& rules) const {
        if (!node.is_map()) return true;
        if (rules.contains("minProperties") && node.entry_count() < rules["minProperties"]) return false;
        std::set<std::string> seen;
        for (std::size_t entry = 0; entry < node.entry_count(); ++entry) {
            const std::string key(node.key(entry).text);
            seen.insert(key);
            const bool named = rules.contains("properties") && rules["properties"].contains(key);
            if (!named && rules.contains("additionalProperties") && rules["additionalProperties"] == false)
                return false;
            if (named && !fits(node.value(entry), rules["properties"][key])) return false;
            const bool open = !named && rules.contains("additionalProperties");
            if (open && !fits(node.value(entry), rules["additionalProperties"])) return false;
        }
        const auto required = rules.value("required", json::array());
        return std::all_of(required.begin(), required.end(),
                           [&](const json& key) { return seen.contains(key); });
    }

    json root_;
};

bool fits(const std::string& text, const std::string& schema_name) {
    front::Sources sources;
    front::Diagnostics diagnostics;
    const auto file = sources.add("policy.yaml", text);
    const auto document = front::read_yaml(sources, file, diagnostics);
    if (!document) return false;
    const auto root = schema(schema_name);
    return Walk(root).fits(document->root, root);
}

TEST(Schema, ExamplePoliciesFit) {
    unsigned seen = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source_path("rules"))) {
        if (entry.path().extension() != ".yaml") continue;
        const auto text = read_text(entry.path().string());
        const bool is_gateway = text.starts_with("gateway:") || text.find("\ngateway:") != std::string::npos;
        const bool is_tenant = text.starts_with("tenant:") || text.find("\ntenant:") != std::string::npos;
        if (!is_gateway && !is_tenant) continue;
        EXPECT_TRUE(fits(text, is_gateway ? "policy" : "tenant")) << entry.path();
        ++seen;
    }
    EXPECT_GE(seen, 6U);
}

TEST(Schema, RefusesWhatTheReaderRefuses) {
    EXPECT_TRUE(fits("tenant: blue\n", "tenant"));
    EXPECT_FALSE(fits("tenants: blue\n", "tenant"));
    EXPECT_FALSE(fits("tenant: 2blue\n", "tenant"));
    EXPECT_FALSE(
        fits("tenant: blue\nsegments: {web: {vlan: {port: a, id: 4095}, gateway: 10.0.0.1/24}}\n", "tenant"));
    EXPECT_FALSE(fits("tenant: blue\nroutes: [{via: 10.0.0.1}]\n", "tenant"));
    EXPECT_FALSE(fits("tenant: blue\nfirewall: {default: deny}\n", "tenant"));
    EXPECT_FALSE(fits("tenant: blue\nnat: [{snat: any, on: internet, to: 192.0.2.1}]\n", "tenant"));
}

}  // namespace
}  // namespace sluice::sema
