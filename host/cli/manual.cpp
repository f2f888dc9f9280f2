#include "host/cli/manual.h"

#include <algorithm>

#include "host/base/roff.h"
#include "host/cli/help.h"

namespace novacron::host::cli {
namespace {

constexpr const char* kExitStatus = R"(.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
An error of the host, or an invalid object.
.TP
.B 2
The command line or a file is wrong; nothing was sent.
.TP
.B 3
Not found.
.TP
.B 4
Conflict: it exists already, has changed meanwhile, or is not in a state for this.
.TP
.B 5
Not logged in, or not allowed.
.TP
.B 6
The host cannot be reached, its certificate is not accepted, or it cannot serve now.
.TP
.B 7
Not within
.BR \-\-timeout .
.TP
.B 8
What was waited for has failed.
.TP
.B 9
.B diff
found differences.
.TP
.B 130
Interrupted, or the answer to a question was no.
)";

bool is_root(const std::string& path) {
  return path.find(' ') == std::string::npos;
}

std::string synopsis(const Command& command, const std::string& path) {
  std::string out = ".SH SYNOPSIS\n.B " + roff_text(path) + "\n";
  if (!command.run) return out + ".IR COMMAND \" ...\"\n";
  const std::string arguments = arguments_text(command);
  if (!arguments.empty()) out += ".I " + roff_argument(arguments) + "\n";
  if (!command.options.empty() || is_root(path)) out += ".RI [ FLAGS ]\n";
  return out;
}

std::string description(const Command& command) {
  std::string out = ".SH DESCRIPTION\n" + roff_text(command.summary) + ".\n";
  if (!command.details.empty()) out += ".PP\n" + roff_text(command.details) + "\n";
  return out;
}

std::string arguments_section(const Command& command) {
  std::string out;
  for (const ArgumentSpec& argument : command.arguments) {
    if (!argument.summary.empty()) out += roff_entry(argument.name, "", argument.summary);
  }
  return out.empty() ? out : ".SH ARGUMENTS\n" + out;
}

/// The children under the headings of their sections, in the order of their first appearance.
std::string commands_section(const Command& command) {
  std::vector<std::pair<std::string, std::string>> sections;
  for (const Command& child : command.children) {
    const std::string heading = child.section.empty() ? "Commands" : child.section;
    const auto has_heading = [&](const auto& section) { return section.first == heading; };
    auto found = std::find_if(sections.begin(), sections.end(), has_heading);
    if (found == sections.end()) found = sections.insert(found, {heading, ""});
    std::string term = child.name;
    for (const std::string& alias : child.aliases) term += ", " + alias;
    found->second += roff_entry(term, "", child.summary);
  }
  std::string out;
  for (const auto& [heading, list] : sections)
    out += (sections.size() == 1 ? "" : ".SS " + roff_argument(heading) + "\n") + list;
  return out.empty() ? out : ".SH COMMANDS\n" + out;
}

std::string options_section(const char* heading, const std::vector<OptionSpec>& options) {
  if (options.empty()) return "";
  std::string out = std::string(".SH ") + heading + "\n";
  for (const OptionSpec& option : options) {
    const std::string names = (option.short_name.empty() ? "" : option.short_name + ", ") + option.name;
    out += roff_entry(names, option.value_name, option_text(option));
  }
  return out;
}

std::string examples_section(const Command& command) {
  std::string lines;
  for (const std::string& example : command.examples) lines += example + "\n";
  return lines.empty() ? lines : ".SH EXAMPLES\n" + roff_literal(lines);
}

std::string see_also(const Command& command, const std::string& path) {
  std::vector<std::string> pages;
  if (!is_root(path)) pages.push_back(manual_name(path.substr(0, path.rfind(' '))));
  for (const Command& child : command.children) pages.push_back(manual_name(path + " " + child.name));
  std::string out = ".SH SEE ALSO\n";
  for (const std::string& page : pages) out += ".BR " + roff_text(page) + " (1),\n";
  return out + ".BR novacrond (8)\n";
}

}  // namespace

std::string manual_name(const std::string& path) {
  std::string name = path;
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string manual_page(const Command& command, const std::string& path, const std::vector<OptionSpec>& everywhere) {
  std::string title = manual_name(path);
  std::transform(title.begin(), title.end(), title.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  std::string out = ".TH " + roff_argument(title) + " 1 \"\" \"NovaCron " NOVACRON_VERSION "\" NovaCron\n";
  out += ".SH NAME\n" + roff_text(manual_name(path)) + " \\- " + roff_text(command.summary) + "\n";
  out += synopsis(command, path) + description(command) + arguments_section(command) + commands_section(command);
  out += options_section("FLAGS", command.options);
  if (is_root(path)) out += options_section("FLAGS OF EVERY COMMAND", everywhere) + kExitStatus;
  out += examples_section(command) + see_also(command, path);
  return out;
}

void for_each_command(const Command& command, const std::string& path,
                      const std::function<void(const Command&, const std::string& path)>& visit) {
  visit(command, path);
  for (const Command& child : command.children) for_each_command(child, path + " " + child.name, visit);
}

}  // namespace novacron::host::cli
