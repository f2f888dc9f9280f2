// The terminal that the CLI runs in: secrets that are not shown, and sessions in which every key goes to the other
// side.
#pragma once

#include <string>

#include "host/cli/session.h"

namespace novacron::host::cli {

/// Ctrl-], as in telnet: ends a session.
inline constexpr char kEscape = 0x1d;

/// Joins the terminal with a stream action. With `until`, ends well when that text has come. A --timeout is for the
/// whole session.
Result<ExitCode> run_terminal(Session& session, const std::string& target, const std::string& until);

/// Looks for a text in a stream that comes in pieces.
class TextFinder {
 public:
  explicit TextFinder(std::string text) : text_(std::move(text)) {}
  /// True once the text has been seen; never for an empty text.
  bool see(std::string_view piece);

 private:
  const std::string text_;
  std::string tail_;
  bool found_ = false;
};

/// Asks on the terminal of the process, without showing what is typed.
Result<std::string> read_secret_from_terminal(const std::string& prompt);

/// $VISUAL, $EDITOR or vi on the file; waits for its end.
Status edit_in_editor(const std::string& path);

}  // namespace novacron::host::cli
