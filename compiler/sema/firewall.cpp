// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"
#include "compiler/sema/services.h"

namespace sluice::sema {
namespace {

class FirewallReader {
  public:
    FirewallReader(Context& context, TenantScope& scope)
        : context_(context), scope_(scope), tenant_(context.tenant(scope)) {}

    void read(const Node& node) {
        auto& firewall = tenant_.firewall.emplace();
        const Object object(context_, node, keys::firewall, scope_.object->key_span("firewall"));
        if (const auto* value = object["default"]) {
            if (const auto action = action_of(context_, *value, "the default"))
                firewall.from_uplink = firewall.otherwise = *action;
        }
        if (const auto* value = object["implausible-segments"]) {
            const auto word = word_of(context_, *value, "implausible-segments", {"pass", "drop"});
            tenant_.firewall->drops_implausible = word == 1u;
        }
        if (const auto* value = object["denied-sessions"]) {
            const auto word = word_of(context_, *value, "denied-sessions", {"cut", "keep"});
            firewall.keeps_denied_sessions = word == 1u;
        }
        if (const auto* rules = object["rules"]) {
            for (const auto* item : list_of(context_, *rules, "rules")) rule(*item);
        }
    }

  private:
    void rule(const Node& node);
    bool name(const Node& node);
    bool side(const Node& node, policy::Side& result, std::string_view what);
    bool side_item(const Node& node, policy::Side& result, std::string_view what);
    bool services(const Node& node, policy::Rule& result);
    void unknown_side(const Node& node);
    void unknown_service(const Node& node);
    std::uint32_t literal_set(const Prefix& prefix);

    Context& context_;
    TenantScope& scope_;
    policy::Tenant& tenant_;
};

bool FirewallReader::name(const Node& node) {
    if (!is_name(context_, node, "a rule")) return false;
    if (node.text == "default") {
        context_.report(Code::reserved_name, node.span,
                        "a rule cannot be called \"default\": that is what decides when no rule matches");
        return false;
    }
    const auto [first, is_new] = scope_.rule_names.emplace(node.text, node.span);
    if (is_new) return true;
    context_.report(Code::rule_twice, node.span, fmt::format("there are two rules \"{}\"", node.text))
        .note(first->second, "the first one")
        .help("counters and tests go by the name: give each rule its own");
    return false;
}

void FirewallReader::unknown_side(const Node& node) {
    std::vector<std::string_view> candidates{"any"};
    for (const auto& [known, symbol] : scope_.names) candidates.push_back(known);
    context_.report_unknown(node, "zone or set of addresses", candidates);
}

std::uint32_t FirewallReader::literal_set(const Prefix& prefix) {
    auto text = to_string(prefix);
    const auto [found, is_new] =
        scope_.literal_sets.emplace(text, static_cast<std::uint32_t>(tenant_.sets.size()));
    if (is_new) tenant_.sets.push_back({std::move(text), {prefix}});
    return found->second;
}

bool FirewallReader::side_item(const Node& node, policy::Side& result, std::string_view what) {
    if (!text_of(context_, node, what)) return false;
    if (node.text == "any") {
        result.any = true;
        return true;
    }
    const auto found = scope_.names.find(node.text);
    if (found != scope_.names.end() && found->second.kind == Symbol::Kind::zone) {
        result.zones.push_back(static_cast<std::uint16_t>(found->second.index));
        return true;
    }
    if (found != scope_.names.end()) {
        auto& named = scope_.addresses[found->second.index];
        named.used = true;
        if (!named.set) {
            named.set = static_cast<std::uint32_t>(tenant_.sets.size());
            tenant_.sets.push_back({std::string(named.name), named.prefixes});
        }
        result.sets.push_back(*named.set);
        return true;
    }
    // Names have no dots, slashes or colons, addresses always have one.
    if (node.text.find_first_of("./:") == std::string_view::npos) {
        unknown_side(node);
        return false;
    }
    const auto prefix = address_or_prefix_of(context_, node, what);
    if (prefix) result.sets.push_back(literal_set(*prefix));
    return prefix.has_value();
}

template <typename Index>
void make_unique(std::vector<Index>& list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
}

bool FirewallReader::side(const Node& node, policy::Side& result, std::string_view what) {
    const auto items = items_of(node);
    if (items.empty())
        context_.report(Code::empty_list, node.span, fmt::format("\"{}\" names nothing", what))
            .help("write any for every address");
    bool all_good = !items.empty();
    for (const auto* item : items) {
        if (!side_item(*item, result, what)) all_good = false;
    }
    if (result.any) {
        result.zones.clear();
        result.sets.clear();
    }
    make_unique(result.zones);
    make_unique(result.sets);
    return all_good;
}

void FirewallReader::unknown_service(const Node& node) {
    const auto word = node.text.substr(0, node.text.find('/'));
    if (is_service_word(word) || word.size() != node.text.size()) {
        context_.report(Code::bad_service, node.span, fmt::format("\"{}\" is not a service", node.text))
            .help(fmt::format("a service reads {}", service_forms));
        return;
    }
    std::vector<std::string_view> candidates{"any", "tcp", "udp", "icmp", "icmpv6"};
    for (const auto& [known, named] : scope_.services) candidates.push_back(known);
    context_.report_unknown(node, "service", candidates);
}

bool FirewallReader::services(const Node& node, policy::Rule& result) {
    const auto items = items_of(node);
    if (items.empty())
        context_.report(Code::empty_list, node.span, "\"service\" names nothing")
            .help("delete it for every service");
    bool all_good = !items.empty();
    bool is_any = false;
    for (const auto* item : items) {
        if (!text_of(context_, *item, "a service")) {
            all_good = false;
            continue;
        }
        const auto found = scope_.services.find(item->text);
        if (item->text == "any") {
            is_any = true;
        } else if (found != scope_.services.end()) {
            found->second.used = true;
            const auto& named = found->second.services;
            result.services.insert(result.services.end(), named.begin(), named.end());
            if (named.empty()) all_good = false;
        } else if (const auto service = parse_service(item->text)) {
            result.services.push_back(*service);
        } else {
            unknown_service(*item);
            all_good = false;
        }
    }
    if (is_any) result.services.clear();
    return all_good;
}

void FirewallReader::rule(const Node& node) {
    const Span start = node.is_map() && node.entry_count() > 0 ? node.key(0).span : node.span;
    const Object object(context_, node, keys::rule, start);
    if (!object.is_map()) return;
    policy::Rule result;
    result.where = context_.position(start);
    bool all_good = true;
    const auto take = [&](std::string_view key, auto&& reader) {
        const auto* value = object[key];
        if (value != nullptr && !reader(*value)) all_good = false;
    };
    take("name", [&](const Node& value) {
        result.name = value.text;
        return name(value);
    });
    take("from", [&](const Node& value) { return side(value, result.from, "from"); });
    take("to", [&](const Node& value) { return side(value, result.to, "to"); });
    take("service", [&](const Node& value) { return services(value, result); });
    take("action", [&](const Node& value) {
        const auto action = action_of(context_, value, "an action");
        result.action = action.value_or(policy::Action::drop);
        return action.has_value();
    });
    take("log", [&](const Node& value) {
        const auto log = boolean_of(context_, value, "log");
        result.log = log.value_or(false);
        return log.has_value();
    });
    if (!all_good) return;
    scope_.rule_spans.push_back(object["name"] != nullptr ? object["name"]->span : start);
    tenant_.firewall->rules.push_back(std::move(result));
}

}  // namespace

void read_firewall(Context& context, TenantScope& scope) {
    if (const auto* node = (*scope.object)["firewall"]) FirewallReader(context, scope).read(*node);
}

}  // namespace sluice::sema
