#include "host/cli/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <map>
#include <nlohmann/json.hpp>
#include <streambuf>

#include "host/cli/yaml_scalar.h"

namespace novacron::host::cli {
namespace {

using nlohmann::json;

/// Reads from memory that somebody else owns.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // a get area is never written
    setg(begin, begin, begin + text.size());
  }
};

Error yaml_error(const YAML::Mark& mark, const std::string& message) {
  std::string where;
  if (!mark.is_null())
    where = "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ": ";
  return {Code::kInvalidArgument, where + message, "cli.yaml"};
}

/// Builds JSON from yaml-cpp's events. After the first error the rest of the events is ignored.
class JsonBuilder final : public YAML::EventHandler {
 public:
  explicit JsonBuilder(const YamlLimits& limits) : limits_(limits) {}

  Result<std::vector<json>> finish() && {
    if (error_) return *std::move(error_);
    return std::move(documents_);
  }
  bool failed() const { return error_.has_value(); }
  size_t documents() const { return documents_.size(); }

  void OnDocumentStart(const YAML::Mark&) override {
    stack_.clear();
    anchors_.clear();
    root_ = nullptr;
  }
  void OnDocumentEnd() override {
    if (!error_ && !root_.is_null()) documents_.push_back(std::move(root_));
  }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { scalar(mark, anchor, nullptr, ""); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (error_) return;
    auto value = read_yaml_scalar(tag, text);
    if (!value.ok()) return fail(mark, value.error().message);
    scalar(mark, anchor, *std::move(value), text);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (error_) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return fail(mark, "an alias inside the value that it stands for");
    const Anchor target = found->second;
    if (wants_key()) return fail(mark, "an alias cannot be a key");
    if (stack_.size() + target.depth > limits_.depth) return fail(mark, "nested too deeply");
    if (!count(mark, target.values)) return;
    add(mark, json(target.value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, json::array());
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, json::object());
  }
  void OnMapEnd() override { close(); }

 private:
  struct Anchor {
    json value;
    size_t depth = 0;
    size_t values = 0;
  };
  struct Open {
    json value;
    std::optional<std::string> key;  ///< of a map, between key and value
    YAML::anchor_t anchor = 0;
    YAML::Mark mark;
    size_t values_before = 0;
    size_t deepest = 0;  ///< levels below and with this one
  };

  void fail(const YAML::Mark& mark, const std::string& message) {
    if (!error_) error_ = yaml_error(mark, message);
  }
  bool count(const YAML::Mark& mark, size_t values) {
    values_ += values;
    if (values_ <= limits_.values) return true;
    fail(mark, "more than " + std::to_string(limits_.values) + " values");
    return false;
  }
  bool wants_key() const { return !stack_.empty() && stack_.back().value.is_object() && !stack_.back().key; }

  void scalar(const YAML::Mark& mark, YAML::anchor_t anchor, json value, const std::string& text) {
    if (error_ || !count(mark, 1)) return;
    if (wants_key()) return key(mark, text);
    if (anchor != 0) anchors_[anchor] = {value, 0, 1};
    add(mark, std::move(value));
  }
  void key(const YAML::Mark& mark, const std::string& text) {
    if (text == "<<") return fail(mark, "merge keys (<<) are not supported: write the fields out");
    if (stack_.back().value.contains(text)) return fail(mark, "the key \"" + text + "\" occurs twice");
    stack_.back().key = text;
  }
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, json empty) {
    if (error_) return;
    const bool known =
        tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:map" || tag == "tag:yaml.org,2002:seq";
    if (!known) return fail(mark, "the tag " + tag + " is not supported");
    if (wants_key()) return fail(mark, "a key must be a scalar");
    if (stack_.size() >= limits_.depth)
      return fail(mark, "nested deeper than " + std::to_string(limits_.depth) + " levels");
    const size_t before = values_;
    if (!count(mark, 1)) return;
    stack_.push_back({std::move(empty), {}, anchor, mark, before, 1});
  }
  void close() {
    if (error_) return;
    Open done = std::move(stack_.back());
    stack_.pop_back();
    if (done.anchor != 0) anchors_[done.anchor] = {done.value, done.deepest, values_ - done.values_before};
    if (!stack_.empty()) stack_.back().deepest = std::max(stack_.back().deepest, done.deepest + 1);
    add(done.mark, std::move(done.value));
  }
  void add(const YAML::Mark&, json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = stack_.back();
    if (parent.value.is_array()) {
      parent.value.push_back(std::move(value));
    } else {
      parent.value[*parent.key] = std::move(value);
      parent.key.reset();
    }
  }

  const YamlLimits limits_;
  std::vector<json> documents_;
  std::optional<Error> error_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  json root_;
  size_t values_ = 0;
};

Status check_size(std::string_view text, const YamlLimits& limits) {
  if (text.size() <= limits.bytes) return {};
  return Error{Code::kInvalidArgument, "larger than " + std::to_string(limits.bytes) + " bytes", "cli.yaml"};
}

bool within_depth(const json& value, size_t depth) {
  if (!value.is_structured()) return true;
  if (depth == 0) return false;
  for (const json& child : value) {
    if (!within_depth(child, depth - 1)) return false;
  }
  return true;
}

}  // namespace

Result<std::vector<json>> parse_yaml(std::string_view text, const YamlLimits& limits) {
  TRY_STATUS(check_size(text, limits));
  JsonBuilder builder(limits);
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    while (!builder.failed() && parser.HandleNextDocument(builder)) {
      if (builder.documents() > limits.documents) {
        return Error{Code::kInvalidArgument, "more than " + std::to_string(limits.documents) + " documents",
                     "cli.yaml"};
      }
    }
  } catch (const YAML::Exception& e) {
    return yaml_error(e.mark, e.msg);
  } catch (const std::exception& e) {
    return yaml_error(YAML::Mark::null_mark(), e.what());
  }
  return std::move(builder).finish();
}

Result<json> parse_json(std::string_view text, const YamlLimits& limits) {
  TRY_STATUS(check_size(text, limits));
  try {
    json value = json::parse(text);
    if (!within_depth(value, limits.depth)) {
      return Error{Code::kInvalidArgument, "nested deeper than " + std::to_string(limits.depth) + " levels",
                   "cli.json"};
    }
    return value;
  } catch (const json::exception& e) {
    return Error{Code::kInvalidArgument, e.what(), "cli.json"};
  }
}

}  // namespace novacron::host::cli
