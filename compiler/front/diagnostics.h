// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with a policy, collected in any order and shown in one: errors, then warnings, each in file
// order. Owned and filled by one thread.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "compiler/front/codes.h"
#include "compiler/front/source.h"

namespace sluice::front {

struct Diagnostic {
    struct Note {
        Span where;
        std::string text;
    };
    Code code{};
    Span where;
    std::string path;  // names the file where `where` has none (it could not be read)
    std::string text;
    std::string label;  // beside the carets
    std::vector<Note> notes;
    std::vector<std::string> helps;

    Diagnostic& with_label(std::string words);
    Diagnostic& note(Span place, std::string words);
    Diagnostic& help(std::string words);
};

class Diagnostics {
  public:
    /// The result stays valid while this object lives; use it to add a label, notes and cures.
    Diagnostic& report(Code code, Span where, std::string text);

    std::size_t error_count() const { return errors_; }
    std::size_t warning_count() const { return all_.size() - errors_; }
    const std::deque<Diagnostic>& all() const { return all_; }
    /// Errors first, then warnings; by file, place, code and text. What is the same twice is kept once.
    void sort();

  private:
    std::deque<Diagnostic> all_;
    std::size_t errors_ = 0;
};

}  // namespace sluice::front
