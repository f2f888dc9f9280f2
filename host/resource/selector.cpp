#include "host/resource/selector.h"

#include <algorithm>

namespace novacron::host::resource {

namespace {
Error invalid(std::string message) {
  return {Code::kInvalidArgument, "label selector: " + std::move(message), "selector.invalid"};
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_name_character(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
}

bool is_dns_name(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), fits) &&
         is_alphanumeric(text.front()) && is_alphanumeric(text.back());
}
}  // namespace

bool is_label_value(std::string_view text) {
  return text.empty() || (text.size() <= 63 && std::all_of(text.begin(), text.end(), is_name_character) &&
                          is_alphanumeric(text.front()) && is_alphanumeric(text.back()));
}

bool is_label_key(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return !text.empty() && is_label_value(text);
  const auto name = text.substr(slash + 1);
  return is_dns_name(text.substr(0, slash)) && !name.empty() && is_label_value(name);
}

class SelectorParser {
 public:
  explicit SelectorParser(std::string_view text) : rest_(text) {}

  Result<Selector> run() {
    Selector selector;
    skip_space();
    if (rest_.empty()) return selector;
    do {
      if (selector.requirements_.size() == kMaxRequirements) return invalid("more than 64 requirements");
      selector.requirements_.push_back(TRY(requirement()));
    } while (accept(","));
    if (!rest_.empty())
      return invalid("\"" + std::string(rest_) + "\" is left over; requirements are joined by commas");
    return selector;
  }

 private:
  using Requirement = Selector::Requirement;
  using Kind = Requirement::Kind;

  Result<Requirement> requirement() {
    Requirement out;
    const bool absent = accept("!");
    out.key = take_word();
    if (!is_label_key(out.key)) return invalid("\"" + out.key + "\" is no label key");
    if (absent) {
      out.kind = Kind::kAbsent;
    } else if (accept("!=")) {
      out.kind = Kind::kNotIn;
      TRY_STATUS(value_into(out));
    } else if (accept("==") || accept("=")) {
      out.kind = Kind::kIn;
      TRY_STATUS(value_into(out));
    } else {
      TRY_STATUS(set_into(out));
    }
    return out;
  }

  /// "in (a,b)", "notin (a)", or nothing more.
  Status set_into(Requirement& out) {
    const auto before = rest_;
    const std::string word = take_word();
    if (word.empty()) return {};
    if (word != "in" && word != "notin") {
      rest_ = before;
      return {};
    }
    out.kind = word == "in" ? Kind::kIn : Kind::kNotIn;
    if (!accept("(")) return invalid("\"" + word + "\" needs values in parentheses");
    do {
      TRY_STATUS(value_into(out));
    } while (accept(","));
    if (!accept(")")) return invalid("a parenthesis is not closed");
    return {};
  }

  Status value_into(Requirement& out) {
    out.values.push_back(take_word());
    if (!is_label_value(out.values.back())) return invalid("\"" + out.values.back() + "\" is no label value");
    return {};
  }

  std::string take_word() {
    skip_space();
    size_t length = 0;
    while (length < rest_.size() && (is_name_character(rest_[length]) || rest_[length] == '/')) ++length;
    std::string word(rest_.substr(0, length));
    rest_.remove_prefix(length);
    skip_space();
    return word;
  }

  bool accept(std::string_view token) {
    skip_space();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    skip_space();
    return true;
  }

  void skip_space() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }

  std::string_view rest_;
};

Result<Selector> Selector::parse(std::string_view text) {
  if (text.size() > kMaxSelectorBytes) return invalid("longer than 4096 bytes");
  return SelectorParser(text).run();
}

bool Selector::holds(const Requirement& requirement, const Labels& labels) {
  const auto label = labels.find(requirement.key);
  const bool there = label != labels.end();
  const auto& values = requirement.values;
  const bool listed = there && std::find(values.begin(), values.end(), label->second) != values.end();
  switch (requirement.kind) {
    case Requirement::Kind::kExists:
      return there;
    case Requirement::Kind::kAbsent:
      return !there;
    case Requirement::Kind::kIn:
      return listed;
    case Requirement::Kind::kNotIn:
      return !listed;
  }
  return false;
}

bool Selector::matches(const Labels& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&labels](const Requirement& requirement) { return holds(requirement, labels); });
}

}  // namespace novacron::host::resource
