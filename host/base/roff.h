// Manual pages: text as the man macros of roff take it.
#pragma once

#include <string>
#include <string_view>

namespace novacron::host {

/// Text in which roff sees no request, escape or typographic quote.
std::string roff_text(std::string_view text);
/// The same as one argument of a macro, with quotes where it needs them.
std::string roff_argument(std::string_view text);
/// An entry of a list: the term in bold, its value in italics, the text indented below.
std::string roff_entry(std::string_view term, std::string_view value, std::string_view text);
/// Lines as they are.
std::string roff_literal(std::string_view lines);

}  // namespace novacron::host
