// How a plugin reports expected failure: a Result carries a value or an Error; nothing throws.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace novacron {

/// gRPC's canonical codes, equal in number to nc_code.
enum class Code : int32_t {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

/// "NOT_FOUND", gRPC's spelling. A number outside the list is "UNKNOWN".
std::string_view to_string(Code code);

struct Error {
  Code code = Code::kUnknown;
  std::string message = {};     ///< for people: what is wrong and what to do
  std::string reason = {};      ///< stable, for programs: "compute.image-not-found"
  uint64_t retry_after_ns = 0;  ///< 0: no advice
  std::string detail = {};      ///< google.rpc.Status detail bytes
};

/// The error with `context` put before its message: "open disk: no such file".
Error wrap(Error error, std::string_view context);
/// An error from errno: code by its meaning, message "<what>: <strerror>".
Error errno_error(std::string_view what, int errno_value);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return assert(ok()), std::get<0>(state_); }
  const T& value() const& { return assert(ok()), std::get<0>(state_); }
  T&& value() && { return assert(ok()), std::get<0>(std::move(state_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  const Error& error() const& { return assert(!ok()), std::get<1>(state_); }
  Error&& error() && { return assert(!ok()), std::get<1>(std::move(state_)); }
  Code code() const { return ok() ? Code::kOk : error().code; }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return assert(!ok()), *error_; }
  Error&& error() && { return assert(!ok()), *std::move(error_); }
  Code code() const { return ok() ? Code::kOk : error_->code; }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace novacron

/// The value of a Result, or return its error from this function.
#define NC_TRY(expression)                                                                 \
  __extension__({                                                                          \
    auto nc_try_result_ = (expression);                                                    \
    if (!nc_try_result_.ok()) return ::novacron::Error(std::move(nc_try_result_).error()); \
    std::move(nc_try_result_).value();                                                     \
  })

/// The same for a Status.
#define NC_TRY_STATUS(expression)                                                          \
  do {                                                                                     \
    auto nc_try_result_ = (expression);                                                    \
    if (!nc_try_result_.ok()) return ::novacron::Error(std::move(nc_try_result_).error()); \
  } while (false)
