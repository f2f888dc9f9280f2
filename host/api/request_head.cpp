#include "host/api/request_head.h"

#include <algorithm>
#include <string>

#include "host/api/http.h"

namespace novacron::host::api {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";
constexpr std::string_view kEmptyLine = "\r\n\r\n";
constexpr size_t kMaxLengthDigits = 18;  // fits into 64 bits, whoever reads it

Error malformed(std::string why) {
  return {Code::kInvalidArgument, "this is not a request of HTTP/1.1: " + std::move(why), "http.malformed"};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// A character of a token, such as a field's name.
bool is_token(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f';
}

/// A character of "name", "name:port", "1.2.3.4" or "[::1]:80".
bool is_of_host(char c) {
  return is_token(c) || std::string_view(":[]").find(c) != std::string_view::npos;
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

struct Field {
  std::string_view name;
  std::string_view value;
};

Result<Field> field_of(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') return malformed("a line of the head is folded");
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return malformed("a line of the head has no colon");
  const Field field{line.substr(0, colon), trim(line.substr(colon + 1))};
  if (field.name.empty() || !std::all_of(field.name.begin(), field.name.end(), is_token))
    return malformed("a header's name has a character that none may have, or is empty");
  if (std::any_of(field.value.begin(), field.value.end(), is_control))
    return malformed("the header " + std::string(field.name) + " has a control character");
  return field;
}

/// What decides where the body ends and for whom the request is.
class Framing {
 public:
  explicit Framing(std::string_view request_line) : is_1_1_(request_line.ends_with(" HTTP/1.1")) {}

  Status take(const Field& field) {
    if (equal_without_case(field.name, "Content-Length")) return take_length(field.value);
    if (equal_without_case(field.name, "Transfer-Encoding")) return take_encoding(field.value);
    if (equal_without_case(field.name, "Host")) return take_host(field.value);
    return {};
  }

  Status check() const {
    if (has_length_ && has_encoding_) return malformed("both Content-Length and Transfer-Encoding are given");
    if (has_encoding_ && !is_1_1_) return malformed("Transfer-Encoding is of HTTP/1.1 alone");
    if (is_1_1_ && !has_host_) return malformed("there is no Host");
    return {};
  }

 private:
  Status take_length(std::string_view value) {
    if (std::exchange(has_length_, true)) return malformed("Content-Length is given twice");
    const bool is_number =
        !value.empty() && value.size() <= kMaxLengthDigits && std::all_of(value.begin(), value.end(), is_digit);
    return is_number ? Status() : malformed("Content-Length is not one number");
  }
  Status take_encoding(std::string_view value) {
    if (std::exchange(has_encoding_, true)) return malformed("Transfer-Encoding is given twice");
    return equal_without_case(value, "chunked") ? Status() : malformed("the only Transfer-Encoding is chunked");
  }
  Status take_host(std::string_view value) {
    if (std::exchange(has_host_, true)) return malformed("Host is given twice");
    return std::all_of(value.begin(), value.end(), is_of_host) ? Status() : malformed("Host is no name and port");
  }

  const bool is_1_1_;
  bool has_length_ = false;
  bool has_encoding_ = false;
  bool has_host_ = false;
};

Status check_request_line(std::string_view line) {
  if (line.empty()) return malformed("it begins with an empty line");
  const bool is_known = line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0");
  if (!is_known) return malformed("its first line does not end with HTTP/1.1 or HTTP/1.0");
  if (std::count(line.begin(), line.end(), ' ') != 2 || std::any_of(line.begin(), line.end(), is_control) ||
      line.find('\t') != std::string_view::npos)
    return malformed("its first line is not method, target and version with one space between");
  return {};
}

/// The text up to the next end of line, which is taken away with it.
std::string_view take_line(std::string_view& text) {
  const size_t end = text.find(kEndOfLine);
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(text.size(), end == std::string_view::npos ? end : end + kEndOfLine.size()));
  return line;
}

}  // namespace

Result<size_t> HeadScan::scan(std::string_view bytes) {
  for (; seen_ < bytes.size(); ++seen_) {
    if (seen_ >= max_bytes_) {
      return Error{Code::kInvalidArgument, "the headers are larger than " + std::to_string(max_bytes_) + " bytes",
                   "http.headers-too-large"};
    }
    const char c = bytes[seen_];
    const char before = seen_ == 0 ? '\0' : bytes[seen_ - 1];
    if (c == '\n' && before != '\r') return malformed("a line ends without a carriage return");
    if (c != '\n' && before == '\r') return malformed("a carriage return does not end a line");
    if (c == '\n' && bytes.substr(0, seen_ + 1).ends_with(kEmptyLine)) return seen_ + 1;
  }
  return size_t{0};
}

Status check_head(std::string_view head) {
  if (!head.ends_with(kEmptyLine)) return malformed("its head has no end");
  head.remove_suffix(kEndOfLine.size());
  const auto request_line = take_line(head);
  TRY_STATUS(check_request_line(request_line));
  Framing framing(request_line);
  while (!head.empty()) {
    const auto line = take_line(head);
    if (line.empty()) return malformed("its head has two ends");
    const auto field = TRY(field_of(line));
    TRY_STATUS(framing.take(field));
  }
  return framing.check();
}

}  // namespace novacron::host::api
