#include "host/contract/types.h"

#include <algorithm>

namespace novacron::host::contract {

namespace {
template <class List, class Matches>
const typename List::value_type* find_in(const List& list, Matches&& matches) {
  const auto found = std::find_if(list.begin(), list.end(), matches);
  return found == list.end() ? nullptr : &*found;
}
}  // namespace

const Field* MessageType::find(std::string_view name) const {
  return find_in(fields, [name](const Field& field) { return field.name == name; });
}

const Method* Service::find(std::string_view name) const {
  return find_in(methods, [name](const Method& method) { return method.name == name; });
}

const Kind* Kind::find_version(std::string_view wanted) const {
  if (wanted == version) return this;
  return find_in(older, [wanted](const Kind& kind) { return kind.version == wanted; });
}

const PatchVerb* Kind::find_verb(std::string_view verb) const {
  return find_in(verbs, [verb](const PatchVerb& known) { return known.name == verb; });
}

const Action* Kind::find_action(std::string_view verb) const {
  return find_in(actions, [verb](const Action& known) { return known.verb == verb; });
}

}  // namespace novacron::host::contract
