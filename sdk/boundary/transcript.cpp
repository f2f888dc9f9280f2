#include "sdk/boundary/transcript.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace novacron::boundary {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kText = "text:";
constexpr std::string_view kHex = "hex:";
constexpr size_t kRecordBytes = 64;  // of a record without its fields, about

bool is_plain(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

std::string written(std::string_view bytes) {
  if (is_plain(bytes)) return std::string(kText) + std::string(bytes);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(kHex);
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::optional<std::string> unwritten(std::string_view text) {
  if (text.starts_with(kText)) return std::string(text.substr(kText.size()));
  if (!text.starts_with(kHex) || (text.size() - kHex.size()) % 2 != 0) return std::nullopt;
  std::string out;
  for (size_t i = kHex.size(); i < text.size(); i += 2) {
    const int high = digit_of(text[i]), low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::optional<Value> value_of(const ordered_json& value) {
  if (value.is_number_unsigned()) return Value(value.get<uint64_t>());
  if (!value.is_string()) return std::nullopt;
  auto bytes = unwritten(value.get_ref<const std::string&>());
  if (!bytes) return std::nullopt;
  return Value(*std::move(bytes));
}

size_t bytes_of(const Record& record) {
  size_t bytes = kRecordBytes;
  for (const auto& [name, value] : record.fields) {
    bytes += name.size() + (std::holds_alternative<std::string>(value) ? std::get<std::string>(value).size() : 8);
  }
  return bytes;
}

}  // namespace

const Value* Record::find(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

uint64_t Record::number(std::string_view name) const {
  const Value* const value = find(name);
  return value != nullptr && std::holds_alternative<uint64_t>(*value) ? std::get<uint64_t>(*value) : 0;
}

std::string Record::text(std::string_view name) const {
  const Value* const value = find(name);
  return value != nullptr && std::holds_alternative<std::string>(*value) ? std::get<std::string>(*value) : "";
}

std::string to_line(const Record& record) {
  ordered_json line{{"at", record.at}, {"lane", record.lane}};
  for (const auto& [name, value] : record.fields) {
    if (std::holds_alternative<uint64_t>(value)) {
      line[name] = std::get<uint64_t>(value);
    } else {
      line[name] = written(std::get<std::string>(value));
    }
  }
  return line.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
}

std::optional<Record> parse_record(std::string_view line) {
  const ordered_json parsed = ordered_json::parse(line, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("at") || !parsed["at"].is_string()) return std::nullopt;
  Record record;
  record.at = parsed["at"].get<std::string>();
  for (const auto& [name, value] : parsed.items()) {
    if (name == "at") continue;
    if (name == "lane") {
      if (!value.is_number_unsigned()) return std::nullopt;
      record.lane = value.get<uint64_t>();
      continue;
    }
    auto known = value_of(value);
    if (!known) return std::nullopt;
    record.fields.emplace_back(name, *std::move(known));
  }
  return record;
}

void Transcript::add(Record record) {
  const size_t bytes = bytes_of(record);
  const std::lock_guard lock(mutex_);
  if (records_.size() >= kMaxRecords || bytes_ + bytes > kMaxBytes) {
    ++dropped_;
    return;
  }
  bytes_ += bytes;
  records_.push_back(std::move(record));
}

std::string Transcript::name_of(const char* kind, uint64_t id) {
  if (id == 0) return "none";
  if (names_by_ == Names::kAsGiven) return std::string(kind) + '-' + std::to_string(id);
  const std::lock_guard lock(mutex_);
  std::string& name = names_[{kind, id}];
  if (name.empty()) name = std::string(kind) + '-' + std::to_string(++named_[kind]);
  return name;
}

std::vector<Record> Transcript::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

uint64_t Transcript::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

Entry::Entry(Transcript* transcript, const char* at, uint64_t lane) : transcript_(transcript) {
  if (transcript_ == nullptr) return;
  record_.at = at;
  record_.lane = lane;
}

Entry::~Entry() {
  commit();
}

void Entry::commit() {
  if (transcript_ != nullptr) std::exchange(transcript_, nullptr)->add(std::move(record_));
}

Entry& Entry::number(const char* name, uint64_t value) {
  if (transcript_ != nullptr) record_.fields.emplace_back(name, value);
  return *this;
}

Entry& Entry::id(const char* name, const char* kind, uint64_t value) {
  if (transcript_ != nullptr) record_.fields.emplace_back(name, transcript_->name_of(kind, value));
  return *this;
}

Entry& Entry::bytes(const char* name, const void* ptr, size_t length) {
  if (transcript_ == nullptr) return *this;
  record_.fields.emplace_back(name,
                              ptr == nullptr ? std::string() : std::string(static_cast<const char*>(ptr), length));
  return *this;
}

Entry& Entry::message(const std::string& prefix, const nc_message* message) {
  if (transcript_ == nullptr || message == nullptr) return *this;
  number((prefix + "flags").c_str(), message->flags);
  if (message->body.ptr != nullptr) bytes((prefix + "body").c_str(), message->body.ptr, message->body.len);
  return number((prefix + "fds").c_str(), message->fds.len);
}

Entry& Entry::result(const nc_result& result) {
  if (transcript_ == nullptr) return *this;
  number("code", static_cast<uint32_t>(result.code)).message("", result.message);
  text("reason", result.reason).text("text", result.text);
  bytes("detail", result.detail.ptr, result.detail.len);
  return number("retry_after_ns", NC_HAS(&result, retry_after_ns) ? result.retry_after_ns : 0);
}

}  // namespace novacron::boundary
