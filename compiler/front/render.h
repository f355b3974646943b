// SPDX-License-Identifier: Apache-2.0
//
// Diagnostics as people and programs read them. The text depends on nothing but the diagnostics and the
// sources.
#pragma once

#include <cstdint>
#include <string>

#include "compiler/front/diagnostics.h"
#include "compiler/front/source.h"

namespace sluice::front {

enum class Colour : std::uint8_t { off, on };

/// `file:line:column: error[E0123]: text`, the line, carets, notes and cures, for all of them; ends with a line
/// that counts them unless there are none.
std::string render_text(const Diagnostics& diagnostics, const Sources& sources, Colour colour);

/// A JSON array, one object a diagnostic: severity, code, message, file, line, column, end_column, label,
/// notes, help.
std::string render_json(const Diagnostics& diagnostics, const Sources& sources);

}  // namespace sluice::front
