#include <re2/re2.h>

#include "host/contract/json.h"
#include "host/contract/json_decode.h"
#include "host/contract/lint.h"

namespace novacron::host::contract {

namespace {
bool is_integer(FieldType type) {
  return type == FieldType::kInt32 || type == FieldType::kUint32 || type == FieldType::kInt64 ||
         type == FieldType::kUint64;
}
bool is_number(FieldType type) {
  return is_integer(type) || type == FieldType::kFloat || type == FieldType::kDouble;
}
bool is_text(FieldType type) {
  return type == FieldType::kString || type == FieldType::kBytes;
}

class FieldLint {
 public:
  FieldLint(const MessageType& type, const Field& field, Violations& violations)
      : type_(type), field_(field), path_(join_path(type.full_name, field.name)), violations_(violations) {}

  void run() {
    lint_marks();
    lint_rules();
    lint_list();
    lint_default();
    lint_cli();
  }

 private:
  void add(std::string message) { violations_.add(path_, std::move(message)); }

  void lint_marks() {
    if (field_.unit != Unit::kNone && !is_integer(field_.type)) add("(novacron.unit) is for integers");
    if (field_.json && (field_.type != FieldType::kString || field_.cardinality != Cardinality::kSingle)) {
      add("(novacron.json) is for single strings");
    }
    if (field_.blob && field_.type != FieldType::kString) add("(novacron.blob) is for strings");
    if (field_.ref && (field_.type != FieldType::kString || field_.cardinality == Cardinality::kMap)) {
      add("(novacron.ref) is for strings and lists of strings");
    }
    if (field_.ref && field_.ref->kind.find('/') == std::string::npos) {
      add("(novacron.ref): kind must be \"group/Kind\", such as \"novacron.core/Node\"");
    }
    if (field_.secret && (!is_text(field_.type) || field_.cardinality == Cardinality::kRepeated)) {
      add("(novacron.secret) is for strings, bytes, and maps of them");
    }
  }

  void lint_rules() {
    const auto& rules = field_.rules;
    if ((rules.min || rules.max) && !is_number(field_.type)) add("(novacron.rules): range is for numbers");
    if (rules.min && rules.max && *rules.min > *rules.max) add("(novacron.rules): min is above max");
    const bool has_length = is_text(field_.type) || field_.cardinality != Cardinality::kSingle;
    if ((rules.min_length != 0 || rules.max_length != 0) && !has_length) {
      add("(novacron.rules): lengths are for strings, bytes, lists and maps");
    }
    if (rules.max_length != 0 && rules.min_length > rules.max_length)
      add("(novacron.rules): min_length is above max_length");
    if (!rules.pattern.empty() && field_.type != FieldType::kString) add("(novacron.rules): pattern is for strings");
    if (rules.matcher && !rules.matcher->ok()) add("(novacron.rules): pattern: " + rules.matcher->error());
  }

  void lint_list() {
    if (field_.list_keys.empty()) return;
    if (field_.cardinality != Cardinality::kRepeated || field_.type != FieldType::kMessage) {
      return add("(novacron.list): a map list is a repeated message");
    }
    for (const auto& name : field_.list_keys) {
      const Field* key = field_.message->find(name);
      if (!key) {
        add("(novacron.list): " + field_.message->full_name + " has no field \"" + name + "\" to be a key");
      } else if (key->cardinality != Cardinality::kSingle ||
                 (key->type != FieldType::kString && !is_integer(key->type))) {
        add("(novacron.list): the key \"" + name + "\" must be one string or integer");
      }
    }
  }

  void lint_default() {
    if (field_.rules.default_json.empty()) return;
    if (field_.secret) add("(novacron.rules): a secret has no default");
    const auto status = check_default(type_, field_);
    if (!status.ok()) add("(novacron.rules): default_json: " + status.error().message);
  }

  void lint_cli() {
    const auto& cli = field_.cli;
    if (!cli.flag.empty() && (!cli.flag.starts_with("--") || !is_label(std::string_view(cli.flag).substr(2)))) {
      add("(novacron.cli): flag must be two dashes and lower-case words, such as \"--memory\"");
    }
    const bool short_fits = cli.short_flag.size() == 2 && cli.short_flag[0] == '-' && cli.short_flag[1] != '-';
    if (!cli.short_flag.empty() && !short_fits)
      add("(novacron.cli): short must be a dash and one letter, such as \"-m\"");
  }

  const MessageType& type_;
  const Field& field_;
  std::string path_;
  Violations& violations_;
};
}  // namespace

void lint_fields(const MessageType& type, Violations& violations) {
  for (const auto& field : type.fields) FieldLint(type, field, violations).run();
}

}  // namespace novacron::host::contract
