// SPDX-License-Identifier: Apache-2.0
#include "runtime/cache/synthesize.h"

#include "schemas/layout/image_types.h"

namespace sluice {

Program egress_program(const Image& image, InterfaceRef egress) {
    const TenantView& tenant = image.tenants()[egress.tenant];
    const image::Interface& out = tenant.interfaces[tenant.interface_position(egress.interface)];
    Program program;
    program.egress = egress;
    program.out_port = image.port_slot(out.port());
    program.mtu = out.mtu();
    program.tag_count = out.tag_count();
    program.vids[0] = out.outer_vid();
    program.vids[1] = out.inner_vid();
    program.source_mac = from_image(out.mac());
    if (out.encapsulation() != image::Encapsulation::None) {
        program.tunnelled = true;
        program.underlay = image.underlays()[program.out_port];
        program.vni = out.vni();
    }
    return program;
}

Program synthesize(const Image& image, const Trace& trace, const IpView& packet) {
    const Hop& last = trace.last_hop();
    Program program = egress_program(image, image.tenants()[last.tenant].ref(last.out_interface));
    program.ingress = trace.ingress;
    program.mtu = trace.mtu;
    program.ttl_cost = trace.ttl_cost;
    for (std::uint32_t i = 0; i < trace.hop_count; ++i) {
        program.routers[program.router_count++] = trace.hops[i].tenant;
        program.session_count += trace.hops[i].stateful ? 1 : 0;
    }
    if (packet.l4_kind == L4Kind::icmp_error) return program;
    const Endpoints& to = trace.leaving;
    program.new_source = to.source != packet.source || to.source_port != packet.source_port;
    program.new_destination =
        to.destination != packet.destination || to.destination_port != packet.destination_port;
    return program;
}

Translation translation_by(const Trace& trace, const IpView& packet) {
    // An ICMP error is translated with the packet it quotes, before it gets a plan (rewrite.h).
    if (packet.l4_kind == L4Kind::icmp_error) return {};
    const Endpoints& to = trace.leaving;
    if (to.family != packet.family) {
        return {.source = to.source,
                .destination = to.destination,
                .source_port = to.source_port,
                .destination_port = to.destination_port};
    }
    return Translation::between(packet, to.source, to.destination, to.source_port, to.destination_port);
}

}  // namespace sluice
