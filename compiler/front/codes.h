// SPDX-License-Identifier: Apache-2.0
//
// The one table of diagnostic codes (codes.def). Constant data; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::front {

enum class Code : std::uint16_t {
#define CODE(name, id, meaning) name,
#include "compiler/front/codes.def"
#undef CODE
};

enum class Severity : std::uint8_t { error, warning };

struct CodeInfo {
    Code code;
    std::string_view id;
    std::string_view meaning;
    Severity severity() const { return id[0] == 'E' ? Severity::error : Severity::warning; }
};

std::span<const CodeInfo> all_codes();
const CodeInfo& info(Code code);

}  // namespace sluice::front
