// Messages in a google.protobuf.Any.
#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/any.nc.h"
#include "novacron/message.h"

namespace novacron {

template <Message M>
Any pack(const M& message) {
  return {.type_url = "type.googleapis.com/" + std::string(M::kFullName), .value = encode(message)};
}

/// Whether it holds an M. What precedes the last slash of its type does not count.
template <Message M>
bool holds(const Any& any) {
  const size_t slash = any.type_url.rfind('/');
  return slash != std::string::npos && std::string_view(any.type_url).substr(slash + 1) == M::kFullName;
}

/// FAILED_PRECONDITION "any.other-type" when it holds something else; INVALID_ARGUMENT as decode().
template <Message M>
Result<M> unpack(const Any& any) {
  if (holds<M>(any)) return decode<M>(any.value);
  return Error{.code = Code::kFailedPrecondition,
               .message = "\"" + any.type_url + "\" is no " + std::string(M::kFullName),
               .reason = "any.other-type"};
}

}  // namespace novacron
