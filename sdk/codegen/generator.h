// Writes <path>.nc.h and <path>.nc.cpp for each .proto.
#pragma once

namespace novacron::codegen {

/// Serves one request of protoc on standard input and output; the result is the program's exit status.
int run(int argc, char** argv);

}  // namespace novacron::codegen
