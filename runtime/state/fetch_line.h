// SPDX-License-Identifier: Apache-2.0
//
// Asks for a cache line ahead of its use. An asm, because gcc takes a function that does nothing but
// __builtin_prefetch for one without effects and deletes the calls of it: whole passes over a burst vanished.
// Any thread; any address, valid or not.
#pragma once

namespace sluice {

[[gnu::always_inline]] inline void fetch_line(const void* at) noexcept {
    asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(at)));
}

}  // namespace sluice
