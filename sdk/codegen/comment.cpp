#include "sdk/codegen/comment.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/printer.h>

#include <sstream>
#include <string>

namespace novacron::codegen {

namespace pb = google::protobuf;

template <class Descriptor>
void write_comment(const Descriptor* descriptor, pb::io::Printer& out) {
  pb::SourceLocation location;
  if (!descriptor->GetSourceLocation(&location)) return;
  std::istringstream lines(location.leading_comments.empty() ? location.trailing_comments : location.leading_comments);
  for (std::string line; std::getline(lines, line);) {
    line.erase(line.find_last_not_of(" \t\\") + 1);  // a backslash at the end would continue the comment
    out.Print("///$line$\n", "line", line);
  }
}

template void write_comment(const pb::Descriptor*, pb::io::Printer&);
template void write_comment(const pb::FieldDescriptor*, pb::io::Printer&);
template void write_comment(const pb::OneofDescriptor*, pb::io::Printer&);
template void write_comment(const pb::EnumDescriptor*, pb::io::Printer&);
template void write_comment(const pb::EnumValueDescriptor*, pb::io::Printer&);
template void write_comment(const pb::ServiceDescriptor*, pb::io::Printer&);
template void write_comment(const pb::MethodDescriptor*, pb::io::Printer&);

}  // namespace novacron::codegen
