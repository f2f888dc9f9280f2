#include "host/contract/versions.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <set>
#include <utility>

namespace novacron::host::contract {

namespace {
const Field* by_number(const MessageType& type, int32_t number) {
  const auto found =
      std::find_if(type.fields.begin(), type.fields.end(), [number](const Field& f) { return f.number == number; });
  return found == type.fields.end() ? nullptr : &*found;
}

/// Compares what two versions make of the same bytes.
class Comparison {
 public:
  explicit Comparison(Violations& violations) : violations_(violations) {}

  void messages(const MessageType& newer, const MessageType& older) {
    if (&newer == &older || !seen_.emplace(&newer, &older).second) return;
    for (const auto& field : older.fields) kept_field(newer, field);
    for (const auto& field : newer.fields) {
      if (!by_number(older, field.number)) added_field(newer, field, older);
    }
  }

 private:
  void add(const MessageType& type, const Field& field, std::string what) {
    violations_.add(join_path(type.full_name, field.name), std::move(what));
  }

  void kept_field(const MessageType& newer, const Field& was) {
    const Field* is = by_number(newer, was.number);
    const std::string number = std::to_string(was.number);
    if (!is) {
      if (!newer.descriptor->IsReservedNumber(was.number))
        violations_.add(newer.full_name, "leaves out field " + number + " (" + was.name + "); reserve its number");
      if (was.secret) violations_.add(newer.full_name, "leaves out the secret " + was.name + ", which would be shown");
      return;
    }
    if (is->name != was.name && is->renamed_from != was.name) {
      add(newer, *is,
          "field " + number + " was named " + was.name + ": say (novacron.renamed_from) = \"" + was.name + "\"");
    }
    if (is->name == was.name && !is->renamed_from.empty()) add(newer, *is, "is named as before: renamed_from is wrong");
    same_meaning(newer, *is, was);
    types(newer, *is, was);
  }

  void added_field(const MessageType& newer, const Field& field, const MessageType& older) {
    if (!field.renamed_from.empty()) add(newer, field, "there is no field of its number in the version before");
    if (older.descriptor->IsReservedNumber(field.number))
      add(newer, field, "its number " + std::to_string(field.number) + " was reserved");
    if (field.rules.required && field.rules.default_json.empty())
      add(newer, field, "it is new and required, which writers of the version before do not know; give it a default");
  }

  void same_meaning(const MessageType& newer, const Field& is, const Field& was) {
    const auto require = [&](bool same, const char* what) {
      if (!same) add(newer, is, std::string(what) + " changed since the version before");
    };
    require(is.unit == was.unit, "(novacron.unit)");
    require(is.secret == was.secret, "(novacron.secret)");
    require(is.blob == was.blob, "(novacron.blob)");
    require((is.ref ? is.ref->kind : "") == (was.ref ? was.ref->kind : ""), "(novacron.ref)");
    require(key_numbers(is) == key_numbers(was), "(novacron.list)");
    require(is.rules.required <= was.rules.required, "\"required\"");
  }

  static std::vector<int32_t> key_numbers(const Field& field) {
    std::vector<int32_t> numbers;
    for (const auto& key : field.list_keys) {
      const Field* found = field.message ? field.message->find(key) : nullptr;
      numbers.push_back(found ? found->number : 0);
    }
    return numbers;
  }

  void types(const MessageType& newer, const Field& is, const Field& was) {
    const bool same = is.type == was.type && is.cardinality == was.cardinality && is.map_key == was.map_key &&
                      is.descriptor->type() == was.descriptor->type() && is.has_presence == was.has_presence &&
                      is.oneof.empty() == was.oneof.empty() && is.special == was.special;
    if (!same) return add(newer, is, "its type changed since the version before; give the new one a number of its own");
    if (is.message) messages(*is.message, *was.message);
    if (!is.enumeration) return;
    for (const auto& value : was.enumeration->values) {
      const auto& all = is.enumeration->values;
      if (std::any_of(all.begin(), all.end(), [&](const EnumValue& v) { return v.number == value.number; })) continue;
      add(newer, is,
          "the value " + value.name + " (" + std::to_string(value.number) + ") of the version before is missing");
    }
  }

  Violations& violations_;
  std::set<std::pair<const MessageType*, const MessageType*>> seen_;
};

void check_kinds(const Kind& newer, const Kind& older, Violations& violations) {
  const auto require = [&](bool holds, const std::string& what) {
    if (!holds) violations.add(newer.message->full_name, "(novacron.kind): " + what);
  };
  require(newer.scope == older.scope, "the scope changed since " + older.package);
  require(newer.plural == older.plural, "the plural changed since " + older.package);
  for (const auto& verb : older.verbs) {
    require(newer.find_verb(verb.name) != nullptr, "the verb " + verb.name + " of " + older.package + " is missing");
  }
  require((newer.status == nullptr) == (older.status == nullptr), "the status came or went since " + older.package);
  Comparison comparison(violations);
  if (newer.spec && older.spec) comparison.messages(*newer.spec, *older.spec);
  if (newer.status && older.status) comparison.messages(*newer.status, *older.status);
}

/// Verbs that are methods stay where they are, whichever version's objects they are for.
void inherit_actions(Kind& newer, const Kind& older) {
  for (const auto& action : older.actions) {
    if (!newer.find_action(action.verb) && !newer.find_verb(action.verb)) newer.actions.push_back(action);
  }
}

/// Takes the one out of `versions` that `is_it` tells; none: there is no such.
template <class IsIt>
std::vector<Kind> take(std::vector<Kind>& versions, IsIt&& is_it) {
  std::vector<Kind> taken;
  const auto found = std::find_if(versions.begin(), versions.end(), is_it);
  if (found == versions.end()) return taken;
  taken.push_back(std::move(*found));
  versions.erase(found);
  return taken;
}
}  // namespace

Kind newest_of(std::vector<Kind> versions, Violations& violations) {
  const auto is_converted = [&versions](const Kind& kind) {
    return std::any_of(versions.begin(), versions.end(),
                       [&kind](const Kind& other) { return other.converts_from == kind.package; });
  };
  const auto first = std::find_if_not(versions.begin(), versions.end(), is_converted);
  const std::string newest_package = first == versions.end() ? versions.front().package : first->package;
  Kind newest = std::move(take(versions, [&](const Kind& kind) { return kind.package == newest_package; }).front());
  std::string before = newest.converts_from;
  while (!before.empty()) {
    auto found = take(versions, [&](const Kind& kind) { return kind.package == before; });
    if (found.empty()) break;
    check_kinds(newest.older.empty() ? newest : newest.older.back(), found.front(), violations);
    inherit_actions(newest, found.front());
    before = found.front().converts_from;
    newest.older.push_back(std::move(found.front()));
  }
  for (const auto& other : versions) {
    violations.add(other.message->full_name, "(novacron.kind): " + newest.package + " has the kind " + other.id +
                                                 " too; the newer of them must say converts_from");
  }
  return newest;
}

}  // namespace novacron::host::contract
