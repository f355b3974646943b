// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/yaml.h"

#include <libfyaml.h>

#include <cctype>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "compiler/front/utf8.h"

namespace sluice::front {
namespace {

struct ParserDeleter {
    void operator()(fy_parser* parser) const { fy_parser_destroy(parser); }
};
struct DiagDeleter {
    void operator()(fy_diag* diag) const { fy_diag_destroy(diag); }
};

class Reader {
  public:
    Reader(const Sources& sources, std::uint32_t file, Diagnostics& diagnostics)
        : text_(sources[file].text()), source_(sources[file]), file_(file), diagnostics_(diagnostics) {}

    std::optional<Document> run();

  private:
    enum class Next : std::uint8_t { go_on, stop };

    bool text_is_readable();
    Next take(fy_event& event, fy_parser& parser);
    Next open(Node::Kind kind, fy_event& event, fy_token* anchor, fy_token* tag);
    void close(fy_event& event);
    void scalar(fy_event& event);
    void add(Node node);
    void refuse_decoration(fy_token* anchor, fy_token* tag);
    void check_key(const Node& key);
    void report_syntax(fy_diag& diag);
    Span span(const fy_mark* begin, const fy_mark* end) const;
    Span token_span(fy_token* token) const {
        return span(fy_token_start_mark(token), fy_token_end_mark(token));
    }
    bool expects_key() const {
        return !open_.empty() && open_.back().is_map() && open_.back().children.size() % 2 == 0;
    }

    std::string_view text_;
    const SourceFile& source_;
    std::uint32_t file_;
    Diagnostics& diagnostics_;
    Document document_;
    std::vector<Node> open_;
    unsigned documents_ = 0;
    bool has_root_ = false;
    bool refused_ = false;
    std::uint32_t last_end_ = 0;
};

Span Reader::span(const fy_mark* begin, const fy_mark* end) const {
    const auto limit = [&](const fy_mark* mark) {
        return mark == nullptr
                   ? last_end_
                   : static_cast<std::uint32_t>(std::min<std::size_t>(mark->input_pos, text_.size()));
    };
    const std::uint32_t from = limit(begin);
    return {file_, from, std::max(from, limit(end))};
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

void Reader::refuse_decoration(fy_token* anchor, fy_token* tag) {
    if (anchor != nullptr) {
        refused_ = true;
        diagnostics_
            .report(Code::anchor_or_alias, token_span(anchor),
                    "YAML anchors are not part of the policy language")
            .help("write the value out where it is needed, or name it under addresses or services");
    }
    if (tag != nullptr) {
        refused_ = true;
        diagnostics_.report(Code::yaml_tag, token_span(tag), "YAML tags are not part of the policy language")
            .help("delete the tag: the language itself says which type a value has");
    }
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

Reader::Next Reader::open(Node::Kind kind, fy_event& event, fy_token* anchor, fy_token* tag) {
    refuse_decoration(anchor, tag);
    const Span where = span(fy_event_start_mark(&event), fy_event_end_mark(&event));
    if (open_.size() >= deepest_nesting) {
        diagnostics_.report(Code::nested_too_deep, where,
                            "nested deeper than " + std::to_string(deepest_nesting) + " lists and mappings");
        return Next::stop;
    }
    Node node;
    node.kind = kind;
    node.span = where;
    open_.push_back(std::move(node));
    return Next::go_on;
}

void Reader::close(fy_event& event) {
    Node node = std::move(open_.back());
    open_.pop_back();
    const bool flow =
        node.span.begin < text_.size() && (text_[node.span.begin] == '{' || text_[node.span.begin] == '[');
    if (flow) {
        node.span.end = span(fy_event_start_mark(&event), fy_event_end_mark(&event)).end;
    } else if (!node.children.empty()) {
        // A block ends with its last value; libfyaml reports where the next line begins.
        node.span = {file_, node.children.front().span.begin, node.children.back().span.end};
    }
    add(std::move(node));
}

void Reader::scalar(fy_event& event) {
    refuse_decoration(event.scalar.anchor, event.scalar.tag);
    Node node;
    fy_token* token = event.scalar.value;
    if (token == nullptr) {
        node.span = {file_, last_end_, last_end_};
        add(std::move(node));
        return;
    }
    node.span = token_span(token);
    node.plain = fy_token_scalar_style(token) == FYSS_PLAIN;
    const unsigned quote = node.plain ? 0 : 1;
    if (!node.plain && node.span.begin > 0 && text_[node.span.begin] != '"' && text_[node.span.begin] != '\'' &&
        (text_[node.span.begin - 1] == '"' || text_[node.span.begin - 1] == '\'')) {
        // The marks of a quoted token are those of its value: widen them to the quotes.
        --node.span.begin;
        if (node.span.end < text_.size()) ++node.span.end;
    }
    std::size_t length = 0;
    const char* value = fy_token_get_text(token, &length);
    const std::string_view value_text = value == nullptr ? std::string_view() : std::string_view(value, length);
    const auto raw = text_.substr(node.span.begin, node.span.end - node.span.begin);
    const auto inner = raw.size() >= quote * 2 ? raw.substr(quote, raw.size() - quote * 2) : std::string_view();
    node.text = inner == value_text ? inner : document_.made.emplace_back(value_text);
    add(std::move(node));
}

Reader::Next Reader::take(fy_event& event, fy_parser&) {
    switch (event.type) {
        case FYET_DOCUMENT_START:
            if (++documents_ == 2) {
                diagnostics_
                    .report(Code::several_documents,
                            span(fy_event_start_mark(&event), fy_event_end_mark(&event)),
                            "a second YAML document begins here; a policy file holds one")
                    .help("put it into a file of its own and list that under tenants");
                return Next::stop;
            }
            return Next::go_on;
        case FYET_ALIAS: {
            refused_ = true;
            const Span where = token_span(event.alias.anchor);
            diagnostics_
                .report(Code::anchor_or_alias, where, "YAML aliases are not part of the policy language")
                .help("write the value out where it is needed, or name it under addresses or services");
            Node node;
            node.span = where;
            node.text = "alias";
            add(std::move(node));
            return Next::go_on;
        }
        case FYET_SCALAR:
            scalar(event);
            return Next::go_on;
        case FYET_MAPPING_START:
            return open(Node::Kind::map, event, event.mapping_start.anchor, event.mapping_start.tag);
        case FYET_SEQUENCE_START:
            return open(Node::Kind::list, event, event.sequence_start.anchor, event.sequence_start.tag);
        case FYET_MAPPING_END:
        case FYET_SEQUENCE_END:
            close(event);
            return Next::go_on;
        default:
            return Next::go_on;
    }
}

void Reader::report_syntax(fy_diag& diag) {
    void* previous = nullptr;
    const fy_diag_error* error = fy_diag_errors_iterate(&diag, &previous);
    std::string words = "not valid YAML";
    Span where{file_, last_end_, last_end_};
    if (error != nullptr) {
        if (error->msg != nullptr) words += ": " + std::string(error->msg);
        while (!words.empty() && std::isspace(static_cast<unsigned char>(words.back())) != 0) words.pop_back();
        if (error->fyt != nullptr) where = token_span(error->fyt);
    }
    // At the very end there may be nothing to point at: step back onto the last line that says something.
    while (where.begin > 0 && where.begin >= text_.size()) --where.begin;
    where.end = std::max(where.end, where.begin);
    diagnostics_.report(Code::yaml_syntax, where, words);
}

std::optional<Document> Reader::run() {
    if (!text_is_readable()) return std::nullopt;
    fy_diag_cfg diag_configuration;
    fy_diag_cfg_default(&diag_configuration);
    diag_configuration.fp = nullptr;
    diag_configuration.colorize = false;
    const std::unique_ptr<fy_diag, DiagDeleter> diag(fy_diag_create(&diag_configuration));
    fy_diag_set_collect_errors(diag.get(), true);
    fy_parse_cfg configuration{};
    configuration.flags =
        static_cast<fy_parse_cfg_flags>(FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_ALLOW_DUPLICATE_KEYS |
                                        FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE);
    configuration.diag = diag.get();
    const std::unique_ptr<fy_parser, ParserDeleter> parser(fy_parser_create(&configuration));
    if (parser == nullptr || fy_parser_set_string(parser.get(), text_.data(), text_.size()) != 0) {
        report_syntax(*diag);
        return std::nullopt;
    }
    while (fy_event* event = fy_parser_parse(parser.get())) {
        const Next next = take(*event, *parser);
        fy_parser_event_free(parser.get(), event);
        if (next == Next::stop) return std::nullopt;
    }
    if (fy_parser_get_stream_error(parser.get()) || !open_.empty()) {
        report_syntax(*diag);
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
