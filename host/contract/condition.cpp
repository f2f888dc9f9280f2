#include "host/contract/condition.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/contract/json_decode.h"
#include "host/contract/json_text.h"
#include "host/contract/message.h"
#include "host/contract/parts.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;
constexpr size_t kMaxPathParts = 16;
constexpr size_t kMaxComparisons = 64;

Error invalid(std::string message) {
  return {Code::kInvalidArgument, std::move(message), "condition.invalid"};
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
}  // namespace

struct Condition::Comparison {
  std::vector<const pb::FieldDescriptor*> path;  ///< the last one holds the value
  bool equal = true;
  Scalar value;

  bool holds(const pb::Message& object) const {
    const pb::Message* message = &object;
    for (size_t i = 0; i + 1 < path.size(); ++i) message = &message->GetReflection()->GetMessage(*message, path[i]);
    return (read_scalar(*message, *path.back()) == value) == equal;
  }
};

struct Condition::Parser {
  const MessageType& object;
  std::string_view rest;

  void skip_space() {
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\n')) rest.remove_prefix(1);
  }

  bool accept(std::string_view token) {
    skip_space();
    if (!rest.starts_with(token)) return false;
    rest.remove_prefix(token.size());
    return true;
  }

  /// A path, a number or a name: everything up to what cannot be part of one.
  std::string_view take_word() {
    skip_space();
    size_t length = 0;
    while (length < rest.size() && (is_word(rest[length]) || rest[length] == '.' || rest[length] == '-')) ++length;
    const auto word = rest.substr(0, length);
    rest.remove_prefix(length);
    return word;
  }

  /// As JSON: quoted text stays as it is, a bare enum name gets quotes.
  Result<std::string> take_value() {
    skip_space();
    if (!rest.starts_with('"')) {
      const std::string word(take_word());
      if (word.empty()) return invalid("a value is missing");
      const bool literal = word == "true" || word == "false" || word[0] == '-' || (word[0] >= '0' && word[0] <= '9');
      return literal ? word : "\"" + word + "\"";
    }
    size_t end = 1;
    while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
    if (end >= rest.size()) return invalid("a quoted text has no end");
    const std::string text(rest.substr(0, end + 1));
    rest.remove_prefix(end + 1);
    return text;
  }

  Result<Comparison> comparison() {
    Comparison out;
    const Field& field = *TRY(resolve(std::string(take_word()), out));
    if (accept("!=")) {
      out.equal = false;
    } else if (!accept("==")) {
      return invalid("== or != is missing after a path");
    }
    const std::string text = TRY(take_value());
    out.value = TRY(value_of(field, text, out));
    return out;
  }

  /// Fills in the path and gives its last field.
  Result<const Field*> resolve(const std::string& path, Comparison& out) {
    const MessageType* type = &object;
    const Field* field = nullptr;
    std::string_view left = path;
    while (true) {
      const size_t dot = std::min(left.find('.'), left.size());
      field = type ? type->find(left.substr(0, dot)) : nullptr;
      if (!field || out.path.size() >= kMaxPathParts) return invalid("there is no field \"" + path + "\"");
      if (field->cardinality != Cardinality::kSingle) return invalid("\"" + path + "\" goes through a list or a map");
      out.path.push_back(field->descriptor);
      type = field->message;
      if (dot == left.size()) break;
      left.remove_prefix(dot + 1);
    }
    if (field->descriptor->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
      return invalid("\"" + path + "\" is no single value");
    }
    return field;
  }

  /// Reads the value as JSON would be read into the field.
  Result<Scalar> value_of(const Field& field, const std::string& text, const Comparison& comparison) {
    auto json = parse_json(text);
    if (!json.ok()) return invalid("\"" + text + "\" is no value");
    const auto& descriptor = *comparison.path.back()->containing_type();
    const auto* factory = prototype_of(descriptor);
    if (!factory) return invalid("internal: no prototype");
    const std::unique_ptr<pb::Message> holder(factory->New());
    Violations violations;
    decode_field(field, *json, *holder, field.name, violations);
    const auto status = violations.status();
    if (!status.ok()) return invalid(status.error().message);
    return read_scalar(*holder, *field.descriptor);
  }

  const pb::Message* prototype_of(const pb::Descriptor& descriptor) {
    return object.prototype->GetReflection()->GetMessageFactory()->GetPrototype(&descriptor);
  }

  Result<std::vector<std::vector<Comparison>>> all() {
    std::vector<std::vector<Comparison>> any(1);
    size_t count = 0;
    do {
      do {
        if (++count > kMaxComparisons) return invalid("more than " + std::to_string(kMaxComparisons) + " comparisons");
        any.back().push_back(TRY(comparison()));
      } while (accept("&&"));
      any.emplace_back();
    } while (accept("||"));
    any.pop_back();
    skip_space();
    if (!rest.empty()) return invalid("\"" + std::string(rest) + "\" is left over; comparisons are joined by && or ||");
    return any;
  }
};

Condition::Condition() = default;
Condition::~Condition() = default;

Result<std::shared_ptr<const Condition>> Condition::compile(const MessageType& object, std::string_view text) {
  if (text.size() > kMaxConditionBytes) return invalid("a condition has at most 4096 bytes");
  std::shared_ptr<Condition> out(new Condition());
  out->text_ = text;
  out->any_of_all_ = TRY((Parser{object, text}.all()));
  return std::shared_ptr<const Condition>(std::move(out));
}

bool Condition::holds(const pb::Message& object) const {
  const auto holds_now = [&object](const Comparison& comparison) { return comparison.holds(object); };
  return std::any_of(any_of_all_.begin(), any_of_all_.end(),
                     [&holds_now](const auto& all) { return std::all_of(all.begin(), all.end(), holds_now); });
}

Result<Convergence> convergence(const Kind& kind, const Condition* ready_when, std::string_view metadata,
                                std::string_view spec, std::string_view status, uint64_t generation) {
  const auto object =
      TRY(parse_message(*kind.message, join_parts({std::string(metadata), std::string(spec), std::string(status)})));
  if (kind.has_observed_generation) {
    const auto& field = *kind.message->find("status")->descriptor;
    const auto& reported = object->GetReflection()->GetMessage(*object, &field);
    if (read_scalar(reported, *kind.status->find("observed_generation")->descriptor).bits() < generation) {
      return Convergence::kPending;
    }
  }
  if (kind.failed_when && kind.failed_when->holds(*object)) return Convergence::kFailed;
  const Condition* ready = ready_when ? ready_when : kind.ready_when.get();
  return !ready || ready->holds(*object) ? Convergence::kReady : Convergence::kPending;
}

}  // namespace novacron::host::contract
