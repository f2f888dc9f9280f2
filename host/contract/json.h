// JSON as the API and the CLI speak it, to and from protobuf bytes.
//
// Field names are those of the .proto. An enum value is written without the prefix of its type ("HAPPY") and read
// with or without; 64-bit integers are numbers (strings are read too); bytes are base64; a Timestamp is RFC 3339, a
// Duration "1.5s", a FieldMask "a.b,c"; maps are objects. A field with a unit is written as a number and also read as
// text: "512MiB", "1h30m", "500m". Absent and null are the same, and differ from zero for fields with presence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/contract/types.h"

namespace novacron::host::contract {

inline constexpr size_t kMaxJsonDepth = 64;
/// Stands for a secret that is set. Written back, it means: as it is.
inline constexpr std::string_view kSecretMask = "********";

enum class Secrets { kMask, kReveal };
enum class Layout { kCompact, kPretty };

struct EncodeOptions {
  Secrets secrets = Secrets::kMask;
  Layout layout = Layout::kCompact;
};

/// INVALID_ARGUMENT "json.invalid" for text that is no JSON, nested too deep, or names a field twice;
/// INVALID_ARGUMENT "field.invalid" with every violation (at most kMaxViolations) for what does not fit the message.
/// `path` is put before the paths of violations: "spec".
Result<std::string> json_to_message(const MessageType& type, std::string_view json, std::string_view path = "");

/// Fields in the order of the .proto. DATA_LOSS "message.corrupt" when `bytes` are no such message.
Result<std::string> message_to_json(const MessageType& type, std::string_view bytes, const EncodeOptions& options = {});

/// RFC 7396. Both texts are held to the limits of json_to_message().
Result<std::string> merge_patch(std::string_view target, std::string_view patch);

/// One value of a field from the text that a person typed ("512MiB", "HAPPY", "true"), as JSON text.
Result<std::string> text_to_json(const Field& field, std::string_view text);

}  // namespace novacron::host::contract
