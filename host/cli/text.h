// Text on a terminal: how wide it is, how it is padded and wrapped, and what of it must not reach the terminal raw.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace novacron::host::cli {

/// Columns that UTF-8 text takes: wide characters two, combining ones none. A byte that is no UTF-8 takes one.
size_t text_width(std::string_view text);

std::string pad_right(std::string text, size_t width);

/// Breaks at spaces; lines behind the first are indented.
std::string wrap_text(std::string_view text, size_t width, size_t indent);

/// For one line of a terminal: control characters, which a host or a guest could use to fake output, are written as
/// \n, \t, \x1b; bytes that are no UTF-8 as U+FFFD.
std::string printable(std::string_view text);

/// The same for text of several lines: newlines and tabs stay.
std::string printable_lines(std::string_view text);

}  // namespace novacron::host::cli
