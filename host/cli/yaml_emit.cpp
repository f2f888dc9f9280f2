#include <nlohmann/json.hpp>

#include "host/cli/yaml.h"
#include "host/cli/yaml_scalar.h"

namespace novacron::host::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxSimpleKeyBytes = 1'000;  // YAML ends them at 1,024 characters; longer ones stand behind "? "

/// Where a value starts: at the start of a line of its own, or behind "key:" or "-".
enum class Position { kLine, kAfterKey, kAfterDash };

bool is_block_text(const json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() < 2 || text.back() != '\n' || text[text.size() - 2] == '\n') return false;
  if (text[0] == ' ' || text[0] == '\n' || text[0] == '\t') return false;
  for (const char c : text) {
    if (c != '\n' && (c < 0x20 || c > 0x7e)) return false;
  }
  return text.find('\n') + 1 < text.size();
}

class Emitter {
 public:
  std::string text;

  void emit(const json& value, size_t indent, Position position) {
    if (value.is_object() && !value.empty()) return emit_map(value, indent, position);
    if (value.is_array() && !value.empty()) return emit_list(value, indent, position);
    if (position != Position::kLine) text += ' ';
    if (is_block_text(value) && position != Position::kLine) return emit_block(value.get<std::string>(), indent);
    text += value.is_string() ? yaml_string(value.get<std::string>()) : value.dump();
    text += '\n';
  }

 private:
  void start_line(size_t indent) { text.append(indent, ' '); }

  void emit_map(const json& value, size_t indent, Position position) {
    if (position == Position::kAfterKey) text += '\n';
    if (position == Position::kAfterDash) text += ' ';
    bool first = true;
    for (const auto& [key, child] : value.items()) {
      if (!(first && position == Position::kAfterDash)) start_line(indent);
      first = false;
      const bool is_simple = emit_key(key, indent);
      emit(child, child.is_array() && is_simple ? indent : indent + 2, Position::kAfterKey);
    }
  }
  /// With its colon. False: it has a line of its own, as long keys must.
  bool emit_key(const std::string& key, size_t indent) {
    const std::string written = yaml_string(key);
    const bool is_simple = written.size() <= kMaxSimpleKeyBytes;
    text += is_simple ? written : "? " + written + '\n';
    if (!is_simple) start_line(indent);
    text += ':';
    return is_simple;
  }
  void emit_list(const json& value, size_t indent, Position position) {
    if (position == Position::kAfterKey) text += '\n';
    if (position == Position::kAfterDash) text += ' ';
    bool first = true;
    for (const json& child : value) {
      if (!(first && position == Position::kAfterDash)) start_line(indent);
      first = false;
      text += '-';
      emit(child, indent + 2, Position::kAfterDash);
    }
  }
  void emit_block(const std::string& block, size_t indent) {
    text += "|\n";
    for (size_t at = 0; at < block.size();) {
      const size_t end = block.find('\n', at);
      if (end > at) start_line(indent);
      text.append(block, at, end - at + 1);
      at = end + 1;
    }
  }
};

}  // namespace

std::string to_yaml(const json& value) {
  Emitter emitter;
  emitter.emit(value, 0, Position::kLine);
  return std::move(emitter.text);
}

}  // namespace novacron::host::cli
