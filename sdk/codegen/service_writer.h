// Writes the …Service base and the …Client of a service.
#pragma once

#include "sdk/codegen/descriptor_fwd.h"

namespace novacron::codegen {

void write_service_declarations(const google::protobuf::ServiceDescriptor* service, google::protobuf::io::Printer& out);
void write_service_definitions(const google::protobuf::ServiceDescriptor* service, google::protobuf::io::Printer& out);

}  // namespace novacron::codegen
