// Carries the comments of a .proto over into C++.
#pragma once

#include "sdk/codegen/descriptor_fwd.h"

namespace novacron::codegen {

/// The comment that stands before the definition, else the one behind it on its line, behind "///".
template <class Descriptor>
void write_comment(const Descriptor* descriptor, google::protobuf::io::Printer& out);

}  // namespace novacron::codegen
