#include "host/contract/lint.h"

#include <google/protobuf/descriptor.h>
#include <novacron/options.pb.h>

#include <algorithm>
#include <array>
#include <set>

#include "host/base/semver.h"
#include "host/contract/file_set.h"
#include "host/contract/json.h"
#include "host/contract/json_text.h"

#include <nlohmann/json.hpp>

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

/// Verbs that every kind has, in the API or in the command line.
constexpr std::array<std::string_view, 16> kBuiltInVerbs = {
    "apply", "create", "delete",  "describe", "edit",   "explain",       "get", "help",
    "list",  "patch",  "replace", "show",     "update", "update_status", "use", "watch"};
/// Nouns of the command line and first segments of REST paths that belong to the host.
constexpr std::array<std::string_view, 28> kReservedNouns = {
    "api-resources", "apply",  "completion", "config",         "context", "delete",  "describe",
    "diff",          "doctor", "edit",       "events",         "explain", "get",     "healthz",
    "help",          "log",    "login",      "logout",         "man",     "metrics", "patch",
    "readyz",        "schema", "status",     "support-bundle", "version", "wait",    "watch"};

template <size_t n>
bool contains(const std::array<std::string_view, n>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

class KindLint {
 public:
  KindLint(const Kind& kind, const KindOptions& options, Violations& violations)
      : kind_(kind), options_(options), violations_(violations) {}

  void run() {
    if (options_.scope() == SCOPE_UNSPECIFIED) add("scope is missing: say SCOPE_TENANT or SCOPE_HOST");
    lint_names();
    lint_parts();
    lint_verbs();
  }

 private:
  void add(std::string message) { violations_.add(kind_.message->full_name, "(novacron.kind): " + std::move(message)); }

  void lint_names() {
    if (!is_label(kind_.plural)) add("plural must be lower-case letters, digits and dashes, such as \"robots\"");
    if (kind_.plural == kind_.name) add("plural must differ from the name of the kind");
    if (!kind_.converts_from.empty() && !is_older(kind_.converts_from)) {
      add("converts_from must be an older version of the package, such as \"" + kind_.group + ".v1\"");
    }
    std::vector<std::string> nouns(options_.short_().begin(), options_.short_().end());
    for (const auto& noun : nouns) {
      if (!is_label(noun)) add("the short name \"" + noun + "\" must be lower-case letters, digits and dashes");
    }
    nouns.push_back(kind_.plural);
    for (const auto& noun : nouns) {
      if (contains(kReservedNouns, noun)) add("the name \"" + noun + "\" is reserved; choose another");
    }
  }

  bool is_older(const std::string& package) const {
    const std::string start = kind_.group + ".v";
    if (!package.starts_with(start) || package.size() > kind_.package.size()) return false;
    return package.size() < kind_.package.size() || package < kind_.package;  // v9 before v10
  }

  void lint_parts() {
    lint_part("metadata", 1, true);
    lint_part("spec", 2, true);
    lint_part("status", 3, false);
    const Field* metadata = kind_.message->find("metadata");
    if (metadata && (!metadata->message || metadata->message->full_name != "novacron.core.v1.Metadata")) {
      violations_.add(kind_.message->full_name + ".metadata", "must be a novacron.core.v1.Metadata");
    }
    for (const auto& field : kind_.message->fields) {
      if (field.name == "metadata" || field.name == "spec" || field.name == "status") continue;
      violations_.add(join_path(kind_.message->full_name, field.name),
                      "a kind has the fields metadata, spec and status only; move it into one of them");
    }
  }

  void lint_part(std::string_view name, int number, bool required) {
    const std::string path = join_path(kind_.message->full_name, name);
    const Field* field = kind_.message->find(name);
    if (!field) {
      if (required)
        violations_.add(path,
                        "is missing: a kind needs the field " + std::string(name) + " = " + std::to_string(number));
      return;
    }
    if (field->number != number) violations_.add(path, "must have the number " + std::to_string(number));
    if (field->type != FieldType::kMessage || field->cardinality != Cardinality::kSingle) {
      violations_.add(path, "must be one message");
    }
  }

  void lint_verbs() {
    std::set<std::string> seen;
    for (const auto& verb : kind_.verbs) {
      lint_verb(verb.name, seen);
      lint_patch(verb);
    }
    for (const auto& action : kind_.actions) {
      lint_verb(action.verb, seen);
      lint_action(action);
    }
  }

  void lint_verb(const std::string& name, std::set<std::string>& seen) {
    if (!is_label(name)) add("the verb \"" + name + "\" must be lower-case letters, digits and dashes");
    if (contains(kBuiltInVerbs, name)) add("the verb \"" + name + "\" is built in for every kind; choose another");
    if (!seen.insert(name).second) add("the verb \"" + name + "\" is there twice");
  }

  void lint_patch(const PatchVerb& verb) {
    const std::string where = "the patch of the verb \"" + verb.name + "\" ";
    const auto patch = parse_json(verb.patch);
    if (!patch.ok()) return add(where + "is no JSON: " + patch.error().message);
    if (!patch->is_object() || patch->size() != 1 || !patch->contains("spec")) {
      return add(where + "must be an object with \"spec\" alone: {\"spec\":{…}}");
    }
    const auto fits = json_to_message(*kind_.message, verb.patch);
    if (!fits.ok()) add(where + "does not fit: " + fits.error().message);
  }

  void lint_action(const Action& action) {
    const std::string path = action.service + "." + action.method.name;
    const Field* object = action.method.request->find("object");
    if (!object || object->number != 1 || !object->message ||
        object->message->full_name != "novacron.core.v1.ObjectRef" || object->cardinality != Cardinality::kSingle) {
      violations_.add(path, "(novacron.action): the request needs the field novacron.core.v1.ObjectRef object = 1");
    }
  }

  const Kind& kind_;
  const KindOptions& options_;
  Violations& violations_;
};

void lint_message_tree(const pb::Descriptor& descriptor, const Description& description, Violations& violations) {
  if (descriptor.options().map_entry()) return;
  const auto type = description.messages.find(descriptor.full_name());
  if (type != description.messages.end()) lint_fields(*type->second, violations);
  const auto lint_kind = [&](const Kind& kind) {
    if (kind.message->descriptor != &descriptor) return;
    KindLint(kind, descriptor.options().GetExtension(::novacron::kind), violations).run();
  };
  for (const auto& kind : description.kinds) {
    lint_kind(kind);
    for (const auto& older : kind.older) lint_kind(older);
  }
  for (int i = 0; i < descriptor.nested_type_count(); ++i) {
    const auto& nested = *descriptor.nested_type(i);
    if (nested.options().HasExtension(::novacron::kind)) {
      violations.add(nested.full_name(),
                     "(novacron.kind): a kind must be a message of the file, not of another message");
    }
    lint_message_tree(nested, description, violations);
  }
}
}  // namespace

bool is_label(std::string_view text) {
  const auto inner = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), inner) && text.front() != '-' &&
         text.back() != '-';
}

void lint_file(const pb::FileDescriptor& file, const Description& description, Violations& violations) {
  if (file.syntax() != pb::FileDescriptor::SYNTAX_PROTO3) {
    violations.add(file.name(),
                   "must be syntax = \"proto3\": other interfaces know no required fields, groups or closed enums");
  }
  for (int i = 0; i < file.message_type_count(); ++i) lint_message_tree(*file.message_type(i), description, violations);
}

void lint_package(const std::string& package, const std::vector<std::string>& versions, Violations& violations) {
  if (versions.size() != 1) {
    violations.add(package, versions.empty() ? "no file has option (novacron.contract) with the version of the package"
                                             : "more than one file has option (novacron.contract)");
    return;
  }
  const auto version = Version::parse(versions.front());
  if (!version.ok()) return violations.add(package, "(novacron.contract): " + version.error().message);
  const size_t dot = package.rfind('.');
  const std::string suffix = dot == std::string::npos ? package : package.substr(dot + 1);
  if (suffix != "v" + std::to_string(version->major)) {
    violations.add(package, "(novacron.contract): version " + version->to_string() +
                                " needs a package that ends in .v" + std::to_string(version->major));
  }
}

}  // namespace novacron::host::contract
