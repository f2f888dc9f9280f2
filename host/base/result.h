// How the host reports expected failure: a Result carries a value or an Error; nothing throws.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace novacron::host {

/// gRPC's canonical codes, equal in number to nc_code of sdk/abi/novacron/plugin.h.
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

/// One field of a request that was refused. `path` is written as in JSON: "spec.disks[1].size_bytes".
struct FieldViolation {
  std::string path;
  std::string message;
};

struct Error {
  Code code = Code::kUnknown;
  std::string message;                      ///< for people: what is wrong and what to do
  std::string reason = {};                  ///< stable, for programs: "resource.not-found"
  std::vector<FieldViolation> fields = {};  ///< of an invalid request
  uint64_t retry_after_ns = 0;              ///< 0: no advice
  std::string detail = {};                  ///< google.rpc.Status detail bytes, carried for a plugin
};

/// The error with `context` put before its message: "open log: no such file".
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

}  // namespace novacron::host

/// The value of a Result, or return its error from this function. Not inside a co_await expression (GCC 12), and not
/// beside `new` or temporaries that own something: what the rest of the full expression has made by then is not undone.
#define TRY(expression)                                                                    \
  __extension__({                                                                          \
    auto try_result_ = (expression);                                                       \
    if (!try_result_.ok()) return ::novacron::host::Error(std::move(try_result_).error()); \
    std::move(try_result_).value();                                                        \
  })

/// The same for a Status.
#define TRY_STATUS(expression)                                                             \
  do {                                                                                     \
    auto try_result_ = (expression);                                                       \
    if (!try_result_.ok()) return ::novacron::host::Error(std::move(try_result_).error()); \
  } while (false)
