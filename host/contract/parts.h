// An object of a kind in the three parts that are stored apart, and as one JSON object with its "kind".
#pragma once

#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/contract/json.h"
#include "host/contract/types.h"

namespace novacron::host::contract {

/// Encoded messages; an empty one is absent.
struct Parts {
  std::string metadata;
  std::string spec;
  std::string status;
};

/// Adds a field that is a message to the bytes of another; to a list it adds an item.
void append_message(std::string& out, int number, std::string_view bytes);

/// The bytes of the kind's own message.
std::string join_parts(const Parts& parts);
/// DATA_LOSS "message.corrupt".
Result<Parts> split_parts(const Kind& kind, std::string_view object);

/// Fails as json_to_message() does. A "kind" may be there; then it must be this one's id or name.
Result<Parts> parts_from_json(const Kind& kind, std::string_view json);
/// {"kind":…,"metadata":{…},"spec":{…},"status":{…}}
Result<std::string> parts_to_json(const Kind& kind, const Parts& parts, const EncodeOptions& options = {});

}  // namespace novacron::host::contract
