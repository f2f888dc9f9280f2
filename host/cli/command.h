// The command line as a tree of commands that is made at run time: what a word may be followed by, its help, its
// completion and its parser all come from the same description.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/cli/exit_code.h"

namespace novacron::host::cli {

class Session;

/// A switch has no value name: `--x`, `--no-x`, `--x=false`.
struct OptionSpec {
  std::string name;             ///< "--cpu"
  std::string short_name = {};  ///< "-c"
  std::string value_name = {};  ///< "N"
  std::string summary = {};
  std::vector<std::string> choices = {};  ///< the only values; empty: any
  bool repeated = false;
};

struct ArgumentSpec {
  std::string name;  ///< "NAME"
  std::string summary = {};
  bool required = true;
  bool repeated = false;
};

/// What was given: options by their full name, each with its values in order, and the other words.
class Arguments {
 public:
  void add(const std::string& option, std::string value) { options_[option].push_back(std::move(value)); }
  void add_positional(std::string value) { positional_.push_back(std::move(value)); }

  bool has(const std::string& option) const { return options_.contains(option); }
  /// The last value, as usual on command lines; `otherwise` if there is none.
  std::string get(const std::string& option, std::string otherwise = "") const;
  const std::vector<std::string>& all(const std::string& option) const;
  bool is_on(const std::string& option, bool otherwise = false) const;
  const std::vector<std::string>& positional() const { return positional_; }
  /// "" behind the end.
  std::string at(size_t index) const { return index < positional_.size() ? positional_[index] : ""; }

 private:
  std::map<std::string, std::vector<std::string>> options_;
  std::vector<std::string> positional_;
};

using Run = std::function<Result<ExitCode>(Session&, const Arguments&)>;

struct Command {
  std::string name;
  std::vector<std::string> aliases = {};
  std::string section = {};  ///< heading in its parent's help
  std::string summary = {};  ///< one line
  std::string details = {};  ///< more, for its own help
  std::vector<std::string> examples = {};
  std::vector<ArgumentSpec> arguments = {};
  std::vector<OptionSpec> options = {};
  std::vector<Command> children = {};
  Run run = {};

  bool answers_to(std::string_view word) const;
  const Command* find_child(std::string_view word) const;
};

/// The words of a command line, understood.
struct Parsed {
  const Command* command = nullptr;
  std::string path;  ///< "novacron machine create"
  Arguments arguments;
  bool help = false;
};

/// `everywhere` are options that each command takes. Errors are usage errors that say what was probably meant.
Result<Parsed> parse_command_line(const Command& root, const std::vector<OptionSpec>& everywhere,
                                  const std::vector<std::string>& words);

/// The values of `everywhere` and the first word that is no option, before the tree is known. Never fails: what is
/// wrong is found by parse_command_line later.
struct Prescan {
  Arguments options;
  std::vector<std::string> words;
  bool help = false;
};
Prescan prescan(const std::vector<OptionSpec>& everywhere, const std::vector<std::string>& words);

std::string help_text(const Command& command, const std::string& path, const std::vector<OptionSpec>& everywhere,
                      size_t width);

}  // namespace novacron::host::cli
