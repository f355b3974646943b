// SPDX-License-Identifier: Apache-2.0
//
// The Internet's own tables, where the data is at hand ($SLUICE_DATA, else ../shared/data beside the project).
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>

#include "schemas/layout/lpm.h"
#include "tests/compiler/lower/linear_scan.h"

namespace sluice::lower {
namespace {

std::filesystem::path data_folder() {
    if (const char* folder = std::getenv("SLUICE_DATA")) return folder;
    const char* source = std::getenv("SLUICE_SOURCE_DIR");
    return std::filesystem::path(source != nullptr ? source : ".") / ".." / "shared" / "data";
}

// The first word of each line is a prefix.
std::vector<LpmEntry> read_prefixes(const std::filesystem::path& path) {
    std::vector<LpmEntry> entries;
    const std::string command = "zstd -dcq '" + path.string() + "'";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    char line[512];
    while (pipe != nullptr && std::fgets(line, sizeof line, pipe.get()) != nullptr) {
        const std::string_view text(line);
        auto prefix = parse_prefix(text.substr(0, text.find_first_of(" \t\r\n")));
        if (!prefix) continue;
        prefix->ip = prefix->ip & prefix_mask(prefix->length);
        entries.push_back({*prefix, static_cast<std::uint32_t>(entries.size() + 1)});
    }
    return entries;
}

void compare_with_linear_scan(const std::string& file, std::size_t fewest) {
    const auto path = data_folder() / "fib" / file;
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "needs " << path << " (set SLUICE_DATA)";
    if (std::system("zstd --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "needs the program zstd";
    const auto entries = read_prefixes(path);
    ASSERT_GE(entries.size(), fewest) << "the file does not hold the table its name says";

    const auto begin = std::chrono::steady_clock::now();
    const LpmTable table = build_lpm(entries);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::printf(
        "%s: %zu prefixes, %.1f MiB, built in %.2f s\n", file.c_str(), entries.size(),
        static_cast<double>(table.nodes.size() * sizeof(image::LpmNode) + table.leaves.size() * 4) / (1 << 20),
        seconds.count());
    const LpmView view{table.nodes.data(), table.leaves.data()};
    std::mt19937_64 random(42);
    for (int i = 0; i < 300; ++i) {
        const Prefix& near = entries[random() % entries.size()].prefix;
        const Ip host_bits = ~prefix_mask(near.length) & prefix_mask(address_bits(near.family));
        const Ip ip = near.ip | (Ip{random(), random()} & host_bits);
        EXPECT_EQ(view.lookup(ip), test::linear_scan(entries, ip)) << to_string(ip, near.family);
    }
}

TEST(LpmInternet, Ipv4TableOf2024) {
    compare_with_linear_scan("internet-v4-2024-01.prefixes.txt.zst", 900'000);
}
TEST(LpmInternet, Ipv4TableOf2014) {
    compare_with_linear_scan("routeviews-v4-2014-05-13.prefix-originas.txt.zst", 400'000);
}
TEST(LpmInternet, Ipv6TableOf2024) {
    compare_with_linear_scan("internet-v6-2024-01.prefixes.txt.zst", 100'000);
}
TEST(LpmInternet, Ipv6TableOf2021) {
    compare_with_linear_scan("fib-v6-as19016-2021-01-17.prefix-nexthop.txt.zst", 50'000);
}

}  // namespace
}  // namespace sluice::lower
