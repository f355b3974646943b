// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>
#include <utility>

#include "compiler/front/utf8.h"
#include "compiler/front/yaml_extent.h"
#include "compiler/front/yaml_words.h"

namespace sluice::front {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// Thrown out of yaml-cpp where the rest of the file is not worth reading.
struct Stop {};

class Reader final : public YAML::EventHandler {
  public:
    Reader(const Sources& sources, std::uint32_t file, Diagnostics& diagnostics)
        : text_(sources[file].text()), file_(file), diagnostics_(diagnostics) {}

    std::optional<Document> run();

    void OnDocumentStart(const YAML::Mark& mark) override;
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override;
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        open(Node::Kind::list, mark);
    }
    void OnSequenceEnd() override { close(']'); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        open(Node::Kind::map, mark);
    }
    void OnMapEnd() override { close('}'); }

  private:
    bool text_is_readable();
    void open(Node::Kind kind, const YAML::Mark& mark);
    void close(char bracket);
    void add(Node node);
    /// Reports anchors and tags at `from`, once each; where the value behind them begins.
    std::uint32_t refuse_decoration(std::uint32_t from);
    void add_refused(std::uint32_t begin, std::uint32_t end);
    void refuse_alias(Span where);
    void check_key(const Node& key);
    void require_colon(const Node& key);
    void report_syntax(const YAML::ParserException& error);
    std::uint32_t offset(const YAML::Mark& mark) const;
    Span span(std::size_t begin, std::size_t end) const {
        return {file_, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
    }
    bool begins_with(std::uint32_t at, std::string_view set) const {
        return at < text_.size() && set.find(text_[at]) != std::string_view::npos;
    }
    bool is_in_brackets() const {
        return std::ranges::any_of(open_, [&](const Node& node) { return begins_with(node.span.begin, "{["); });
    }
    bool expects_key() const {
        return !open_.empty() && open_.back().is_map() && open_.back().children.size() % 2 == 0;
    }

    std::string_view text_;
    std::uint32_t file_;
    Diagnostics& diagnostics_;
    Document document_;
    std::vector<Node> open_;
    bool has_document_ = false;
    bool has_root_ = false;
    bool refused_ = false;
    std::uint32_t last_end_ = 0;
    std::uint32_t decorations_end_ = 0;
};

// yaml-cpp counts bytes, without the byte order mark that it skips. Where it names no place, the last known one
// serves.
std::uint32_t Reader::offset(const YAML::Mark& mark) const {
    if (mark.pos < 0) return last_end_;
    const std::size_t skipped =
        text_.substr(0, byte_order_mark.size()) == byte_order_mark ? byte_order_mark.size() : 0;
    return static_cast<std::uint32_t>(std::min(skipped + static_cast<std::size_t>(mark.pos), text_.size()));
}

bool Reader::text_is_readable() {
    const auto bad = first_bad_byte(text_);
    if (!bad) return true;
    const auto offset = static_cast<std::uint32_t>(bad->offset);
    const Span where{file_, offset, offset + 1};
    char hexadecimal[8];
    std::snprintf(hexadecimal, sizeof hexadecimal, "0x%02x", static_cast<unsigned char>(text_[bad->offset]));
    const auto byte = std::string("byte ") + hexadecimal;
    if (bad->is_control) {
        diagnostics_.report(Code::invalid_utf8, where, byte + " is a control character").help("delete it");
    } else {
        diagnostics_.report(Code::invalid_utf8, where, byte + " is not valid UTF-8")
            .help("save the file as UTF-8");
    }
    return false;
}

std::uint32_t Reader::refuse_decoration(std::uint32_t from) {
    std::uint32_t at = from;
    while (begins_with(at, "&!")) {
        refused_ = true;
        const Span where = span(at, decoration_end(text_, at));
        // A collection and its first key may both claim what stands before them.
        const bool is_known = at < decorations_end_;
        decorations_end_ = std::max(decorations_end_, where.end);
        if (!is_known && text_[at] == '&') {
            diagnostics_
                .report(Code::anchor_or_alias, where, "YAML anchors are not part of the policy language")
                .help("write the value out where it is needed, or name it under addresses or services");
        } else if (!is_known) {
            diagnostics_.report(Code::yaml_tag, where, "YAML tags are not part of the policy language")
                .help("delete the tag: the language itself says which type a value has");
        }
        at = static_cast<std::uint32_t>(skip_space(text_, where.end));
    }
    return at;
}

// The tree must stay in step with the events, though nobody will see it.
void Reader::add_refused(std::uint32_t begin, std::uint32_t end) {
    Node node;
    node.span = span(begin, end);
    node.text = "refused";
    add(std::move(node));
}

void Reader::check_key(const Node& key) {
    if (!key.is_scalar() || key.is_null()) {
        refused_ = true;
        diagnostics_.report(Code::key_not_text, key.span, "a key must be a plain word");
    } else if (key.plain && key.text == "<<") {
        refused_ = true;
        diagnostics_.report(Code::merge_key, key.span, "the merge key << is not part of the policy language")
            .help("write the keys out");
    }
}

void Reader::add(Node node) {
    last_end_ = node.span.end;
    if (expects_key()) check_key(node);
    if (open_.empty()) {
        document_.root = std::move(node);
        has_root_ = true;
    } else {
        open_.back().children.push_back(std::move(node));
    }
}

void Reader::open(Node::Kind kind, const YAML::Mark& mark) {
    const std::uint32_t begin = refuse_decoration(offset(mark));
    const Span where = span(begin, std::min<std::size_t>(begin + 1, text_.size()));
    if (open_.size() >= deepest_nesting) {
        diagnostics_.report(Code::nested_too_deep, where,
                            "nested deeper than " + std::to_string(deepest_nesting) + " lists and mappings");
        throw Stop{};
    }
    Node node;
    node.kind = kind;
    node.span = where;
    open_.push_back(std::move(node));
}

void Reader::close(char bracket) {
    Node node = std::move(open_.back());
    open_.pop_back();
    if (begins_with(node.span.begin, bracket == ']' ? "[" : "{")) {
        const std::uint32_t last = node.children.empty() ? node.span.end : node.children.back().span.end;
        node.span.end = static_cast<std::uint32_t>(flow_end(text_, std::max(last, node.span.end), bracket));
    } else if (!node.children.empty()) {
        // A block ends with its last value.
        node.span = {file_, node.children.front().span.begin, node.children.back().span.end};
    }
    add(std::move(node));
}

void Reader::OnDocumentStart(const YAML::Mark& mark) {
    const std::uint32_t begin = offset(mark);
    if (has_document_) {
        if (text_.substr(begin, 3) == "---" ||
            text_.substr(last_end_, begin - last_end_).find("\n...") != std::string_view::npos) {
            diagnostics_
                .report(Code::several_documents, span(begin, std::min<std::size_t>(begin + 3, text_.size())),
                        "a second YAML document begins here; a policy file holds one")
                .help("put it into a file of its own and list that under tenants");
        } else {
            diagnostics_.report(Code::yaml_syntax, span(begin, begin),
                                "not valid YAML: this does not belong to what stands above it");
        }
        throw Stop{};
    }
    has_document_ = true;
}

// For a value that is not written yaml-cpp names the place of what comes next, which may itself read "null".
void Reader::OnNull(const YAML::Mark& mark, YAML::anchor_t) {
    const std::uint32_t begin = offset(mark);
    if (begins_with(begin, "&!")) {
        refuse_decoration(begin);
        return add_refused(last_end_, last_end_);
    }
    Node node;
    node.span = {file_, last_end_, last_end_};
    const std::size_t bytes = null_word_bytes(text_, begin);
    if (bytes != 0 && begin >= last_end_ && (expects_key() || !is_key(text_, begin + bytes))) {
        node.span = span(begin, begin + bytes);
        node.text = text_.substr(begin, bytes);
    } else if (!open_.empty() && open_.back().is_map() && !expects_key() && !is_in_brackets()) {
        require_colon(open_.back().children.back());
    } else if (!open_.empty() && open_.back().is_list() && begins_with(begin, ",") && !refused_) {
        refused_ = true;
        diagnostics_.report(Code::yaml_syntax, span(begin, begin + 1),
                            "not valid YAML: expected a value before \",\"");
    }
    add(std::move(node));
}

// yaml-cpp takes a word on the last line of a block for a key.
void Reader::require_colon(const Node& key) {
    if (refused_ || begins_with(static_cast<std::uint32_t>(skip_space(text_, key.span.end)), ":")) return;
    refused_ = true;
    diagnostics_.report(Code::yaml_syntax, key.span, "not valid YAML: expected \":\" behind this key");
}

void Reader::refuse_alias(Span where) {
    refused_ = true;
    diagnostics_.report(Code::anchor_or_alias, where, "YAML aliases are not part of the policy language")
        .help("write the value out where it is needed, or name it under addresses or services");
}

void Reader::OnAlias(const YAML::Mark& mark, YAML::anchor_t) {
    const std::uint32_t begin = offset(mark);
    const Span where = span(begin, decoration_end(text_, begin));
    refuse_alias(where);
    add_refused(where.begin, where.end);
}

void Reader::OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string& value) {
    const std::uint32_t begin = offset(mark);
    if (refuse_decoration(begin) != begin) return add_refused(begin, decorations_end_);
    Node node;
    const bool is_quoted = begins_with(begin, "\"'");
    const bool is_block = begins_with(begin, "|>");
    node.plain = !is_quoted && !is_block;
    const auto quoted = is_quoted ? quoted_end(text_, begin) : std::nullopt;
    if (is_quoted && !quoted) {
        // yaml-cpp takes the end of the last line for a closing quote.
        report_syntax(YAML::ParserException(mark, YAML::ErrorMsg::EOF_IN_SCALAR));
        throw Stop{};
    }
    const std::size_t end = quoted     ? *quoted
                            : is_block ? block_scalar_end(text_, begin, value)
                                       : folded_end(text_, begin, value);
    node.span = span(begin, end);
    const auto inner = is_quoted ? text_.substr(begin + 1, end - begin - 2) : text_.substr(begin, end - begin);
    node.text = inner == value ? inner : document_.made.emplace_back(value);
    add(std::move(node));
}

void Reader::report_syntax(const YAML::ParserException& error) {
    std::uint32_t begin = offset(error.mark);
    if (error.msg == YAML::ErrorMsg::UNKNOWN_ANCHOR) {
        return refuse_alias(span(begin, decoration_end(text_, begin)));
    }
    if (error.msg == YAML::ErrorMsg::ALIAS_NOT_FOUND || error.msg == YAML::ErrorMsg::ANCHOR_NOT_FOUND) {
        begin -= begin > 0 ? 1 : 0;  // the mark is behind the * or &
    } else if (error.msg == YAML::ErrorMsg::EOF_IN_SCALAR) {
        begin = static_cast<std::uint32_t>(unclosed_quote(text_, last_end_).value_or(begin));
    }
    const auto words = syntax_words(error.msg, text_, begin, last_end_);
    // At the very end there is nothing to point at: step back to behind what was said last.
    if (text_.find_first_not_of(" \t\r\n", begin) == std::string_view::npos) {
        const std::size_t end = text_.find_last_not_of(" \t\r\n") + 1;
        begin = static_cast<std::uint32_t>(std::min(end, text_.empty() ? 0 : text_.size() - 1));
    }
    auto& report = diagnostics_.report(Code::yaml_syntax, span(begin, begin), "not valid YAML: " + words.text);
    if (!words.help.empty()) report.help(std::string(words.help));
    const bool lacks_bracket =
        error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW || error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW;
    if (lacks_bracket && !open_.empty()) report.note(open_.back().span, "the bracket opened here");
}

std::optional<Document> Reader::run() {
    if (!text_is_readable()) return std::nullopt;
    try {
        std::istringstream stream{std::string(text_)};
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(*this)) {
        }
    } catch (const YAML::ParserException& error) {
        report_syntax(error);
        return std::nullopt;
    } catch (const Stop&) {
        return std::nullopt;
    }
    if (refused_) return std::nullopt;
    if (!has_root_ || document_.root.is_null()) {
        document_.root = Node{};
        document_.root.kind = Node::Kind::map;
        document_.root.span = {file_, 0, 0};
    }
    return std::move(document_);
}

}  // namespace

std::optional<Document> read_yaml(const Sources& sources, std::uint32_t file, Diagnostics& diagnostics) {
    return Reader(sources, file, diagnostics).run();
}

}  // namespace sluice::front
