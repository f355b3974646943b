// SPDX-License-Identifier: Apache-2.0
#include "tests/support/routing_table.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace sluice::test {
namespace {

std::filesystem::path folder() {
    if (const char* data = std::getenv("SLUICE_DATA")) return std::filesystem::path(data) / "fib";
    const char* source = std::getenv("SLUICE_SOURCE_DIR");
    return std::filesystem::path(source != nullptr ? source : ".") / "../shared/data/fib";
}

}  // namespace

std::variant<std::vector<Prefix>, std::string> read_routing_table(const std::string& file) {
    const auto path = folder() / file;
    if (!std::filesystem::exists(path)) return "needs " + path.string() + " (set SLUICE_DATA)";
    if (std::system("zstd --version > /dev/null 2>&1") != 0) return "needs the program zstd";
    std::vector<Prefix> prefixes;
    const std::string command = "zstd -dcq '" + path.string() + "'";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    char line[512];
    while (pipe != nullptr && std::fgets(line, sizeof line, pipe.get()) != nullptr) {
        const std::string_view text(line);
        auto prefix = parse_prefix(text.substr(0, text.find_first_of(" \t\r\n")));  // the first word of a line
        if (!prefix) continue;
        prefix->ip = prefix->ip & prefix_mask(prefix->length);
        prefixes.push_back(*prefix);
    }
    return prefixes;
}

std::uint32_t PrefixesByLength::lookup(Ip ip) const {
    for (unsigned length = 129; length-- != 0;) {
        const auto& of_length = values_[length];
        if (of_length.empty()) continue;
        const auto found = of_length.find(ip & prefix_mask(length));
        if (found != of_length.end()) return found->second;
    }
    return 0;
}

}  // namespace sluice::test
