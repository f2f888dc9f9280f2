#include "host/resource/keys.h"

#include <array>

namespace novacron::host::resource {

namespace {
constexpr std::string_view kResourcePrefix = "resource/";
constexpr std::string_view kNoTenant = "-";

std::string join(std::string_view prefix, std::string_view a) {
  return std::string(prefix) + std::string(a);
}
std::string join(std::string_view prefix, std::string_view a, std::string_view b) {
  return std::string(prefix) + std::string(a) + "/" + std::string(b);
}
}  // namespace

std::string kind_prefix(std::string_view kind) {
  return join(kResourcePrefix, kind) + "/";
}

std::string tenant_prefix(std::string_view kind, std::string_view tenant) {
  return kind_prefix(kind) + std::string(tenant.empty() ? kNoTenant : tenant) + "/";
}

std::string object_prefix(const ObjectRef& ref) {
  return tenant_prefix(ref.kind, ref.tenant) + ref.name + "/";
}
std::string spec_key(const ObjectRef& ref) {
  return object_prefix(ref) + "spec";
}
std::string status_key(const ObjectRef& ref) {
  return object_prefix(ref) + "status";
}

Result<ParsedKey> parse_object_key(std::string_view key) {
  std::array<std::string_view, 6> parts;
  auto rest = key;
  size_t count = 0;
  for (; count + 1 < parts.size() && rest.find('/') != std::string_view::npos; ++count) {
    parts[count] = rest.substr(0, rest.find('/'));
    rest.remove_prefix(parts[count].size() + 1);
  }
  parts[count++] = rest;
  const bool is_spec = parts[5] == "spec";
  if (count != parts.size() || parts[0] != "resource" || (!is_spec && parts[5] != "status")) {
    return Error{Code::kDataLoss, "\"" + std::string(key) + "\" is no key of an object", "resource.corrupt"};
  }
  ParsedKey parsed;
  parsed.ref.kind = join("", parts[1], parts[2]);
  parsed.ref.tenant = parts[3] == kNoTenant ? std::string_view() : parts[3];
  parsed.ref.name = parts[4];
  parsed.part = is_spec ? ParsedKey::Part::kSpec : ParsedKey::Part::kStatus;
  return parsed;
}

std::string uid_key(std::string_view uid) {
  return join("uid/", uid);
}
std::string owned_prefix(std::string_view owner_uid) {
  return join("owned/", owner_uid) + "/";
}
std::string owned_key(std::string_view owner_uid, std::string_view uid) {
  return join("owned/", owner_uid, uid);
}
std::string refs_prefix(std::string_view target_uid) {
  return join("refs/", target_uid) + "/";
}
std::string refs_key(std::string_view target_uid, std::string_view referrer_uid) {
  return join("refs/", target_uid, referrer_uid);
}
std::string mark_key(std::string_view uid) {
  return join("mark/", uid);
}
std::string blobref_prefix(std::string_view digest) {
  return std::string(kBlobrefPrefix) + std::string(digest) + "/";
}
std::string blobref_key(std::string_view digest, std::string_view uid) {
  return join(kBlobrefPrefix, digest, uid);
}
std::string blob_name(std::string_view digest) {
  constexpr size_t kPrefixBytes = std::string_view("sha256:").size();
  constexpr size_t kNameHexDigits = 32;
  return "sha256-" + std::string(digest.substr(std::min(kPrefixBytes, digest.size()), kNameHexDigits));
}
std::string gc_key(std::string_view uid) {
  return join(kGcPrefix, uid);
}
std::string descriptors_prefix(std::string_view digest) {
  return join("descriptors/", digest) + "/";
}
std::string operation_key(std::string_view uid) {
  return join("operation/", uid);
}
std::string claim_key(std::string_view uid) {
  return join("claim/", uid);
}

}  // namespace novacron::host::resource
