#include "host/contract/testing/testing.h"

#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "host/contract/message.h"

namespace novacron::host::contract::testing {

namespace {
namespace pb = google::protobuf;

/// One file from memory, the others from the folder of contracts.
class Tree : public pb::compiler::SourceTree {
 public:
  Tree(std::string file, std::string text) : file_(std::move(file)), text_(std::move(text)) {
    disk_.MapPath("", NOVACRON_PROTO_DIR);
    disk_.MapPath("", "/usr/include");
  }
  pb::io::ZeroCopyInputStream* Open(const std::string& name) override {
    if (name != file_) return disk_.Open(name);
    return new pb::io::ArrayInputStream(text_.data(), static_cast<int>(text_.size()));
  }

 private:
  std::string file_;
  std::string text_;
  pb::compiler::DiskSourceTree disk_;
};

class Reporter : public pb::compiler::MultiFileErrorCollector {
 public:
  void AddError(const std::string& file, int line, int, const std::string& message) override {
    std::fprintf(stderr, "%s:%d: %s\n", file.c_str(), line + 1, message.c_str());
  }
};

void add_with_imports(const pb::FileDescriptor& file, std::set<std::string>& seen, pb::FileDescriptorSet& set) {
  if (!seen.insert(file.name()).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) add_with_imports(*file.dependency(i), seen, set);
  file.CopyTo(set.add_file());
}
}  // namespace

const std::string& shop_descriptor_set() {
  static const std::string bytes = [] {
    std::ifstream file(NOVACRON_TEST_CONTRACT, std::ios::binary);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
  }();
  return bytes;
}

const std::shared_ptr<const Schema>& shop_schema() {
  static const std::shared_ptr<const Schema> schema = [] {
    auto created = Schema::create({{"shop.v1", shop_descriptor_set()}});
    if (!created.ok()) {
      std::fprintf(stderr, "%s\n", created.error().message.c_str());
      std::abort();
    }
    return std::move(created).value();
  }();
  return schema;
}

std::string compile_proto(const std::string& name, const std::string& text) {
  Tree tree(name, text);
  Reporter reporter;
  pb::compiler::Importer importer(&tree, &reporter);
  const auto* file = importer.Import(name);
  if (!file) std::abort();
  pb::FileDescriptorSet set;
  std::set<std::string> seen;
  add_with_imports(*file, seen, set);
  return serialize(set);
}

}  // namespace novacron::host::contract::testing
