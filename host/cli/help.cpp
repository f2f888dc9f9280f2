#include "host/cli/help.h"
#include "host/cli/text.h"

namespace novacron::host::cli {

std::string option_term(const OptionSpec& option) {
  std::string term = option.short_name.empty() ? "    " : option.short_name + ", ";
  term += option.name;
  if (!option.value_name.empty()) term += " " + option.value_name;
  return term;
}

std::string option_text(const OptionSpec& option) {
  std::string text = option.summary;
  if (!option.choices.empty()) {
    std::string list;
    for (const std::string& choice : option.choices) list += (list.empty() ? "" : "|") + choice;
    if (list != option.value_name) text += (text.empty() ? "" : ": ") + list;
  }
  if (option.repeated) text += text.empty() ? "may be repeated" : " (may be repeated)";
  return text;
}

std::string arguments_text(const Command& command) {
  std::string text;
  for (const ArgumentSpec& argument : command.arguments) {
    const std::string name = argument.name + (argument.repeated ? "…" : "");
    text += (text.empty() ? "" : " ") + (argument.required ? name : "[" + name + "]");
  }
  return text;
}

namespace {

constexpr size_t kMaxTermWidth = 28;

struct Entry {
  std::string term;
  std::string text;
};

/// Two columns; the right one is wrapped at the width of the terminal.
std::string entries(const std::string& heading, const std::vector<Entry>& list, size_t width) {
  if (list.empty()) return "";
  size_t widest = 0;
  for (const Entry& entry : list) {
    if (text_width(entry.term) <= kMaxTermWidth) widest = std::max(widest, text_width(entry.term));
  }
  const size_t indent = widest + 4;
  std::string out = "\n" + heading + ":\n";
  for (const Entry& entry : list) {
    std::string line = "  " + entry.term;
    if (entry.text.empty()) {
      out += line + "\n";
      continue;
    }
    if (text_width(line) > widest + 2) {
      out += line + "\n";
      line.clear();
    }
    const std::string wrapped = wrap_text(entry.text, width > indent + 20 ? width - indent : 60, indent);
    out += pad_right(line, indent) + wrapped + "\n";
  }
  return out;
}

std::string usage_line(const Command& command, const std::string& path) {
  std::string line = "usage: " + path;
  if (!command.run) return line + " COMMAND …\n";
  const std::string arguments = arguments_text(command);
  if (!arguments.empty()) line += " " + arguments;
  if (!command.options.empty()) line += " [FLAGS]";
  return line + "\n";
}

/// The children under the headings of their sections, in the order of their first appearance.
std::string children_text(const Command& command, size_t width) {
  std::vector<std::pair<std::string, std::vector<Entry>>> sections;
  for (const Command& child : command.children) {
    const std::string heading = child.section.empty() ? "Commands" : child.section;
    auto found = sections.begin();
    while (found != sections.end() && found->first != heading) ++found;
    if (found == sections.end()) found = sections.insert(found, {heading, {}});
    std::string term = child.name;
    for (const std::string& alias : child.aliases) term += ", " + alias;
    found->second.push_back({term, child.summary});
  }
  std::string out;
  for (const auto& [heading, list] : sections) out += entries(heading, list, width);
  return out;
}

std::vector<Entry> option_entries(const std::vector<OptionSpec>& options) {
  std::vector<Entry> list;
  for (const OptionSpec& option : options) list.push_back({option_term(option), option_text(option)});
  return list;
}

}  // namespace

std::string help_text(const Command& command, const std::string& path, const std::vector<OptionSpec>& everywhere,
                      size_t width) {
  std::string out = command.summary.empty() ? "" : command.summary + "\n\n";
  out += usage_line(command, path);
  if (!command.details.empty()) out += "\n" + wrap_text(command.details, width, 0) + "\n";
  std::vector<Entry> arguments;
  for (const ArgumentSpec& argument : command.arguments) {
    if (!argument.summary.empty()) arguments.push_back({argument.name, argument.summary});
  }
  out += entries("Arguments", arguments, width);
  out += children_text(command, width);
  out += entries("Flags", option_entries(command.options), width);
  if (!command.examples.empty()) {
    out += "\nExamples:\n";
    for (const std::string& example : command.examples) out += "  " + example + "\n";
  }
  const bool is_root = path.find(' ') == std::string::npos;
  if (!is_root) return out + "\nFlags of every command: see `" + path.substr(0, path.find(' ')) + " --help`\n";
  return out + entries("Flags of every command", option_entries(everywhere), width);
}

}  // namespace novacron::host::cli
