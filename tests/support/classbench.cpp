// SPDX-License-Identifier: Apache-2.0
#include "tests/support/classbench.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>

#include "tests/support/random.h"

namespace sluice::test {
namespace {

std::filesystem::path folder_of_sets() {
    if (const char* folder = std::getenv("SLUICE_DATA")) return std::filesystem::path(folder) / "classbench";
    const char* source = std::getenv("SLUICE_SOURCE_DIR");
    return std::filesystem::path(source != nullptr ? source : ".") / ".." / "shared" / "data" / "classbench";
}

void for_each_line(const std::filesystem::path& path, const std::function<void(const char*)>& use) {
    const std::string command = "zstd -dcq '" + path.string() + "'";
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    char line[512];
    while (pipe != nullptr && std::fgets(line, sizeof line, pipe.get()) != nullptr) use(line);
}

constexpr std::uint32_t mask_of(unsigned length) {
    return length == 0 ? 0 : ~0u << (32 - length);
}

// @1.2.3.0/24 5.6.7.8/32 0 : 65535 80 : 80 0x06/0xFF ...
void read_rule(const char* line, std::vector<FilterRule>& rules) {
    unsigned s[5], d[5], sport[2], dport[2], protocol[2];
    if (std::sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x", &s[0], &s[1], &s[2], &s[3],
                    &s[4], &d[0], &d[1], &d[2], &d[3], &d[4], &sport[0], &sport[1], &dport[0], &dport[1],
                    &protocol[0], &protocol[1]) != 16) {
        return;
    }
    const auto address = [](const unsigned* part) {
        return (part[0] << 24 | part[1] << 16 | part[2] << 8 | part[3]) & mask_of(part[4]);
    };
    const auto port = [](unsigned value) { return static_cast<std::uint16_t>(value); };
    const auto byte = [](unsigned value) { return static_cast<std::uint8_t>(value); };
    rules.push_back({address(s), address(d), byte(s[4]), byte(d[4]), port(sport[0]), port(sport[1]),
                     port(dport[0]), port(dport[1]), byte(protocol[0]), byte(protocol[1])});
}

void read_header(const char* line, std::vector<FilterHeader>& headers) {
    unsigned source, destination, source_port, destination_port, protocol;
    if (std::sscanf(line, "%u %u %u %u %u", &source, &destination, &source_port, &destination_port,
                    &protocol) != 5) {
        return;
    }
    headers.push_back({source, destination, static_cast<std::uint16_t>(source_port),
                       static_cast<std::uint16_t>(destination_port), static_cast<std::uint8_t>(protocol)});
}

std::uint32_t address_near(std::uint32_t address, unsigned length, Random& random) {
    const std::uint32_t last = address | ~mask_of(length);
    switch (random.next() % 8) {
        case 0:
            return address - 1;
        case 1:
            return last + 1;
        case 2:
            return address;
        case 3:
            return last;
        default:
            return address | (static_cast<std::uint32_t>(random.next()) & ~mask_of(length));
    }
}

std::uint16_t port_near(std::uint16_t low, std::uint16_t high, Random& random) {
    switch (random.next() % 8) {
        case 0:
            return static_cast<std::uint16_t>(low - 1);
        case 1:
            return static_cast<std::uint16_t>(high + 1);
        case 2:
            return low;
        case 3:
            return high;
        default:
            return static_cast<std::uint16_t>(low + random.next() % (high - low + 1u));
    }
}

}  // namespace

std::vector<FilterSet> read_filter_sets() {
    std::vector<FilterSet> sets;
    const auto folder = folder_of_sets();
    if (!std::filesystem::exists(folder) || std::system("zstd --version > /dev/null 2>&1") != 0) return sets;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string file = entry.path().filename().string();
        const std::size_t end = file.find(".rules.zst");
        if (end == std::string::npos) continue;
        FilterSet& set = sets.emplace_back();
        set.name = file.substr(0, end);
        for_each_line(entry.path(), [&](const char* line) { read_rule(line, set.rules); });
        const auto trace = folder / (set.name + ".trace.zst");
        set.has_trace = std::filesystem::exists(trace);
        if (set.has_trace) {
            for_each_line(trace, [&](const char* line) { read_header(line, set.headers); });
        } else {
            set.headers = corner_headers(set.rules, 100'000, 1);
        }
    }
    std::sort(sets.begin(), sets.end(), [](const FilterSet& a, const FilterSet& b) {
        return a.rules.size() != b.rules.size() ? a.rules.size() < b.rules.size() : a.name < b.name;
    });
    return sets;
}

std::vector<FilterHeader> corner_headers(const std::vector<FilterRule>& rules, std::size_t count,
                                         std::uint64_t seed) {
    Random random(seed);
    std::vector<FilterHeader> headers;
    while (headers.size() < count) {
        const FilterRule& rule = rules[random.next() % rules.size()];
        FilterHeader header;
        header.source = address_near(rule.source, rule.source_length, random);
        header.destination = address_near(rule.destination, rule.destination_length, random);
        header.source_port = port_near(rule.source_port_low, rule.source_port_high, random);
        header.destination_port = port_near(rule.destination_port_low, rule.destination_port_high, random);
        const auto any = static_cast<std::uint8_t>(random.next());
        header.protocol = random.next() % 16 == 0
                              ? any
                              : static_cast<std::uint8_t>(rule.protocol | (any & ~rule.protocol_mask));
        headers.push_back(header);
    }
    return headers;
}

std::uint32_t linear_scan(const std::vector<FilterRule>& rules, const FilterHeader& header) {
    for (std::uint32_t i = 0; i < rules.size(); ++i) {
        const FilterRule& rule = rules[i];
        if (((header.source ^ rule.source) & mask_of(rule.source_length)) == 0 &&
            ((header.destination ^ rule.destination) & mask_of(rule.destination_length)) == 0 &&
            rule.source_port_low <= header.source_port && header.source_port <= rule.source_port_high &&
            rule.destination_port_low <= header.destination_port &&
            header.destination_port <= rule.destination_port_high &&
            ((header.protocol ^ rule.protocol) & rule.protocol_mask) == 0) {
            return i;
        }
    }
    return no_filter;
}

}  // namespace sluice::test
