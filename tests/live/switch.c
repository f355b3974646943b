// SPDX-License-Identifier: Apache-2.0
//
// A VLAN switch for kernels without 802.1Q devices, as two programs for tc's bpf classifier. Stations see
// untagged frames of their own VLAN and nothing else; the gateway sees all of them, tagged. Compiled once a
// switch: STATION_1, STATION_2, TRUNK are interface indices, VID_1 and VID_2 the stations' VLANs.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

static long (*vlan_push)(struct __sk_buff*, __u16, __u16) = (void*)BPF_FUNC_skb_vlan_push;
static long (*vlan_pop)(struct __sk_buff*) = (void*)BPF_FUNC_skb_vlan_pop;
static long (*redirect)(__u32, __u64) = (void*)BPF_FUNC_redirect;

enum { tag_8100_in_network_order = 0x0081 };

__attribute__((section("from_station"), used)) int tag_frame(struct __sk_buff* frame) {
    const __u16 vid = frame->ifindex == STATION_1 ? VID_1 : VID_2;
    if (vlan_push(frame, tag_8100_in_network_order, vid) != 0) return TC_ACT_SHOT;
    return redirect(TRUNK, 0);
}

__attribute__((section("from_trunk"), used)) int untag_frame(struct __sk_buff* frame) {
    if (!frame->vlan_present) return TC_ACT_SHOT;
    const __u32 vid = frame->vlan_tci & 0xfff;
    if (vid != VID_1 && vid != VID_2) return TC_ACT_SHOT;
    if (vlan_pop(frame) != 0) return TC_ACT_SHOT;
    return redirect(vid == VID_1 ? STATION_1 : STATION_2, 0);
}

char licence_text[] __attribute__((section("license"), used)) = "GPL";
