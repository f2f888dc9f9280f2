// What a message must keep to beyond its types: the rules of its fields, what may not change, what is filled in.
// All take and give encoded messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/contract/types.h"

namespace novacron::host::contract {

/// Sets each absent field that has a default. Messages that are absent stay so, except the outermost.
Result<std::string> apply_defaults(const MessageType& type, std::string_view bytes);

/// INVALID_ARGUMENT "field.invalid" with every violation (at most kMaxViolations): required, range, length, pattern,
/// keys of map lists, digests of blobs. With `previous`, immutable fields must be as they were. `path` is put before
/// the paths.
Status validate(const MessageType& type, std::string_view bytes, const std::string* previous, std::string_view path);

/// `bytes` with what their writer could not see taken over from `previous`: fields that this schema does not know, and
/// secrets that were written back masked. INVALID_ARGUMENT "field.invalid" for a mask that stands for nothing.
Result<std::string> carry_over(const MessageType& type, std::string_view bytes, std::string_view previous,
                               std::string_view path);

/// Whether it has, at any depth, a field that the type does not know.
Result<bool> has_unknown_fields(const MessageType& type, std::string_view bytes);

/// The message with every secret replaced by its mask.
Result<std::string> mask_secrets(const MessageType& type, std::string_view bytes);

struct FoundReference {
  std::string path;  ///< "spec.image"
  std::string name;
  Reference reference;
};
Result<std::vector<FoundReference>> references_of(const MessageType& type, std::string_view bytes,
                                                  std::string_view path);

/// Digests in (novacron.blob) fields, each once.
Result<std::vector<std::string>> blobs_of(const MessageType& type, std::string_view bytes);

}  // namespace novacron::host::contract
