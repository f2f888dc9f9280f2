#include "host/contract/time_text.h"

#include <algorithm>
#include <cstdlib>

namespace novacron::host::contract {

namespace {
constexpr int64_t kFirstSecond = -62'135'596'800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastSecond = 253'402'300'799;   // 9999-12-31T23:59:59Z
constexpr int64_t kMaxDurationSeconds = 315'576'000'000;
constexpr int64_t kDaySeconds = 86'400;

/// Days since 1970-01-01 of a date in the Gregorian calendar; H. Hinnant, "chrono-compatible low-level date
/// algorithms".
int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

struct Date {
  int64_t year;
  int64_t month;
  int64_t day;
};

Date civil_from_days(int64_t days) {
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const int64_t month = shifted_month + (shifted_month < 10 ? 3 : -9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

bool is_leap(int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int64_t days_in_month(int64_t year, int64_t month) {
  constexpr int64_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/// Reads text of a fixed form from left to right; after the first mismatch nothing matches.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  int64_t digits(size_t count) {
    int64_t number = 0;
    for (size_t i = 0; i < count; ++i) {
      const char c = next();
      if (c < '0' || c > '9') failed_ = true;
      number = number * 10 + (c - '0');
    }
    return failed_ ? 0 : number;
  }
  void expect(char wanted) {
    if (next() != wanted) failed_ = true;
  }
  bool accept(char wanted) {
    if (failed_ || text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// Up to nine digits after a dot, as nanoseconds.
  int32_t fraction() {
    int32_t nanos = 0;
    size_t count = 0;
    while (!text_.empty() && text_.front() >= '0' && text_.front() <= '9') {
      nanos = count < 9 ? nanos * 10 + (text_.front() - '0') : nanos;
      text_.remove_prefix(1);
      ++count;
    }
    if (count == 0 || count > 9) failed_ = true;
    for (; count < 9; ++count) nanos *= 10;
    return failed_ ? 0 : nanos;
  }
  size_t leading_digits() const {
    const auto end = std::find_if(text_.begin(), text_.end(), [](char c) { return c < '0' || c > '9'; });
    return static_cast<size_t>(end - text_.begin());
  }
  bool complete() const { return !failed_ && text_.empty(); }
  bool failed() const { return failed_; }
  void fail() { failed_ = true; }

 private:
  char next() {
    if (failed_ || text_.empty()) {
      failed_ = true;
      return '\0';
    }
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }

  std::string_view text_;
  bool failed_ = false;
};

int64_t read_date(Reader& reader) {
  const int64_t year = reader.digits(4);
  reader.expect('-');
  const int64_t month = reader.digits(2);
  reader.expect('-');
  const int64_t day = reader.digits(2);
  if (reader.failed() || year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
    reader.fail();
    return 0;
  }
  return days_from_civil(year, month, day) * kDaySeconds;
}

int64_t read_time_of_day(Reader& reader) {
  const int64_t hour = reader.digits(2);
  reader.expect(':');
  const int64_t minute = reader.digits(2);
  reader.expect(':');
  const int64_t second = reader.digits(2);
  if (hour > 23 || minute > 59 || second > 59) reader.fail();
  return (hour * 60 + minute) * 60 + second;
}

/// Seconds east of UTC.
int64_t read_offset(Reader& reader) {
  if (reader.accept('Z') || reader.accept('z')) return 0;
  const int64_t sign = reader.accept('-') ? -1 : 1;
  if (sign == 1) reader.expect('+');
  const int64_t hours = reader.digits(2);
  reader.expect(':');
  const int64_t minutes = reader.digits(2);
  if (hours > 23 || minutes > 59) reader.fail();
  return sign * (hours * 60 + minutes) * 60;
}

/// With as many digits as asked for: every object and event has times, and printf costs more than all the rest of one.
void append_digits(std::string& out, int64_t value, size_t count) {
  const size_t begin = out.size();
  out.append(count, '0');
  for (size_t i = begin + count; i-- > begin; value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

/// ".5", ".000000001"; nothing for zero.
std::string fraction_text(int32_t nanos) {
  if (nanos == 0) return {};
  std::string text = ".";
  append_digits(text, nanos, 9);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}
}  // namespace

std::optional<SecondsAndNanos> parse_timestamp(std::string_view text) {
  Reader reader(text);
  SecondsAndNanos time;
  time.seconds = read_date(reader);
  if (!reader.accept('T') && !reader.accept('t')) reader.expect(' ');
  time.seconds += read_time_of_day(reader);
  if (reader.accept('.')) time.nanos = reader.fraction();
  time.seconds -= read_offset(reader);
  if (!reader.complete() || time.seconds < kFirstSecond || time.seconds > kLastSecond) return std::nullopt;
  return time;
}

std::string format_timestamp(SecondsAndNanos time) {
  if (time.seconds < kFirstSecond || time.seconds > kLastSecond || time.nanos < 0 || time.nanos > 999'999'999)
    return {};
  int64_t days = time.seconds / kDaySeconds;
  int64_t rest = time.seconds % kDaySeconds;
  if (rest < 0) {
    rest += kDaySeconds;
    --days;
  }
  const Date date = civil_from_days(days);
  std::string text;
  text.reserve(sizeof("2026-01-02T03:04:05.123456789Z"));
  const auto append = [&text](int64_t value, size_t digits, char end) {
    append_digits(text, value, digits);
    text += end;
  };
  append(date.year, 4, '-');
  append(date.month, 2, '-');
  append(date.day, 2, 'T');
  append(rest / 3'600, 2, ':');
  append(rest / 60 % 60, 2, ':');
  append_digits(text, rest % 60, 2);
  return text + fraction_text(time.nanos) + "Z";
}

std::optional<SecondsAndNanos> parse_duration_seconds(std::string_view text) {
  Reader reader(text);
  const bool negative = reader.accept('-');
  const size_t count = reader.leading_digits();
  if (count == 0 || count > 12) return std::nullopt;
  SecondsAndNanos duration;
  duration.seconds = reader.digits(count);
  if (reader.accept('.')) duration.nanos = reader.fraction();
  reader.expect('s');
  if (!reader.complete() || duration.seconds > kMaxDurationSeconds) return std::nullopt;
  return negative ? SecondsAndNanos{-duration.seconds, -duration.nanos} : duration;
}

std::string format_duration_seconds(SecondsAndNanos duration) {
  const bool in_range = duration.seconds >= -kMaxDurationSeconds && duration.seconds <= kMaxDurationSeconds &&
                        std::abs(duration.nanos) <= 999'999'999;
  const bool signs_agree =
      (duration.seconds <= 0 && duration.nanos <= 0) || (duration.seconds >= 0 && duration.nanos >= 0);
  if (!in_range || !signs_agree) return {};
  const bool negative = duration.seconds < 0 || duration.nanos < 0;
  return (negative ? "-" : "") + std::to_string(std::abs(duration.seconds)) + fraction_text(std::abs(duration.nanos)) +
         "s";
}

}  // namespace novacron::host::contract
