// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "compiler/sema/keys.h"
#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"
#include "runtime/packet/packet_text.h"

namespace sluice::sema {
namespace {

constexpr std::size_t longest_test_name = 200;

class TestReader {
  public:
    TestReader(Context& context, TenantScope& scope)
        : context_(context), scope_(scope), tenant_(context.tenant(scope)) {}

    void read(const Node& node) {
        const Span start = node.is_map() && node.entry_count() > 0 ? node.key(0).span : node.span;
        const Object object(context_, node, keys::test, start);
        if (!object.is_map()) return;
        policy::Assertion result;
        result.where = context_.position(start);
        name(object, result);
        const auto before = packet(object, "packet", Wildcards::refused);
        const auto after = packet(object, "becomes", Wildcards::allowed);
        if (before) result.packet = object["packet"]->text;
        if (after) result.becomes = object["becomes"]->text;
        on(object, result);
        if (const auto* value = object["expect"]) {
            const auto word = word_of(context_, *value, "expect", {"allow", "drop", "reject"});
            if (word) result.expect = static_cast<policy::Expectation>(*word);
            if (word && *word != 0 && object["becomes"] != nullptr) {
                context_
                    .report(Code::test_contradicts, object.key_span("becomes"),
                            fmt::format("a packet that meets {} becomes nothing", value->text))
                    .help("delete becomes, or expect allow");
            }
            if (word) rule(object, static_cast<policy::Action>(*word), result);
        }
        tenant_.assertions.push_back(std::move(result));
    }

  private:
    void name(const Object& object, policy::Assertion& result) {
        const auto* node = object["name"];
        if (node == nullptr || !text_of(context_, *node, "a test's name")) return;
        if (node->text.size() > longest_test_name) {
            context_.report(Code::bad_name, node->span,
                            fmt::format("a test's name has at most {} bytes", longest_test_name));
            return;
        }
        result.name = node->text;
        const auto [first, is_new] = names_.emplace(node->text, node->span);
        if (!is_new) {
            context_.report(Code::name_twice, node->span, fmt::format("there are two tests \"{}\"", node->text))
                .note(first->second, "the first one");
        }
    }

    std::optional<PacketText> packet(const Object& object, std::string_view key, Wildcards wildcards) {
        const auto* node = object[key];
        if (node == nullptr || !text_of(context_, *node, "a packet")) return std::nullopt;
        PacketTextError error;
        auto packet = parse_packet_text(node->text, wildcards, error);
        if (packet) return packet;
        // Point into the text where what stands in the file is the text itself.
        Span where = node->span;
        const std::uint32_t quote = node->plain ? 0 : 1;
        if (where.end - where.begin == node->text.size() + quote * 2) {
            where.begin += quote + static_cast<std::uint32_t>(error.begin);
            where.end = where.begin + static_cast<std::uint32_t>(error.end - error.begin);
        }
        context_.report(Code::bad_packet, where, error.words);
        return std::nullopt;
    }

    void on(const Object& object, policy::Assertion& result) {
        const auto* node = object["on"];
        if (node == nullptr || !text_of(context_, *node, "on")) return;
        const auto found = scope_.names.find(node->text);
        if (found != scope_.names.end() && found->second.kind == Symbol::Kind::zone) {
            result.on = static_cast<std::uint16_t>(found->second.index);
            return;
        }
        std::vector<std::string_view> candidates;
        for (const auto& interface : tenant_.interfaces) candidates.push_back(interface.name);
        context_.report_unknown(*node, "segment, uplink or peer", candidates);
    }

    void rule(const Object& object, policy::Action expected, policy::Assertion& result) {
        const auto* node = object["rule"];
        if (node == nullptr || !text_of(context_, *node, "a rule")) return;
        result.rule = node->text;
        if (node->text == "default") return;
        const auto found = scope_.rule_names.find(node->text);
        if (found == scope_.rule_names.end()) {
            std::vector<std::string_view> candidates{"default"};
            for (const auto& [known, span] : scope_.rule_names) candidates.push_back(known);
            // The nearest is found whatever the order; of equally near ones the first in the alphabet.
            context_.report_unknown(*node, "rule", candidates);
            return;
        }
        if (actions_.empty() && tenant_.firewall) {
            for (const auto& known : tenant_.firewall->rules) actions_.emplace(known.name, known.action);
        }
        const auto action = actions_.find(node->text);
        if (action == actions_.end() || action->second == expected) return;
        static constexpr std::string_view words[] = {"allow", "drop", "reject"};
        context_
            .report(Code::test_contradicts, node->span,
                    fmt::format("the test expects {}, but the rule \"{}\" says {}",
                                words[static_cast<std::size_t>(expected)], node->text,
                                words[static_cast<std::size_t>(action->second)]))
            .note(found->second, "the rule");
    }

    Context& context_;
    TenantScope& scope_;
    policy::Tenant& tenant_;
    std::map<std::string_view, Span> names_;
    std::unordered_map<std::string_view, policy::Action> actions_;
};

}  // namespace

void read_tests(Context& context, TenantScope& scope) {
    const auto* node = (*scope.object)["tests"];
    if (node == nullptr) return;
    TestReader reader(context, scope);
    for (const auto* item : list_of(context, *node, "tests")) reader.read(*item);
}

}  // namespace sluice::sema
