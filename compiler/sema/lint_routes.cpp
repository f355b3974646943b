// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>

#include "compiler/sema/passes.h"

namespace sluice::sema {
namespace {

enum class Covered : std::uint8_t { no, by_others };

// Whether longer prefixes in `all` take every address of a prefix: both halves are there, or are covered
// themselves.
class Coverage {
  public:
    void add(const Prefix& prefix) { all_.emplace(prefix, true); }

    Covered of(const Prefix& prefix) {
        steps_left_ = 4096;
        return halves_covered(prefix) ? Covered::by_others : Covered::no;
    }

  private:
    bool halves_covered(const Prefix& prefix) {
        if (prefix.length >= address_bits(prefix.family) || steps_left_ == 0) return false;
        --steps_left_;
        Prefix half{prefix.ip, static_cast<std::uint8_t>(prefix.length + 1), prefix.family};
        if (!has_inside(half) || !(all_.contains(half) || halves_covered(half))) return false;
        half.ip = half.ip | (prefix_mask(half.length) & ~prefix_mask(prefix.length));
        return has_inside(half) && (all_.contains(half) || halves_covered(half));
    }

    bool has_inside(const Prefix& prefix) const {
        // Sorted by address, then length: what lies inside follows at once.
        const auto next = all_.lower_bound(prefix);
        return next != all_.end() && next->first.family == prefix.family && prefix.contains(next->first.ip);
    }

    struct ByFamilyAndAddress {
        bool operator()(const Prefix& a, const Prefix& b) const {
            return std::tuple(a.family, a.ip, a.length) < std::tuple(b.family, b.ip, b.length);
        }
    };
    std::map<Prefix, bool, ByFamilyAndAddress> all_;
    unsigned steps_left_ = 0;
};

}  // namespace

void lint_routes(Context& context, const TenantScope& scope) {
    const auto& routes = context.tenant(scope).routes;
    Coverage coverage;
    std::map<Prefix, Span> connected;
    for (const auto& subnet : scope.subnets) {
        connected.emplace(subnet.subnet, subnet.where);
        coverage.add(subnet.subnet);
    }
    for (const auto& route : routes) coverage.add(route.to);
    for (std::size_t i = 0; i < routes.size(); ++i) {
        const auto& to = routes[i].to;
        const auto found = connected.find(to);
        if (found != connected.end()) {
            context
                .report(Code::route_unreachable, scope.route_spans[i],
                        fmt::format("the route to {} is never taken: the subnet is connected", to_string(to)))
                .note(found->second, "it is connected here");
        } else if (coverage.of(to) == Covered::by_others) {
            context.report(Code::route_unreachable, scope.route_spans[i],
                           fmt::format("the route to {} is never taken: more specific routes have all of it",
                                       to_string(to)));
        }
    }
}

}  // namespace sluice::sema
