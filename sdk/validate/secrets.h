// Secret fields of messages that are written to a file.
#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace novacron::validate {

/// Puts "masked" into every text and every run of bytes that its contract marks by (novacron.secret), also in nested
/// messages, and empties what is secret otherwise. Whether a field is there does not change.
void mask_secrets(google::protobuf::Message& message);

}  // namespace novacron::validate
