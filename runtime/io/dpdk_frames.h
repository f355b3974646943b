// SPDX-License-Identifier: Apache-2.0
//
// Frames in mbufs. Frame::buffer is the mbuf. Packet thread only; no allocation but from the pool.
#pragma once

#include <rte_ether.h>
#include <rte_mbuf.h>

#include "runtime/packet/frame.h"

namespace sluice {

/// Fills all of `frame` but its port.
inline void describe(rte_mbuf* mbuf, Frame& frame) noexcept {
    frame.data = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
    frame.length = rte_pktmbuf_data_len(mbuf);
    frame.headroom = rte_pktmbuf_headroom(mbuf);
    frame.tailroom = rte_pktmbuf_tailroom(mbuf);
    frame.buffer = mbuf;
}

/// Puts back into the bytes what the driver took out (a stripped VLAN tag) and joins segments. False: not
/// possible, the mbuf has been freed.
inline bool make_whole(rte_mbuf*& mbuf) noexcept {
    if ((mbuf->nb_segs > 1 && rte_pktmbuf_linearize(mbuf) != 0) ||
        ((mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 && rte_vlan_insert(&mbuf) != 0)) {
        rte_pktmbuf_free(mbuf);
        return false;
    }
    return true;
}

/// The mbuf of a frame that is to be sent, as the frame now stands.
inline rte_mbuf* mbuf_to_send(const Frame& frame) noexcept {
    auto* mbuf = static_cast<rte_mbuf*>(frame.buffer);
    mbuf->data_off = static_cast<std::uint16_t>(frame.data - static_cast<std::uint8_t*>(mbuf->buf_addr));
    mbuf->data_len = static_cast<std::uint16_t>(frame.length);
    mbuf->pkt_len = frame.length;
    // What reception said must not be read as a wish for transmission.
    mbuf->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
    return mbuf;
}

class DpdkFrames final : public FrameAllocator {
  public:
    DpdkFrames(rte_mempool* pool, std::uint32_t longest_frame) : pool_(pool), longest_frame_(longest_frame) {}

    Frame allocate(std::uint32_t length) override;
    std::uint32_t longest_frame() const override { return longest_frame_; }

  private:
    rte_mempool* pool_;
    std::uint32_t longest_frame_;
};

}  // namespace sluice
