// SPDX-License-Identifier: Apache-2.0
#include "compiler/front/yaml_words.h"

#include <yaml-cpp/exceptions.h>

namespace sluice::front {
namespace {

// The character a text begins with, whole; the texts are UTF-8.
std::string first_character(std::string_view text) {
    std::size_t bytes = 1;
    while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) ++bytes;
    return std::string(text.substr(0, bytes));
}

SyntaxWords within_brackets(const char* closing, bool is_at_end) {
    const std::string expected = std::string("expected \",\" or \"") + closing + "\"";
    return {expected + (is_at_end ? " before the file ends" : " here"), {}};
}

// A tab makes yaml-cpp forget that a key or an item may follow, and then it complains about that.
bool has_tab_in_indentation(std::string_view text, std::size_t place) {
    const auto line = text.substr(text.substr(0, place).find_last_of('\n') + 1);
    return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

}  // namespace

SyntaxWords syntax_words(std::string_view message, std::string_view text, std::size_t place,
                         std::size_t last_end) {
    namespace Library = YAML::ErrorMsg;
    const auto rest = text.substr(place);
    constexpr std::string_view line_up = "keys and items of one block begin in the same column";
    const bool is_at_end = rest.find_first_not_of(" \t\r\n") == std::string_view::npos;
    const std::string here = is_at_end ? "the end of the file" : '"' + first_character(rest) + '"';

    const bool is_block = message == Library::END_OF_MAP || message == Library::END_OF_SEQ;
    const bool may_be_indentation =
        message == Library::MAP_KEY || message == Library::MAP_VALUE || message == Library::BLOCK_ENTRY;
    if (message == Library::TAB_IN_INDENTATION ||
        ((is_block || may_be_indentation) && has_tab_in_indentation(text, place))) {
        return {"a tab in the indentation", "indent with spaces"};
    }
    const bool is_behind_value = place > last_end && last_end > 0 &&
                                 text.substr(last_end, place - last_end).find('\n') == std::string_view::npos;
    if (is_block && is_behind_value) return {"unexpected text behind a value", {}};
    if (message == Library::END_OF_MAP) return {"expected \"KEY: VALUE\" here", line_up};
    if (message == Library::END_OF_SEQ) return {"expected \"- ITEM\" here", line_up};
    if (message == Library::END_OF_MAP_FLOW) return within_brackets("}", is_at_end);
    if (message == Library::END_OF_SEQ_FLOW) return within_brackets("]", is_at_end);
    if (message == Library::FLOW_END)
        return {"unexpected " + here, "a bracket closes the one that was opened last"};
    if (message == Library::BLOCK_ENTRY) {
        return {"a list item cannot begin here",
                "begin it on a line of its own, or list the items within [ ] and without \"-\""};
    }
    if (message == Library::MAP_KEY) return {"a key cannot begin here", line_up};
    if (message == Library::MAP_VALUE) {
        return {"unexpected \":\"",
                "put text that holds \": \" into quotes, and begin each key on a line of its own"};
    }
    if (message == Library::UNKNOWN_TOKEN && rest.substr(0, 1) == "?") {
        return {"text with \"?\" needs quotes within brackets", {}};
    }
    if (message == Library::UNKNOWN_TOKEN || message == Library::ALIAS_NOT_FOUND ||
        message == Library::ANCHOR_NOT_FOUND) {
        return {"a value cannot begin with " + here, "put it into quotes"};
    }
    if (message == Library::EOF_IN_SCALAR) return {"the quotes that open here are never closed", {}};
    if (message == Library::DOC_IN_SCALAR) {
        return {here == "\".\"" ? "\"...\" within quotes" : "\"---\" within quotes",
                "indent it, or close the quotes before it"};
    }
    if (message == Library::CHAR_IN_BLOCK)
        return {"text on the line of \"|\" or \">\"", "begin it on the next line"};
    return {std::string(message), {}};
}

}  // namespace sluice::front
