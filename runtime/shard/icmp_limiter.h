// SPDX-License-Identifier: Apache-2.0
//
// A token bucket for the ICMP errors of one component: 100 a second, 50 at once (C3; RFC 1812 4.3.2.8). Owner
// shard only.
#pragma once

#include <algorithm>
#include <cstdint>

#include "runtime/packet/frame.h"

namespace sluice {

class IcmpLimiter {
  public:
    IcmpLimiter() = default;
    /// As one was left: with so many tokens at that time.
    IcmpLimiter(std::uint32_t tokens, Time filled) noexcept
        : tokens_(std::min(tokens, burst)), filled_(filled) {}

    std::uint32_t tokens() const noexcept { return tokens_; }
    Time filled() const noexcept { return filled_; }

    /// Whether allow() would say no; it changes nothing then.
    bool is_empty(Time now) const noexcept { return tokens_ == 0 && now - filled_ < interval; }

    bool allow(Time now) noexcept {
        const Time earned = (now - filled_) / interval;
        tokens_ = static_cast<std::uint32_t>(std::min<Time>(burst, tokens_ + earned));
        filled_ = tokens_ == burst ? now : filled_ + earned * interval;
        if (tokens_ == 0) return false;
        --tokens_;
        return true;
    }

  private:
    static constexpr Time interval = nanoseconds_per_second / 100;
    static constexpr std::uint32_t burst = 50;
    std::uint32_t tokens_ = burst;
    Time filled_ = 0;
};

}  // namespace sluice
