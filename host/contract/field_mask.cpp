#include "host/contract/field_mask.h"

#include <nlohmann/json.hpp>

#include "host/contract/field_path.h"
#include "host/contract/violations.h"

namespace novacron::host::contract {

namespace {
using nlohmann::json;

Error invalid(std::string_view path, const std::string& what) {
  Violations violations;
  violations.add(std::string(path), what);
  return violations.status().error();
}
}  // namespace

Result<FieldMask> FieldMask::parse(const MessageType& object, std::string_view text) {
  FieldMask mask;
  size_t count = 0;
  for (bool more = true; more;) {
    const size_t comma = text.find(',');
    const std::string_view path = text.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
    if (++count > kMaxMaskPaths) return invalid(path, "a mask has at most 64 paths");
    TRY_STATUS(mask.add(object, path));
  }
  return mask;
}

Status FieldMask::add(const MessageType& object, std::string_view path) {
  FieldMask* mask = this;
  const MessageType* type = &object;
  size_t depth = 0;
  bool is_new = false;
  for (std::string_view left = path; true;) {
    const size_t dot = std::min(left.find('.'), left.size());
    const Field* field = type ? type->find(left.substr(0, dot)) : nullptr;
    if (!field || ++depth > kMaxPathParts) return invalid(path, "there is no such field");
    const auto [part, inserted] = mask->parts_.try_emplace(field->name);
    const bool was_whole = !inserted && part->second.parts_.empty();
    if (was_whole) return {};
    is_new = inserted;
    mask = &part->second;
    mask->repeated_ = field->cardinality != Cardinality::kSingle;
    type = field->message;
    if (dot == left.size()) break;
    left.remove_prefix(dot + 1);
  }
  if (!is_new) mask->parts_.clear();  // what was a part of it is all of it now
  return {};
}

void FieldMask::keep(json& value) const {
  if (parts_.empty() || !value.is_structured()) return;
  if (repeated_) {
    for (auto& item : value) keep_members(item);
  } else {
    keep_members(value);
  }
}

void FieldMask::keep_members(json& object) const {
  if (!object.is_object()) return;
  for (auto member = object.begin(); member != object.end();) {
    const auto part = parts_.find(member.key());
    const bool is_kind = member.key() == "kind" && member->is_string();
    if (part == parts_.end() && !is_kind) {
      member = object.erase(member);
      continue;
    }
    if (part != parts_.end()) part->second.keep(*member);
    ++member;
  }
}

Status FieldMask::copy(const json& from, json& to) const {
  for (const auto& [name, part] : parts_) {
    const bool whole = part.parts_.empty();
    if (!whole && part.repeated_) return invalid(name, "is a list or a map: a mask of a change takes it as a whole");
    const auto given = from.find(name);
    if (whole && given == from.end()) {
      to.erase(name);
    } else if (whole) {
      to[name] = *given;
    } else {
      if (!to.contains(name)) to[name] = json::object();
      TRY_STATUS(part.copy(given == from.end() ? json::object() : *given, to[name]));
    }
  }
  return {};
}

}  // namespace novacron::host::contract
