#include <algorithm>

#include "host/cli/commands.h"

namespace novacron::host::cli {
namespace {

// Each asks the CLI itself: `novacron __complete -- WORDS…`.
constexpr const char* kBash = R"sh(_novacron() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$(novacron __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _novacron novacron
)sh";
// In a folder of $fpath the file is the body of the function, which its first call therefore has to go on with.
constexpr const char* kZsh = R"sh(#compdef novacron
_novacron() {
  local -a found
  found=(${(f)"$(novacron __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  compadd -- $found || _files
}
if [[ ${funcstack[1]} == _novacron ]]; then
  _novacron "$@"
else
  compdef _novacron novacron
fi
)sh";
constexpr const char* kFish = R"sh(function __novacron_complete
  set -l words (commandline -opc) (commandline -ct)
  novacron __complete -- $words[2..-1] 2>/dev/null
end
complete -c novacron -a '(__novacron_complete)'
)sh";

const OptionSpec* option_named(const Command& command, const std::vector<OptionSpec>& everywhere,
                               const std::string& name) {
  for (const auto* options : {&command.options, &everywhere}) {
    for (const OptionSpec& option : *options) {
      if (option.name == name || (!option.short_name.empty() && option.short_name == name)) return &option;
    }
  }
  return nullptr;
}

}  // namespace

std::vector<std::string> completions(const Command& root, const std::vector<OptionSpec>& everywhere,
                                     const std::vector<std::string>& words) {
  const std::string last = words.empty() ? "" : words.back();
  const Command* command = &root;
  const OptionSpec* waiting = nullptr;  // an option whose value comes next
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (std::exchange(waiting, nullptr) != nullptr) continue;
    if (words[i].starts_with("-")) {
      const OptionSpec* option = option_named(*command, everywhere, words[i]);
      if (option != nullptr && !option->value_name.empty()) waiting = option;
    } else if (const Command* child = command->find_child(words[i])) {
      command = child;
    }
  }
  std::vector<std::string> found;
  const auto offer = [&](const std::string& word) {
    if (word.starts_with(last) && !word.starts_with("__")) found.push_back(word);
  };
  if (waiting != nullptr) {
    for (const std::string& choice : waiting->choices) offer(choice);
  } else if (last.starts_with("-")) {
    for (const OptionSpec& option : command->options) offer(option.name);
    for (const OptionSpec& option : everywhere) offer(option.name);
    offer("--help");
  } else {
    for (const Command& child : command->children) offer(child.name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

Command completion_command() {
  Command command{.name = "completion",
                  .section = "Where and who",
                  .summary = "Print a script that makes a shell complete commands"};
  for (const auto& [shell, script] : {std::pair{"bash", kBash}, std::pair{"zsh", kZsh}, std::pair{"fish", kFish}}) {
    Command child{.name = shell, .summary = std::string("For ") + shell};
    const std::string text = script;
    child.run = [text](Session& session, const Arguments&) -> Result<ExitCode> {
      session.print(text);
      return ExitCode::kOk;
    };
    command.children.push_back(std::move(child));
  }
  command.children[0].examples = {"source <(novacron completion bash)"};
  command.children[1].examples = {"novacron completion zsh > \"${fpath[1]}/_novacron\""};
  command.children[2].examples = {"novacron completion fish | source"};
  return command;
}

}  // namespace novacron::host::cli
