// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/yaml.h"

namespace sluice::front {
namespace {

struct Read {
    Sources sources;
    Diagnostics diagnostics;
    std::optional<Document> document;

    explicit Read(std::string text) {
        const auto file = sources.add("policy.yaml", std::move(text));
        document = read_yaml(sources, file, diagnostics);
    }
    std::string_view source(const Node& node) const {
        return sources[0].text().substr(node.span.begin, node.span.end - node.span.begin);
    }
    std::vector<Code> codes() const {
        std::vector<Code> all;
        for (const auto& diagnostic : diagnostics.all()) all.push_back(diagnostic.code);
        return all;
    }
};

TEST(Yaml, SpansAreExact) {
    const Read read("a: [one, 'two', \"th\\tree\"]\nb:\n  ü: x y\n");
    ASSERT_TRUE(read.document);
    const auto& root = read.document->root;
    ASSERT_EQ(root.entry_count(), 2U);
    const auto& list = root.value(0);
    EXPECT_EQ(read.source(list), "[one, 'two', \"th\\tree\"]");
    EXPECT_EQ(read.source(list.children[1]), "'two'");
    EXPECT_EQ(list.children[1].text, "two");
    EXPECT_FALSE(list.children[1].plain);
    EXPECT_EQ(read.source(list.children[2]), "\"th\\tree\"");
    EXPECT_EQ(list.children[2].text, "th\tree");
    const auto& inner = root.value(1);
    EXPECT_EQ(inner.key(0).text, "ü");
    EXPECT_EQ(read.source(inner.value(0)), "x y");
    const auto at = read.sources.at(inner.value(0).span);
    EXPECT_EQ(at.line, 3U);
    EXPECT_EQ(at.column, 6U) << "columns count characters";
}

TEST(Yaml, EmptyQuotedTextIsNotNothing) {
    const Read read("a: ''\nb:\nc: ~\n");
    ASSERT_TRUE(read.document);
    EXPECT_FALSE(read.document->root.value(0).is_null());
    EXPECT_TRUE(read.document->root.value(1).is_null());
    EXPECT_TRUE(read.document->root.value(2).is_null());
}

TEST(Yaml, DuplicateKeysReachTheTree) {
    const Read read("a: 1\na: 2\n");
    ASSERT_TRUE(read.document);
    EXPECT_EQ(read.document->root.entry_count(), 2U);
}

TEST(Yaml, AnEmptyFileIsAnEmptyMapping) {
    for (const char* text : {"", "# nothing\n", "\n\n", "\xef\xbb\xbf"}) {
        const Read read(text);
        ASSERT_TRUE(read.document) << text;
        EXPECT_TRUE(read.document->root.is_map());
        EXPECT_EQ(read.document->root.entry_count(), 0U);
    }
}

TEST(Yaml, LineEndsOfEverySystem) {
    const Read read("a: 1\r\nb: x\r\n");
    ASSERT_TRUE(read.document);
    EXPECT_EQ(read.document->root.value(1).text, "x");
    EXPECT_EQ(read.sources.at(read.document->root.key(1).span).line, 2U);
    EXPECT_EQ(read.sources[0].line(1), "a: 1");
}

TEST(Yaml, EveryRefusedFeatureOfAFileIsReported) {
    const Read read("a: &x 1\nb: *x\n<<: {}\nc: !!str d\n? [k]\n: v\n");
    EXPECT_FALSE(read.document);
    EXPECT_THAT(read.codes(), testing::ElementsAre(Code::anchor_or_alias, Code::anchor_or_alias,
                                                   Code::merge_key, Code::yaml_tag, Code::key_not_text));
}

TEST(Yaml, HostileNestingIsRefusedCheaply) {
    for (const char* open : {"[", "{a: ", "- "}) {
        std::string text;
        for (int i = 0; i < 100'000; ++i) text += open;
        const Read read(text);
        EXPECT_FALSE(read.document);
        EXPECT_EQ(read.diagnostics.error_count(), 1U);
    }
}

// The reader on libfyaml 0.7.12 read beyond its buffer here.
TEST(Yaml, TabsBehindAKeyAreAnErrorAndNotACrash) {
    const Read read("g?  g:\t:\t");
    EXPECT_FALSE(read.document);
    EXPECT_EQ(read.codes(), std::vector{Code::yaml_syntax});
}

// yaml-cpp 0.7.0 takes the end of the file for the closing quote where the last line is complete.
TEST(Yaml, QuotesThatAreNeverClosedAreAnError) {
    for (const char* text : {"a: 'b'\nc: \"d\n", "a: 'b'\nc: \"d", "a: 'b'\nc: 'it''s\n"}) {
        const Read read(text);
        EXPECT_FALSE(read.document) << text;
        ASSERT_EQ(read.codes(), std::vector{Code::yaml_syntax});
        EXPECT_EQ(read.diagnostics.all()[0].where.begin, 10U) << "the opening quote";
    }
}

TEST(Yaml, PlacesAreBytesAfterForeignLettersAndLineEnds) {
    const Read read("\xef\xbb\xbf\xc3\xa9: 1\r\nb: [\"\xe2\x82\xac\", {k: \xf0\x9d\x84\x9e}]\r\n");
    ASSERT_TRUE(read.document);
    const auto& list = read.document->root.value(1);
    EXPECT_EQ(read.source(list), "[\"\xe2\x82\xac\", {k: \xf0\x9d\x84\x9e}]");
    EXPECT_EQ(read.source(list.children[1].value(0)), "\xf0\x9d\x84\x9e");
}

TEST(Yaml, SpansOfTextOverSeveralLines) {
    const Read read("a: one\n  two # no\nb: |\n  x\n  y\n\nc: 'p\n  q'\nd: [ # ]\n  1,\n  ]\n");
    ASSERT_TRUE(read.document);
    const auto& root = read.document->root;
    EXPECT_EQ(read.source(root.value(0)), "one\n  two");
    EXPECT_EQ(root.value(0).text, "one two");
    EXPECT_EQ(read.source(root.value(1)), "|\n  x\n  y");
    EXPECT_EQ(root.value(1).text, "x\ny\n");
    EXPECT_FALSE(root.value(1).plain);
    EXPECT_EQ(read.source(root.value(2)), "'p\n  q'");
    EXPECT_EQ(read.source(root.value(3)), "[ # ]\n  1,\n  ]");
}

TEST(Yaml, AnIPv6AddressMayBeginWithItsColonsWithinBrackets) {
    const Read read("routes: [{to: ::/0, via: ::1}]\n");
    ASSERT_TRUE(read.document);
    EXPECT_EQ(read.document->root.value(0).children[0].value(0).text, "::/0");
    EXPECT_EQ(read.document->root.value(0).children[0].value(1).text, "::1");
}

TEST(Yaml, AnUnwrittenValueIsNotTheKeyAfterIt) {
    const Read read("a:\nnull: 1\nb: [~, null]\n");
    EXPECT_EQ(read.codes(), std::vector{Code::key_not_text});
    EXPECT_EQ(read.sources.at(read.diagnostics.all()[0].where).line, 2U);
    const Read lists("a: [~, null, ]\nb: {c: , d: null}\n");
    ASSERT_TRUE(lists.document);
    EXPECT_EQ(lists.source(lists.document->root.value(0).children[1]), "null");
    EXPECT_EQ(lists.source(lists.document->root.value(1)), "{c: , d: null}");
    EXPECT_EQ(lists.source(lists.document->root.value(1).value(0)), "");
    EXPECT_EQ(lists.source(lists.document->root.value(1).value(1)), "null");
}

TEST(Yaml, ASecondDocumentNeedsItsMark) {
    EXPECT_EQ(Read("a: 1\n---\nb: 1\n").codes(), std::vector{Code::several_documents});
    EXPECT_EQ(Read("a: 1\n...\nb: 1\n").codes(), std::vector{Code::several_documents});
    EXPECT_EQ(Read("[a]\nb: 1\n").codes(), std::vector{Code::yaml_syntax});
}

TEST(Yaml, SyntaxErrorsReadWell) {
    struct Case {
        const char* text;
        const char* says;
    };
    const Case cases[] = {
        {"a: b: c\n", "unexpected \":\""},
        {"a: [1, 2}\n", "unexpected \"}\""},
        {"a: [1, 2\n", "expected \",\" or \"]\" before the file ends"},
        {"a: {b: 1\nc: 2}\n", "expected \",\" or \"}\" here"},
        {"a:\n\tb: 1\n", "a tab in the indentation"},
        {"a:\n  b: 1\n c: 2\n", "expected \"KEY: VALUE\" here"},
        {"- a\nb: 1\n", "this does not belong to what stands above it"},
        {"- a\n'b'\n", "this does not belong to what stands above it"},
        {"a: [b, , c]\n", "expected a value before \",\""},
        {"a: 1\nb\n", "expected \":\" behind this key"},
        {"a: 'x' y\n", "unexpected text behind a value"},
        {"a: - 1\n", "a list item cannot begin here"},
        {"a: @x\n", "a value cannot begin with \"@\""},
        {"a: *\n", "a value cannot begin with \"*\""},
        {"a: {b: c?}\n", "text with \"?\" needs quotes within brackets"},
    };
    for (const Case& each : cases) {
        const Read read(each.text);
        ASSERT_EQ(read.codes(), std::vector{Code::yaml_syntax}) << each.text;
        EXPECT_EQ(read.diagnostics.all()[0].text, std::string("not valid YAML: ") + each.says) << each.text;
    }
}

TEST(Yaml, SyntaxErrorsNameTheirPlace) {
    const Read read("a: 1\nb: [1, 2\nc: 3\n");
    EXPECT_FALSE(read.document);
    ASSERT_EQ(read.codes(), std::vector{Code::yaml_syntax});
    EXPECT_GE(read.sources.at(read.diagnostics.all()[0].where).line, 2U);
}

}  // namespace
}  // namespace sluice::front
