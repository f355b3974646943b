// SPDX-License-Identifier: Apache-2.0
#include "compiler/sema/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace sluice::sema {

const ConnectedSubnet* TenantScope::subnet_of(const IpAndFamily& ip) const {
    const auto after = std::upper_bound(subnets.begin(), subnets.end(), ip,
                                        [](const IpAndFamily& address, const ConnectedSubnet& candidate) {
                                            return std::tuple(address.family, address.ip) <
                                                   std::tuple(candidate.subnet.family, candidate.subnet.ip);
                                        });
    if (after == subnets.begin()) return nullptr;
    const auto& candidate = *std::prev(after);
    return candidate.subnet.family == ip.family && candidate.subnet.contains(ip.ip) ? &candidate : nullptr;
}

policy::Position Context::position(Span span) const {
    const auto at = sources.at(span);
    return {span.file, at.line, at.column};
}

void Context::report_unknown(const Node& node, std::string_view what,
                             const std::vector<std::string_view>& candidates) {
    auto& diagnostic =
        report(Code::unknown_name, node.span, fmt::format("there is no {} \"{}\"", what, node.text));
    const auto nearest = suggester.nearest(node.text, candidates);
    if (!nearest.empty()) diagnostic.help(fmt::format("did you mean \"{}\"?", nearest));
}

}  // namespace sluice::sema
