// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "runtime/packet/bytes.h"
#include "runtime/packet/headers.h"
#include "runtime/packet/rewrite.h"

namespace sluice {

void write_l2(std::uint8_t* at, const L2Header& header) noexcept {
    store_mac(at, header.destination);
    store_mac(at + 6, header.source);
    at += 12;
    for (std::uint8_t tag = 0; tag < header.tag_count; ++tag, at += vlan_tag_bytes) {
        const bool outer_of_two = header.tag_count == 2 && tag == 0;
        store16(at, outer_of_two ? tpid_service : tpid_customer);
        store16(at + 2, header.vids[tag]);
    }
    store16(at, header.ethertype);
}

bool replace_l2(Frame& frame, std::uint32_t old_l2_length, std::uint32_t ip_length, const L2Header& header,
                std::uint32_t shortest) noexcept {
    const std::uint32_t new_l2_length = header.bytes();
    if (new_l2_length > old_l2_length + frame.headroom) return false;
    const std::uint32_t room_behind_l3 = frame.length - old_l2_length + frame.tailroom;
    frame.headroom = static_cast<std::uint16_t>(frame.headroom + old_l2_length - new_l2_length);
    frame.data = frame.data + old_l2_length - new_l2_length;
    frame.length = new_l2_length + ip_length;
    frame.tailroom = room_behind_l3 - ip_length;
    write_l2(frame.data, header);
    if (frame.length < shortest) {
        const std::uint32_t padding = shortest - frame.length;
        if (padding > frame.tailroom) return true;
        std::memset(frame.data + frame.length, 0, padding);
        frame.length += padding;
        frame.tailroom -= padding;
    }
    return true;
}

}  // namespace sluice
