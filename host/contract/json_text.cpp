#include "host/contract/json_text.h"

#include <nlohmann/json.hpp>

#include "host/contract/json.h"

namespace novacron::host::contract {

namespace {
using nlohmann::json;

Error invalid(std::string message) {
  return {Code::kInvalidArgument, std::move(message), "json.invalid"};
}

/// Builds the tree; stops at the first thing that is not allowed.
class TreeBuilder {
 public:
  using number_integer_t = json::number_integer_t;
  using number_unsigned_t = json::number_unsigned_t;
  using number_float_t = json::number_float_t;
  using string_t = json::string_t;
  using binary_t = json::binary_t;

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(number_integer_t value) { return put(value); }
  bool number_unsigned(number_unsigned_t value) { return put(value); }
  bool number_float(number_float_t value, const string_t&) { return put(value); }
  bool string(string_t& value) { return put(std::move(value)); }
  bool binary(binary_t&) { return fail("binary values are not JSON"); }
  bool start_object(size_t) { return open(json::object()); }
  bool start_array(size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(string_t& name) {
    auto [slot, inserted] = open_.back()->get_ref<json::object_t&>().emplace(name, nullptr);
    if (!inserted) return fail("the key \"" + name + "\" is there twice");
    slot_ = &slot->second;
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) {
    const std::string what = error.what();
    const size_t detail = what.rfind("; ");
    const std::string why = detail == std::string::npos ? what : what.substr(detail + 2);
    return fail("no JSON at byte " + std::to_string(position) + ": " + why);
  }

  json take_root() { return std::move(root_); }
  const std::string& error() const { return error_; }

 private:
  template <class Value>
  bool put(Value&& value) {
    place(json(std::forward<Value>(value)));
    return true;
  }

  json* place(json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      auto& array = open_.back()->get_ref<json::array_t&>();
      array.push_back(std::move(value));
      return &array.back();
    }
    *slot_ = std::move(value);
    return slot_;
  }

  bool open(json value) {
    if (open_.size() >= kMaxJsonDepth) return fail("nested deeper than " + std::to_string(kMaxJsonDepth));
    open_.push_back(place(std::move(value)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }

  json root_;
  std::vector<json*> open_;  ///< stay valid: a list grows only while it is the innermost
  json* slot_ = nullptr;     ///< of the key that was read last
  std::string error_;
};

/// Length of the UTF-8 sequence at the front of `text`; 0: there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && continues(1) && byte(1) < 0xa0;
    const bool surrogate = first == 0xed && continues(1) && byte(1) > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && continues(1) && byte(1) < 0x90;
    const bool too_high = first == 0xf4 && continues(1) && byte(1) > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !too_high ? 4 : 0;
  }
  return 0;
}

void append_escaped(std::string& out, char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto byte = static_cast<uint8_t>(c);
  if (byte >= 0x20) {
    out += c;
  } else {
    out += "\\u00";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}
}  // namespace

Result<json> parse_json(std::string_view text) {
  TreeBuilder builder;
  try {
    if (json::sax_parse(text.begin(), text.end(), &builder)) return builder.take_root();
  } catch (const std::exception& error) {
    return invalid(error.what());
  }
  return invalid(builder.error());
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 1) {
      append_escaped(out, text.front());
    } else if (length == 0) {
      out += "\xef\xbf\xbd";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  out += '"';
}

Result<std::string> merge_patch(std::string_view target, std::string_view patch) {
  json merged = TRY(parse_json(target));
  const json changes = TRY(parse_json(patch));
  if (!changes.is_object()) return invalid("a merge patch of an object must be an object");
  merged.merge_patch(changes);
  return merged.dump();
}

}  // namespace novacron::host::contract
