// SPDX-License-Identifier: Apache-2.0
#include "compiler/analyze/explanation.h"

#include "schemas/layout/image_types.h"

namespace sluice {

struct Explainer::Tables {
    explicit Tables(const Image& image) : sessions(1, key), nat(image, 1, key) {}

    HashKey key = HashKey::from_seed(1);
    SessionTable sessions;
    NatTable nat;
    LinkStates links;
};

Explainer::Explainer(const Image& image) : image_(image), tables_(std::make_unique<Tables>(image)) {}
Explainer::~Explainer() = default;

DryRun Explainer::run(const PacketView& packet, InterfaceRef on) const {
    DryRun run;
    const TenantView& entered = image_.tenants()[on.tenant];
    run.came_by = on;
    on = entered.ref(entered.entered_by(entered.interface_position(on.interface)));
    run.packet = packet;
    const Tables& tables = *tables_;
    run_pipeline(image_, {tables.sessions, tables.nat, tables.key, tables.links}, {&run.packet, 1},
                 !packet.ip.fragment, on, run.trace);
    if (run.trace.fate != Fate::forward) return run;
    const Hop& last = run.trace.last_hop();
    const TenantView& tenant = image_.tenants()[last.tenant];
    for (const image::StaticNeighbour& row : tenant.neighbours) {
        const bool is_it = row.interface() == last.out_interface && from_image(row.ip()) == last.next_hop &&
                           row.family() == static_cast<std::uint8_t>(run.trace.leaving.family);
        if (!is_it) continue;
        Neighbour neighbour;
        neighbour.mac = from_image(row.mac());
        neighbour.state = NeighbourState::permanent;
        run.neighbour = neighbour;
        if (row.remote() != no_row) run.remote = from_image(tenant.remotes[row.remote()]);
    }
    return run;
}

}  // namespace sluice
