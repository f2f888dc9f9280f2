#include "host/contract/condition.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <optional>

#include "host/contract/field_path.h"
#include "host/contract/message.h"
#include "host/contract/moment.h"
#include "host/contract/parts.h"

namespace novacron::host::contract {

namespace {
namespace pb = google::protobuf;

Error invalid(std::string message) {
  return {Code::kInvalidArgument, std::move(message), "condition.invalid"};
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
}  // namespace

struct Condition::Comparison {
  enum class Operator { kEqual, kNotEqual, kLess, kAtMost, kGreater, kAtLeast };
  FieldPath path;
  Operator how = Operator::kEqual;
  Scalar value;

  bool holds(const pb::Message& object) const {
    const int order = path.compare(path.read(object), value);
    switch (how) {
      case Operator::kEqual:
        return order == 0;
      case Operator::kNotEqual:
        return order != 0;
      case Operator::kLess:
        return order < 0;
      case Operator::kAtMost:
        return order <= 0;
      case Operator::kGreater:
        return order > 0;
      case Operator::kAtLeast:
        return order >= 0;
    }
    return false;
  }
};

struct Condition::Parser {
  const MessageType& object;
  std::string_view rest;
  uint64_t now_ns;

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

  /// "now-1h"; empty: there is none.
  std::string take_relative_time() {
    skip_space();
    if (!rest.starts_with("now") || (rest.size() > 3 && is_word(rest[3]))) return {};
    rest.remove_prefix(3);
    if (const char sign = accept("-") ? '-' : accept("+") ? '+' : 0) {
      return std::string("now") + sign + std::string(take_word());
    }
    return "now";
  }

  Result<Scalar> value_of(const FieldPath& path) {
    if (path.field().type != FieldType::kTimestamp) return with_reason(path.parse(TRY(take_value())));
    const std::string relative = take_relative_time();
    if (relative.empty()) return with_reason(path.parse(TRY(take_value())));
    if (now_ns == 0) return invalid("\"now\" is for requests, not for conditions of a contract");
    const auto moment = parse_moment(relative, now_ns);
    if (!moment) return invalid("\"" + relative + "\" is no time; write now-1h30m");
    Scalar scalar;
    scalar.integer = moment->seconds;
    scalar.number = moment->nanos;
    return scalar;
  }

  std::optional<Comparison::Operator> take_operator() {
    using Operator = Comparison::Operator;
    constexpr std::pair<std::string_view, Operator> kOperators[] = {
        {"==", Operator::kEqual}, {"!=", Operator::kNotEqual}, {"<=", Operator::kAtMost},
        {"<", Operator::kLess},   {">=", Operator::kAtLeast},  {">", Operator::kGreater}};
    for (const auto& [token, meaning] : kOperators) {
      if (accept(token)) return meaning;
    }
    return std::nullopt;
  }

  Result<Comparison> comparison() {
    const std::string name(take_word());
    Comparison out;
    out.path = TRY(with_reason(FieldPath::resolve(object, name)));
    const auto how = take_operator();
    if (!how) return invalid("==, !=, <, <=, > or >= is missing after a path");
    out.how = *how;
    const bool wants_order = out.how != Comparison::Operator::kEqual && out.how != Comparison::Operator::kNotEqual;
    if (wants_order && !out.path.is_ordered()) return invalid("\"" + name + "\" has no order: use == or !=");
    out.value = TRY(value_of(out.path));
    return out;
  }

  template <class T>
  static Result<T> with_reason(Result<T> result) {
    if (result.ok()) return result;
    return invalid(result.error().message);
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

Result<std::shared_ptr<const Condition>> Condition::compile(const MessageType& object, std::string_view text,
                                                            uint64_t now_ns) {
  if (text.size() > kMaxConditionBytes) return invalid("a condition has at most 4096 bytes");
  std::shared_ptr<Condition> out(new Condition());
  out->text_ = text;
  out->any_of_all_ = TRY((Parser{object, text, now_ns}.all()));
  return std::shared_ptr<const Condition>(std::move(out));
}

bool Condition::reads_secrets() const {
  const auto is_secret = [](const Comparison& comparison) { return comparison.path.is_secret(); };
  return std::any_of(any_of_all_.begin(), any_of_all_.end(),
                     [&is_secret](const auto& all) { return std::any_of(all.begin(), all.end(), is_secret); });
}

bool Condition::holds(const pb::Message& object) const {
  const auto holds_now = [&object](const Comparison& comparison) { return comparison.holds(object); };
  return std::any_of(any_of_all_.begin(), any_of_all_.end(),
                     [&holds_now](const auto& all) { return std::all_of(all.begin(), all.end(), holds_now); });
}

Result<Convergence> convergence(const Kind& kind, const Condition* ready_when, std::string_view metadata,
                                std::string_view spec, std::string_view status, uint64_t generation) {
  const auto object = TRY(parse_message(
      *kind.message, join_parts({std::string(metadata), std::string(spec), std::string(status)}), kMaxObjectDepth));
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
