// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/render.h"

#include <nlohmann/json.hpp>

namespace sluice::front {
namespace {

struct Fixture : testing::Test {
    Sources sources;
    Diagnostics diagnostics;
    Fixture() { sources.add("a.yaml", "first: 1\n\tsecond: é x\nthird: 3"); }
};
using Render = Fixture;

TEST_F(Render, ShowsLineCaretsNotesAndHelp) {
    diagnostics.report(Code::unknown_key, {0, 21, 22}, "what")
        .with_label("here")
        .note({0, 0, 5}, "there")
        .help("do this");
    EXPECT_EQ(render_text(diagnostics, sources, Colour::off),
              "a.yaml:2:12: error[E0201]: what\n"
              "    2 | \tsecond: é x\n"
              "      | \t          ^ here\n"
              "a.yaml:1:1: note: there\n"
              "   help: do this\n"
              "1 error, 0 warnings\n");
}

TEST_F(Render, IsEmptyWhereNothingIsWrong) {
    EXPECT_EQ(render_text(diagnostics, sources, Colour::off), "");
    EXPECT_EQ(render_json(diagnostics, sources), "[]\n");
}

TEST_F(Render, ColoursOnlyWhenAsked) {
    diagnostics.report(Code::unknown_key, {0, 0, 5}, "what");
    EXPECT_EQ(render_text(diagnostics, sources, Colour::off).find('\x1b'), std::string::npos);
    EXPECT_NE(render_text(diagnostics, sources, Colour::on).find("\x1b[1;31m"), std::string::npos);
}

TEST_F(Render, NeverSendsControlCharactersOfThePolicyToTheTerminal) {
    sources.add("b.yaml", "x\x1b[2J\xff");
    diagnostics.report(Code::invalid_utf8, {1, 1, 2}, "bad \x1b[2J");
    const auto text = render_text(diagnostics, sources, Colour::off);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\xff'), std::string::npos);
}

TEST_F(Render, SortsErrorsBeforeWarningsAndByPlace) {
    diagnostics.report(Code::unused_service, {0, 0, 1}, "lint");
    diagnostics.report(Code::unknown_key, {0, 12, 13}, "second");
    diagnostics.report(Code::unknown_key, {0, 2, 3}, "first");
    diagnostics.report(Code::unknown_key, {0, 2, 3}, "first");
    diagnostics.sort();
    ASSERT_EQ(diagnostics.all().size(), 3U);
    EXPECT_EQ(diagnostics.all()[0].text, "first");
    EXPECT_EQ(diagnostics.all()[1].text, "second");
    EXPECT_EQ(diagnostics.all()[2].text, "lint");
    EXPECT_EQ(diagnostics.error_count(), 2U);
    EXPECT_EQ(diagnostics.warning_count(), 1U);
}

TEST_F(Render, LongLinesAreCutAroundTheSpan) {
    sources.add("c.yaml", std::string(5000, 'a') + "!" + std::string(5000, 'b'));
    diagnostics.report(Code::unknown_key, {1, 5000, 5001}, "what");
    const auto text = render_text(diagnostics, sources, Colour::off);
    EXPECT_LT(text.size(), 700U);
    EXPECT_NE(text.find("a!b"), std::string::npos);
}

// Found by policy_fuzz: the window around the span began behind the span.
TEST_F(Render, LongLinesOfContinuationBytesAreCutToo) {
    sources.add("d.yaml", std::string(300, '\x80'));
    for (const std::uint32_t begin : {0U, 1U, 99U, 100U, 101U, 299U}) {
        diagnostics.report(Code::invalid_utf8, {1, begin, begin + 1}, "bad");
    }
    EXPECT_NE(render_text(diagnostics, sources, Colour::off), "");
}

TEST_F(Render, JsonSaysTheSame) {
    diagnostics.report(Code::unknown_key, {0, 21, 22}, "what").note({0, 0, 5}, "there").help("do this");
    const auto list = nlohmann::json::parse(render_json(diagnostics, sources));
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0]["code"], "E0201");
    EXPECT_EQ(list[0]["line"], 2);
    EXPECT_EQ(list[0]["column"], 12);
    EXPECT_EQ(list[0]["end_column"], 13);
    EXPECT_EQ(list[0]["notes"][0]["message"], "there");
    EXPECT_EQ(list[0]["help"][0], "do this");
}

}  // namespace
}  // namespace sluice::front
