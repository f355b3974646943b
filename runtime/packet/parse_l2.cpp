// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/bytes.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/parse.h"

namespace sluice {

std::optional<L2View> parse_l2(std::span<const std::uint8_t> frame) noexcept {
    if (frame.size() < ethernet_header_bytes) return std::nullopt;
    L2View view;
    view.destination = load_mac(frame.data());
    view.source = load_mac(frame.data() + 6);
    view.ethertype = load16(frame.data() + 12);
    view.length = ethernet_header_bytes;
    for (int tag = 0; tag < 2; ++tag) {
        const bool is_tag = view.ethertype == tpid_customer || (tag == 0 && view.ethertype == tpid_service);
        if (!is_tag) break;
        if (frame.size() < view.length + vlan_tag_bytes) return std::nullopt;
        const std::uint16_t vid = load16(frame.data() + view.length) & 0x0fff;
        // A priority tag (VID 0, 802.1Q 9.6) names no VLAN: a tag behind it is then the outer one.
        if (vid != 0) (view.outer_vid == absent_tag ? view.outer_vid : view.inner_vid) = vid;
        view.ethertype = load16(frame.data() + view.length + 2);
        view.length += vlan_tag_bytes;
    }
    return view;
}

}  // namespace sluice
