// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "compiler/front/codes.h"
#include "compiler/front/render.h"
#include "compiler/sema/check.h"

namespace sluice {
namespace {

constexpr const char* usual_gateway =
    "gateway: edge\n"
    "mac: 02:00:5e:00:01:01\n"
    "ports: {access: {mtu: 1500}, uplink: {mtu: 1500}}\n"
    "tenants: [blue.yaml]\n";

struct Case {
    std::map<std::string, std::string> files;  // as the checker sees them, under policy/
    std::string text;                          // of the case, up to the expected part
    std::string expected;
};

std::string case_path(std::string_view code) {
    return std::string(std::getenv("SLUICE_SOURCE_DIR")) + "/tests/diagnostics/cases/" + std::string(code) +
           ".txt";
}

// `@repeat N TEXT` stands for N lines TEXT, with the number of the line for each `#`.
std::string expand(const std::string& line) {
    if (!line.starts_with("@repeat ")) return line;
    const std::size_t space = line.find(' ', 8);
    std::string text;
    for (int i = 0; i < std::stoi(line.substr(8, space - 8)); ++i) {
        for (const char byte : line.substr(space + 1))
            text += byte == '#' ? std::to_string(i) : std::string(1, byte);
    }
    return text;
}

Case read_case(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    Case result;
    std::string* part = nullptr;
    for (std::size_t at = 0; at < whole.size();) {
        const std::size_t end = std::min(whole.find('\n', at), whole.size() - 1) + 1;
        const auto line = whole.substr(at, end - at);
        at = end;
        if (line == "=== expected\n") {
            part = &result.expected;
            continue;
        }
        if (part != &result.expected) result.text += line;
        if (line.starts_with("=== ")) {
            part = &result.files["policy/" + line.substr(4, line.size() - 5)];
        } else if (part != nullptr) {
            *part += part == &result.expected ? line : expand(line);
        }
    }
    result.files.emplace("policy/gateway.yaml", usual_gateway);
    return result;
}

std::string say(const Case& wanted) {
    const auto result = sema::check_policy("policy", front::MemoryFiles(wanted.files));
    return front::render_text(result.diagnostics, result.sources, front::Colour::off);
}

class EachCode : public testing::TestWithParam<front::CodeInfo> {};

TEST_P(EachCode, HasACaseThatSaysExactlyThis) {
    const auto path = case_path(GetParam().id);
    ASSERT_TRUE(std::filesystem::exists(path))
        << "no case shows " << GetParam().id << ": " << GetParam().meaning;
    auto wanted = read_case(path);
    if (GetParam().id == "E0001") wanted.files.clear();
    const auto said = say(wanted);
    if (std::getenv("SLUICE_UPDATE") != nullptr) {
        std::ofstream(path, std::ios::binary) << wanted.text << "=== expected\n" << said;
    } else {
        EXPECT_EQ(said, wanted.expected);
    }
    EXPECT_NE(said.find("[" + std::string(GetParam().id) + "]"), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(Diagnostics, EachCode,
                         testing::ValuesIn(front::all_codes().begin(), front::all_codes().end()),
                         [](const auto& code) { return std::string(code.param.id); });

// An external NAT address that two tenants want is refused before any image is made.
TEST(Diagnostics, MT_A31_ExternalAddressesOfTwoTenantsMustNotOverlap) {
    const auto said = say(read_case(case_path("E0603")));
    EXPECT_NE(said.find("error[E0603]"), std::string::npos) << said;
    EXPECT_NE(said.find("red.yaml"), std::string::npos) << said;
    EXPECT_NE(said.find("blue.yaml"), std::string::npos) << said;
    EXPECT_FALSE(sema::check_policy("policy", front::MemoryFiles(read_case(case_path("E0603")).files)).policy);
}

TEST(Diagnostics, CodesAreDistinctAndInOrder) {
    std::string last;
    for (const auto& code : front::all_codes()) {
        EXPECT_LT(last, code.id);
        last = code.id;
    }
}

}  // namespace
}  // namespace sluice
