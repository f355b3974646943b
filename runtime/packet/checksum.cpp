// SPDX-License-Identifier: Apache-2.0
#include "runtime/packet/checksum.h"

#include <cstring>

namespace sluice {
namespace {

std::uint32_t fold(std::uint64_t sum) noexcept {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint32_t>((sum & 0xffff) + (sum >> 16));
}

std::uint64_t words_of(std::uint64_t half) noexcept {
    return (half >> 48) + (half >> 32 & 0xffff) + (half >> 16 & 0xffff) + (half & 0xffff);
}

}  // namespace

std::uint32_t checksum_sum(std::span<const std::uint8_t> bytes, std::uint32_t sum) noexcept {
    // Summed in the machine's byte order, 32 bits at a time, and swapped once at the end (RFC 1071 2 (B), (C)).
    std::uint64_t native = 0;
    const std::uint8_t* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 4; at += 4, left -= 4) {
        std::uint32_t word;
        std::memcpy(&word, at, sizeof word);
        native += word;
    }
    if (left > 0) {
        std::uint32_t word = 0;
        std::memcpy(&word, at, left);
        native += word;
    }
    return fold(std::uint64_t{sum} + __builtin_bswap16(static_cast<std::uint16_t>(fold(native))));
}

std::uint16_t checksum_finish(std::uint32_t sum) noexcept {
    return static_cast<std::uint16_t>(~fold(sum));
}

std::uint32_t pseudo_header_sum(Ip source, Ip destination, Family family, std::uint8_t protocol,
                                std::uint32_t l4_length) noexcept {
    std::uint64_t sum = words_of(source.hi) + words_of(destination.hi) + protocol + words_of(l4_length);
    if (family == Family::v6) sum += words_of(source.lo) + words_of(destination.lo);
    return static_cast<std::uint32_t>(sum);
}

void ChecksumDelta::replace_ip(Ip before, Ip after, Family family) noexcept {
    if (before == after) return;
    std::uint64_t sum = sum_;
    if (family == Family::v4) {
        sum += words_of(~before.v4()) + words_of(after.v4());
    } else {
        sum += words_of(~before.hi) + words_of(~before.lo) + words_of(after.hi) + words_of(after.lo);
    }
    sum_ = static_cast<std::uint16_t>(fold(sum));
}

}  // namespace sluice
