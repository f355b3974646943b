// SPDX-License-Identifier: Apache-2.0
#include "runtime/state/tag_index.h"

namespace sluice {

TagIndex::TagIndex(std::uint32_t numbers)
    : number_bits_(static_cast<std::uint32_t>(std::bit_width(std::max(numbers, 2u) - 1))),
      tag_mask_(~std::uint32_t{0} << number_bits_),
      // A few lines more than the load asks for: in a handful of lines chance is not yet even.
      lines_(std::size_t{numbers} / wished_per_line + 3),
      elsewhere_(lines_.size() / 2 + 1),
      any_elsewhere_(lines_.size() / 64 + 1) {}

}  // namespace sluice
