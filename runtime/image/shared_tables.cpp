// SPDX-License-Identifier: Apache-2.0
#include "runtime/image/shared_tables.h"

#include <cstring>

namespace sluice {

std::optional<std::uint32_t> find_table(const image::Image& root, const image::TableDigest& digest) {
    if (root.tables() == nullptr) return std::nullopt;
    std::uint32_t first = 0;
    std::uint32_t end = root.tables()->size();
    while (first != end) {
        const std::uint32_t middle = first + (end - first) / 2;
        const int order = std::memcmp(root.tables()->Get(middle)->digest(), &digest, sizeof digest);
        if (order == 0) return middle;
        if (order < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return std::nullopt;
}

const image::TableRoot& table_root(const image::SharedTable& table) {
    return *flatbuffers::GetRoot<image::TableRoot>(table.bytes()->data());
}

}  // namespace sluice
