#include "host/cli/command.h"

#include <algorithm>

#include "host/cli/suggest.h"

namespace novacron::host::cli {
namespace {

constexpr size_t kMaxWords = 10'000;

const OptionSpec* find_option(const std::vector<OptionSpec>& options, std::string_view name) {
  for (const OptionSpec& option : options) {
    if (option.name == name || (!option.short_name.empty() && option.short_name == name)) return &option;
  }
  return nullptr;
}

bool is_option(std::string_view word) {
  return word.size() > 1 && word[0] == '-';
}

/// Reads one command line by going down the tree.
class Parser {
 public:
  Parser(const Command& root, const std::vector<OptionSpec>& everywhere, const std::vector<std::string>& words)
      : everywhere_(everywhere), words_(words) {
    parsed_.command = &root;
    parsed_.path = root.name;
  }

  Result<Parsed> run() {
    if (words_.size() > kMaxWords) return usage_error("too many words");
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      if (!only_arguments_ && word == "--") {
        only_arguments_ = true;
      } else if (!only_arguments_ && is_option(word)) {
        TRY_STATUS(option(word));
      } else {
        TRY_STATUS(plain(word));
      }
    }
    if (!parsed_.help) TRY_STATUS(check_arguments());
    return std::move(parsed_);
  }

 private:
  std::string see_help() const { return " See `" + parsed_.path + " --help`."; }

  Status plain(const std::string& word) {
    const Command& command = *parsed_.command;
    if (!command.children.empty() && parsed_.arguments.positional().empty()) {
      if (const Command* child = command.find_child(word)) {
        parsed_.command = child;
        parsed_.path += " " + child->name;
        return {};
      }
      if (command.arguments.empty()) return unknown_command(word);
    }
    parsed_.arguments.add_positional(word);
    return {};
  }

  Error unknown_command(const std::string& word) const {
    std::vector<std::string> names;
    for (const Command& child : parsed_.command->children) {
      names.push_back(child.name);
      names.insert(names.end(), child.aliases.begin(), child.aliases.end());
    }
    return usage_error("`" + parsed_.path + "` has no command `" + word + "`." + did_you_mean(word, names) +
                       see_help());
  }

  const OptionSpec* known(std::string_view name) const {
    const OptionSpec* own = find_option(parsed_.command->options, name);
    return own != nullptr ? own : find_option(everywhere_, name);
  }

  Error unknown_option(const std::string& name) const {
    std::vector<std::string> names = {"--help"};
    for (const OptionSpec& option : parsed_.command->options) names.push_back(option.name);
    for (const OptionSpec& option : everywhere_) names.push_back(option.name);
    return usage_error("`" + parsed_.path + "` has no flag `" + name + "`." + did_you_mean(name, names) + see_help());
  }

  Status option(const std::string& word) {
    if (word == "--help" || word == "-h") {
      parsed_.help = true;
      return {};
    }
    const bool is_long = word.starts_with("--");
    const size_t equals = is_long ? word.find('=') : std::string::npos;
    const std::string name = is_long ? word.substr(0, equals) : word.substr(0, 2);
    std::optional<std::string> value;
    if (equals != std::string::npos) value = word.substr(equals + 1);
    if (!is_long && word.size() > 2) value = word.substr(word[2] == '=' ? 3 : 2);
    const OptionSpec* spec = known(name);
    if (spec == nullptr && name.starts_with("--no-") && !value) {
      spec = known("--" + name.substr(5));
      if (spec != nullptr && spec->value_name.empty()) return store(*spec, "false");
      spec = nullptr;
    }
    if (spec == nullptr) return unknown_option(name);
    if (spec->value_name.empty()) return store_switch(*spec, value, is_long);
    if (!value) {
      if (at_ == words_.size()) return usage_error(name + " needs a value: " + name + " " + spec->value_name);
      value = words_[at_++];
    }
    return store(*spec, *value);
  }

  Status store_switch(const OptionSpec& spec, const std::optional<std::string>& value, bool is_long) {
    if (!value) return store(spec, "true");
    if (!is_long) return usage_error(spec.short_name + " takes no value");
    if (*value != "true" && *value != "false") return usage_error(spec.name + " is true or false");
    return store(spec, *value);
  }

  Status store(const OptionSpec& spec, const std::string& value) {
    const auto& choices = spec.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
      std::string list;
      for (const std::string& choice : choices) list += (list.empty() ? "" : ", ") + choice;
      return usage_error(spec.name + " is one of " + list + "." + did_you_mean(value, choices));
    }
    parsed_.arguments.add(spec.name, value);
    return {};
  }

  Status check_arguments() const {
    const Command& command = *parsed_.command;
    if (!command.run) {
      if (parsed_.path.find(' ') == std::string::npos) return usage_error("which command?" + see_help());
      return usage_error("`" + parsed_.path + "` needs a command." + see_help());
    }
    const auto& given = parsed_.arguments.positional();
    size_t most = 0;
    for (const ArgumentSpec& argument : command.arguments) {
      if (argument.required && given.size() <= most) {
        return usage_error("`" + parsed_.path + "` needs " + argument.name + "." + see_help());
      }
      most = argument.repeated ? kMaxWords : most + 1;
    }
    if (given.size() > most) return usage_error("`" + given[most] + "` is too much." + see_help());
    return {};
  }

  const std::vector<OptionSpec>& everywhere_;
  const std::vector<std::string>& words_;
  Parsed parsed_;
  size_t at_ = 0;
  bool only_arguments_ = false;
};

}  // namespace

std::string Arguments::get(const std::string& option, std::string otherwise) const {
  const auto found = options_.find(option);
  return found == options_.end() ? otherwise : found->second.back();
}

const std::vector<std::string>& Arguments::all(const std::string& option) const {
  static const std::vector<std::string> kNone;
  const auto found = options_.find(option);
  return found == options_.end() ? kNone : found->second;
}

bool Arguments::is_on(const std::string& option, bool otherwise) const {
  return has(option) ? get(option) == "true" : otherwise;
}

bool Command::answers_to(std::string_view word) const {
  return name == word || std::find(aliases.begin(), aliases.end(), word) != aliases.end();
}

const Command* Command::find_child(std::string_view word) const {
  for (const Command& child : children) {
    if (child.answers_to(word)) return &child;
  }
  return nullptr;
}

Result<Parsed> parse_command_line(const Command& root, const std::vector<OptionSpec>& everywhere,
                                  const std::vector<std::string>& words) {
  return Parser(root, everywhere, words).run();
}

Prescan prescan(const std::vector<OptionSpec>& everywhere, const std::vector<std::string>& words) {
  Prescan scan;
  for (size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const std::string& word = words[i];
    if (word == "--help" || word == "-h") scan.help = true;
    if (!is_option(word)) {
      scan.words.push_back(word);
      continue;
    }
    const size_t equals = word.find('=');
    const OptionSpec* spec = find_option(everywhere, word.substr(0, equals));
    if (spec == nullptr) continue;
    if (equals != std::string::npos) {
      scan.options.add(spec->name, word.substr(equals + 1));
    } else if (spec->value_name.empty()) {
      scan.options.add(spec->name, "true");
    } else if (i + 1 < words.size()) {
      scan.options.add(spec->name, words[++i]);
    }
  }
  return scan;
}

}  // namespace novacron::host::cli
