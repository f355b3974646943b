// SPDX-License-Identifier: Apache-2.0
#include "runtime/io/dpdk_frames.h"

namespace sluice {

static_assert(RTE_PKTMBUF_HEADROOM >= 128, "FrameAllocator promises 128 bytes in front of a frame");

Frame DpdkFrames::allocate(std::uint32_t length) {
    Frame frame;
    if (length > longest_frame_) return frame;
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
    if (mbuf == nullptr) return frame;
    mbuf->data_len = static_cast<std::uint16_t>(length);
    mbuf->pkt_len = length;
    describe(mbuf, frame);
    return frame;
}

}  // namespace sluice
