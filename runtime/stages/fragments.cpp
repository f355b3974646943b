// SPDX-License-Identifier: Apache-2.0
//
// A fragment waits for its whole datagram where a later step needs the ports that only the first one has: in a
// service router, and at addresses of our own. A router without services forwards fragments as they come.
#include "runtime/stages/stage.h"

namespace sluice {

Exit await_fragments(StageContext& context) {
    const IpView& ip = context.ip();
    if (!ip.fragment || context.whole) return Exit::next;
    bool needed = context.hop->stateful;
    if (!needed) {
        const auto kind = context.tenant->adjacencies[context.tenant->route(ip.destination, ip.family)].kind();
        needed = kind == image::AdjacencyKind::Local || kind == image::AdjacencyKind::SubnetRouterAnycast;
    }
    if (!needed) return Exit::next;
    record(context, StageId::fragments);
    context.trace.fate = Fate::reassemble;
    return Exit::done;
}

}  // namespace sluice
