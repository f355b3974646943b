// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/nat_addresses.h"

#include <fmt/format.h>

#include "compiler/sema/scalars.h"

namespace sluice::sema {
namespace {

class Reader {
  public:
    Reader(Context& context, TenantScope& scope, std::string_view key, std::optional<Family> family)
        : context_(context), scope_(scope), key_(key), family_(family) {}

    bool read(const Node& node);
    std::vector<Prefix> result;

  private:
    bool is_wanted(Family family) const { return !family_ || *family_ == family; }
    bool read_name(const Node& node, const Symbol& symbol);

    Context& context_;
    TenantScope& scope_;
    std::string_view key_;
    std::optional<Family> family_;
};

bool Reader::read(const Node& node) {
    if (!text_of(context_, node, fmt::format("what {} takes", key_))) return false;
    if (node.text == "any") {
        for (const Family family : {Family::v4, Family::v6}) {
            if (is_wanted(family)) result.push_back({{}, 0, family});
        }
        return true;
    }
    const auto found = scope_.names.find(node.text);
    if (found != scope_.names.end()) return read_name(node, found->second);
    const bool looks_like_address = node.text.find_first_of("./:") != std::string_view::npos;
    if (!looks_like_address) {
        std::vector<std::string_view> candidates;
        for (const auto& named : scope_.addresses) candidates.push_back(named.name);
        context_.report_unknown(node, "set of addresses", candidates);
        return false;
    }
    const auto prefix = address_or_prefix_of(context_, node, fmt::format("what {} takes", key_));
    if (!prefix || (family_ && !is_of_family(context_, node, prefix->family, *family_))) return false;
    result.push_back(*prefix);
    return true;
}

bool Reader::read_name(const Node& node, const Symbol& symbol) {
    if (symbol.kind != Symbol::Kind::addresses) {
        context_
            .report(Code::wrong_type, node.span,
                    fmt::format("\"{}\" is a zone; {} takes addresses", node.text, key_))
            .help("write the zone's subnet, or a name under addresses");
        return false;
    }
    auto& named = scope_.addresses[symbol.index];
    named.used = true;
    const std::size_t before = result.size();
    for (const auto& prefix : named.prefixes) {
        if (is_wanted(prefix.family)) result.push_back(prefix);
    }
    if (result.size() > before || named.prefixes.empty()) return true;
    const std::string_view name = family_name(*family_);
    context_
        .report(Code::families_mixed, node.span,
                fmt::format("\"{}\" holds no {} address, but the rule translates {}", node.text, name, name))
        .note(named.where, "it is given here");
    return false;
}

}  // namespace

std::string_view family_name(Family family) {
    return family == Family::v4 ? "IPv4" : "IPv6";
}

bool is_of_family(Context& context, const Node& node, Family here, Family there) {
    if (here == there) return true;
    context
        .report(Code::families_mixed, node.span,
                fmt::format("this is {}, but the rule translates {}", family_name(here), family_name(there)))
        .help("write one rule for IPv4 and one for IPv6");
    return false;
}

std::optional<std::vector<Prefix>> nat_addresses_of(Context& context, TenantScope& scope, const Node& node,
                                                    std::string_view key, std::optional<Family> family) {
    Reader reader(context, scope, key, family);
    const auto items = items_of(node);
    if (items.empty()) context.report(Code::empty_list, node.span, fmt::format("{} needs an address", key));
    bool all_good = !items.empty();
    for (const auto* item : items) {
        if (!reader.read(*item)) all_good = false;
    }
    if (!all_good) return std::nullopt;
    return std::move(reader.result);
}

}  // namespace sluice::sema
