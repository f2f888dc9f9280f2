// The structs that cross, as copies in guarded memory: the struct itself, and everything that it points to.
#pragma once

#include <novacron/plugin.h>

#include <vector>

#include "sdk/boundary/guarded_memory.h"

namespace novacron::boundary {

/// What is lent for the time of one call into a plugin; all of it ends with this object. Without memory nothing is
/// copied: each function gives back what it got.
class Loan final {
 public:
  explicit Loan(GuardedMemory* memory) : memory_(memory) {}
  Loan(Loan&& other) noexcept : memory_(other.memory_), loans_(std::move(other.loans_)) { other.loans_.clear(); }
  Loan& operator=(Loan&&) = delete;
  ~Loan();

  const nc_request* request(const nc_request* request);
  const nc_result* result(const nc_result* result);
  const nc_event* event(const nc_event* event);
  const nc_event* const* events(const nc_event* const* events, size_t length);
  const nc_buf* buffer(const nc_buf* buffer, const char* what);
  nc_str text(nc_str text, const char* what);
  /// A buffer that has a release is the receiver's: it is left as it is.
  nc_buf body(const nc_buf& body, const char* what);

 private:
  const nc_message* build(const nc_message* message);
  void* copy(const void* bytes, size_t length, const char* what);
  template <class T>
  T* copy_struct(const T* value, const char* what);
  void seal();

  GuardedMemory* memory_;
  std::vector<const void*> loans_;
};

}  // namespace novacron::boundary
