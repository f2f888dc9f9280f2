#include "sdk/validate/package.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <openssl/evp.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sdk/codegen/random_message.h"
#include "sdk/validate/package_contracts.h"

namespace novacron::validate {
namespace {

namespace pb = google::protobuf;
using nlohmann::json;

constexpr int kRequestDepth = 3;
constexpr int kAttempts = 8;
constexpr size_t kMaxRandomBytes = 64;

Result<std::string> read_file(const std::filesystem::path& path, size_t max_bytes) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return Error{.code = Code::kNotFound, .message = path.string() + ": " + error.message()};
  if (size > max_bytes) {
    return Error{.code = Code::kResourceExhausted,
                 .message = path.string() + " has more than " + std::to_string(max_bytes) + " bytes"};
  }
  std::ifstream in(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!in.read(bytes.data(), static_cast<std::streamsize>(size))) {
    return Error{.code = Code::kNotFound, .message = path.string() + " cannot be read"};
  }
  return bytes;
}

std::string sha256_hex(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr) != 1) return "";
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", digest[i]);
    text += two;
  }
  return text;
}

std::string text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string random_bytes(Random& random) {
  std::string bytes(random() % kMaxRandomBytes, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

}  // namespace

Manifest parse_manifest(const std::string& text, std::vector<std::string>& faults) {
  Manifest manifest;
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object()) return faults.push_back("plugin.json is no JSON object"), manifest;
  manifest.id = text_in(parsed, "id");
  manifest.version = text_in(parsed, "version");
  manifest.library = text_in(parsed, "library");
  manifest.contracts = text_in(parsed, "contracts");
  manifest.config = text_in(parsed, "config");
  const auto abi = parsed.find("abi");
  if (abi != parsed.end() && abi->is_object() && abi->contains("major") && (*abi)["major"].is_number_unsigned()) {
    manifest.abi_major = (*abi)["major"].get<uint64_t>();
  }
  const auto services = parsed.find("services");
  if (services != parsed.end() && services->is_array()) {
    for (const json& service : *services) {
      if (service.is_string()) manifest.services.push_back(service.get<std::string>());
    }
  }
  for (const char* key : {"id", "version", "library", "contracts"}) {
    if (text_in(parsed, key).empty()) faults.push_back(std::string("plugin.json has no \"") + key + "\"");
  }
  return manifest;
}

Contracts::Contracts()
    : pool(std::make_unique<pb::DescriptorPool>()), factory(std::make_unique<pb::DynamicMessageFactory>(pool.get())) {}
Contracts::~Contracts() = default;

void Contracts::add(const pb::FileDescriptor& file) {
  for (int i = 0; i < file.service_count(); ++i) {
    std::vector<MethodShape>& shapes = services[file.service(i)->full_name()];
    for (int m = 0; m < file.service(i)->method_count(); ++m) {
      const pb::MethodDescriptor& method = *file.service(i)->method(m);
      shapes.push_back({method.name(), method.client_streaming(), method.server_streaming()});
    }
  }
}

Package::Package() : contracts_(std::make_unique<Contracts>()) {}
Package::~Package() = default;

Result<std::unique_ptr<Package>> Package::open(const std::string& path) {
  std::unique_ptr<Package> package(new Package);
  std::error_code error;
  std::filesystem::path library = std::filesystem::absolute(path, error);
  std::filesystem::path folder = library.parent_path();
  const bool is_folder = std::filesystem::is_directory(library, error);
  if (is_folder) folder = library;
  const auto manifest = read_file(folder / "plugin.json", kMaxFileBytes);
  if (manifest.ok()) package->manifest_ = parse_manifest(*manifest, package->faults_);
  if (!manifest.ok()) package->faults_.push_back(manifest.error().message);
  if (is_folder) library = folder / (package->manifest_.library.empty() ? "plugin.so" : package->manifest_.library);
  package->library_path_ = library.string();
  package->library_ = NC_TRY(read_file(library, kMaxLibraryBytes));
  const std::string& contracts_name = package->manifest_.contracts;
  const auto contracts =
      read_file(folder / (contracts_name.empty() ? "contracts.binpb" : contracts_name), kMaxFileBytes);
  if (contracts.ok()) package->read_contracts(*contracts);
  if (!contracts.ok()) package->faults_.push_back(contracts.error().message);
  return package;
}

void Package::read_contracts(const std::string& bytes) {
  contracts_sha256_ = sha256_hex(bytes);
  pb::FileDescriptorSet files;
  if (!files.ParseFromString(bytes)) return faults_.push_back("contracts.binpb is no FileDescriptorSet");
  for (const pb::FileDescriptorProto& file : files.file()) {
    const pb::FileDescriptor* const built = contracts_->pool->BuildFile(file);
    if (built == nullptr) return faults_.push_back("contracts.binpb: " + file.name() + " is malformed");
    contracts_->add(*built);
  }
}

const std::vector<MethodShape>* Package::methods_of(const std::string& service) const {
  const auto found = contracts_->services.find(service);
  return found == contracts_->services.end() ? nullptr : &found->second;
}

std::string Package::random_request(const std::string& service, const std::string& method, Random& random) const {
  const pb::MethodDescriptor* const known = contracts_->pool->FindMethodByName(service + "." + method);
  if (known == nullptr) return random_bytes(random);
  const std::unique_ptr<pb::Message> message(contracts_->factory->GetPrototype(known->input_type())->New());
  // One without any field tells little; a type may have none.
  for (int i = 0; i < kAttempts && message->ByteSizeLong() == 0; ++i)
    codegen::fill_randomly(*message, random, kRequestDepth);
  return message->SerializeAsString();
}

Result<std::string> Package::config_from_json(const std::string& text) const {
  const pb::Descriptor* const type = contracts_->pool->FindMessageTypeByName(manifest_.config);
  if (type == nullptr) {
    return Error{.code = Code::kInvalidArgument,
                 .message = "the plugin takes no configuration that its contracts know"};
  }
  const std::unique_ptr<pb::Message> message(contracts_->factory->GetPrototype(type)->New());
  const auto status = pb::util::JsonStringToMessage(text, message.get());
  if (!status.ok()) {
    return Error{.code = Code::kInvalidArgument, .message = "the configuration: " + std::string(status.message())};
  }
  return message->SerializeAsString();
}

}  // namespace novacron::validate
