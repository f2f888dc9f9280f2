// The kinds that there are, for programs that discover them.
#pragma once

#include <string>

#include "host/contract/schema.h"

namespace novacron::host::api {

/// {"items":[{"id","group","name","plural","path","short","scope","summary","verbs","actions","columns"}]}
std::string describe_kinds(const contract::Schema& schema);

/// "none", "tty", "bytes", "upload", "download".
std::string_view stream_name(contract::ActionStream stream);

}  // namespace novacron::host::api
