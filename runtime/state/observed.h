// SPDX-License-Identifier: Apache-2.0
//
// How other threads read a number that its owner goes on writing (a counter, a level): the writer adds to it
// with plain instructions and takes no notice. An aligned word is written whole on x86-64, so that a reader
// sees a value that was there at some moment; numbers that belong together may be of different moments. C++ has
// no word for a plain write beside a read: the reads are kept from the optimizer by volatile, and from the
// thread sanitizer by name.
#pragma once

#include <concepts>
#include <cstddef>

#if defined(__SANITIZE_THREAD__)
#define SLUICE_READ_BY_OTHERS __attribute__((no_sanitize("thread")))
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_READ_BY_OTHERS __attribute__((no_sanitize("thread")))
#endif
#endif
#ifndef SLUICE_READ_BY_OTHERS
#define SLUICE_READ_BY_OTHERS
#endif

namespace sluice {

template <std::integral Number>
requires(sizeof(Number) <= sizeof(std::size_t)) SLUICE_READ_BY_OTHERS Number observed(const Number& number)
noexcept {
    return *static_cast<const volatile Number*>(&number);
}

}  // namespace sluice
