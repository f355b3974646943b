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

TEST(Yaml, SyntaxErrorsNameTheirPlace) {
    const Read read("a: 1\nb: [1, 2\nc: 3\n");
    EXPECT_FALSE(read.document);
    ASSERT_EQ(read.codes(), std::vector{Code::yaml_syntax});
    EXPECT_GE(read.sources.at(read.diagnostics.all()[0].where).line, 2U);
}

}  // namespace
}  // namespace sluice::front
