// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "compiler/sema/passes.h"
#include "compiler/sema/scalars.h"

namespace sluice::sema {

void read_addresses(Context& context, TenantScope& scope) {
    const auto* node = (*scope.object)["addresses"];
    if (node == nullptr) return;
    for (const auto& [name, value] : entries_of(context, *node, "addresses")) {
        if (!is_name(context, *name, "a set of addresses")) continue;
        if (name->text == "any") {
            context.report(Code::reserved_name, name->span,
                           "a set of addresses cannot be called \"any\": that is every address");
            continue;
        }
        const Symbol symbol{Symbol::Kind::addresses, static_cast<std::uint32_t>(scope.addresses.size()),
                            name->span};
        const auto [first, is_new] = scope.names.emplace(name->text, symbol);
        if (!is_new) {
            context
                .report(
                    Code::name_twice, name->span,
                    fmt::format("\"{}\" is a zone already; a name is a zone or a set of addresses, never both",
                                name->text))
                .note(first->second.where, "the zone is given here");
            continue;
        }
        auto& named = scope.addresses.emplace_back();
        named.name = name->text;
        named.where = name->span;
        const auto items = items_of(*value);
        if (items.empty())
            context.report(Code::empty_list, value->span,
                           fmt::format("the set \"{}\" holds no address", name->text));
        for (const auto* item : items) {
            if (item->is_scalar() && item->text == "any") {
                named.prefixes.push_back({{}, 0, Family::v4});
                named.prefixes.push_back({{}, 0, Family::v6});
            } else if (const auto prefix = address_or_prefix_of(context, *item, "an address")) {
                named.prefixes.push_back(*prefix);
            }
        }
    }
}

}  // namespace sluice::sema
