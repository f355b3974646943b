// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/codes.h"

namespace sluice::front {
namespace {

constexpr CodeInfo codes[] = {
#define CODE(name, id, meaning) {Code::name, id, meaning},
#include "compiler/front/codes.def"
#undef CODE
};

}  // namespace

std::span<const CodeInfo> all_codes() {
    return codes;
}

const CodeInfo& info(Code code) {
    return codes[static_cast<std::size_t>(code)];
}

}  // namespace sluice::front
