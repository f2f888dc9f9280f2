#include "sdk/validate/secrets.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <map>

#include "sdk/validate/package_contracts.h"

namespace novacron::validate {
namespace {

namespace pb = google::protobuf;
using Field = pb::FieldDescriptor;
using boundary::Record;

constexpr int kSecretOption = 51012;  // (novacron.secret) in novacron/options.proto
constexpr const char* kMasked = "masked";

// The pool that a package's contracts are built in does not know our options: to it they are unknown fields.
bool is_secret(const Field& field) {
  const pb::UnknownFieldSet& options = field.options().GetReflection()->GetUnknownFields(field.options());
  for (int i = 0; i < options.field_count(); ++i) {
    const pb::UnknownField& option = options.field(i);
    if (option.number() == kSecretOption && option.type() == pb::UnknownField::TYPE_VARINT) return option.varint() != 0;
  }
  return false;
}

void mask(pb::Message& message, const Field& field) {
  const pb::Reflection& reflection = *message.GetReflection();
  const bool is_text = field.cpp_type() == Field::CPPTYPE_STRING;
  if (!is_text) return reflection.ClearField(&message, &field);
  if (!field.is_repeated()) return reflection.SetString(&message, &field, kMasked);
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i)
    reflection.SetRepeatedString(&message, &field, i, kMasked);
}

}  // namespace

void mask_secrets(pb::Message& message) {
  const pb::Reflection& reflection = *message.GetReflection();
  std::vector<const Field*> fields;
  reflection.ListFields(message, &fields);
  for (const Field* field : fields) {
    if (is_secret(*field)) {
      mask(message, *field);
    } else if (field->cpp_type() == Field::CPPTYPE_MESSAGE && !field->is_repeated()) {
      mask_secrets(*reflection.MutableMessage(&message, field));
    } else if (field->cpp_type() == Field::CPPTYPE_MESSAGE) {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        mask_secrets(*reflection.MutableRepeatedMessage(&message, field, i));
      }
    }
  }
}

namespace {

/// Walks a transcript and knows of each body which message it is.
class Masker final {
 public:
  Masker(const Contracts& contracts, const std::string& config) : contracts_(contracts), config_(config) {}

  void mask(Record& record) {
    if (record.at == "create" || record.at == "configure") return mask_field(record, "config", type(config_));
    if (record.at == "host.connect") return note_route(record);
    if (record.at == "invoke") methods_[record.text("call")] = served(record);
    if (record.at == "host.call") methods_[record.text("returned")] = called(record);
    const bool is_mine = record.at == "host.call";
    const auto method = methods_.find(record.text(is_mine ? "returned" : "call"));
    if (method == methods_.end() || method->second == nullptr) return;
    const bool is_request = record.at == "invoke" || is_mine;
    mask_field(record, "body", is_request ? method->second->input_type() : method->second->output_type());
  }

 private:
  const pb::Descriptor* type(const std::string& name) const { return contracts_.pool->FindMessageTypeByName(name); }
  const pb::MethodDescriptor* method(const std::string& name) const { return contracts_.pool->FindMethodByName(name); }

  void note_route(const Record& record) {
    std::vector<std::string>& names = routes_[record.text("returned")];
    names.clear();
    for (uint64_t i = 0; i < record.number("methods"); ++i) {
      names.push_back(record.text("service") + "." + record.text("method" + std::to_string(i)));
    }
  }
  const pb::MethodDescriptor* called(const Record& record) const {
    const auto route = routes_.find(record.text("route"));
    const uint64_t at = record.number("method");
    return route == routes_.end() || at >= route->second.size() ? nullptr : method(route->second[at]);
  }
  const pb::MethodDescriptor* served(const Record& record) const {
    std::string name = record.text("name");
    std::replace(name.begin(), name.end(), '/', '.');
    return method(name);
  }

  void mask_field(Record& record, const char* field, const pb::Descriptor* of) const {
    if (of == nullptr) return;
    for (auto& [name, value] : record.fields) {
      if (name != field || !std::holds_alternative<std::string>(value)) continue;
      const std::unique_ptr<pb::Message> message(contracts_.factory->GetPrototype(of)->New());
      std::string& bytes = std::get<std::string>(value);
      if (!message->ParseFromString(bytes)) continue;
      const std::string before = message->SerializeAsString();
      mask_secrets(*message);
      std::string after = message->SerializeAsString();
      if (after != before) bytes = std::move(after);
    }
  }

  const Contracts& contracts_;
  const std::string config_;
  std::map<std::string, std::vector<std::string>> routes_;
  std::map<std::string, const pb::MethodDescriptor*> methods_;  // by the call's name
};

}  // namespace

std::vector<Record> Package::without_secrets(std::vector<Record> records) const {
  Masker masker(*contracts_, manifest_.config);
  for (Record& record : records) masker.mask(record);
  return records;
}

}  // namespace novacron::validate
