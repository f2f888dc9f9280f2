// protoc-gen-novacron: a protoc plugin that turns a contract into C++ without protobuf's runtime.
#include "sdk/codegen/generator.h"

int main(int argc, char** argv) {
  return novacron::codegen::run(argc, argv);
}
