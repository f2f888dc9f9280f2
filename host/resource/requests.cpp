#include "host/resource/requests.h"

#include <host/resource/record.pb.h>

#include "host/base/sha256.h"
#include "host/resource/keys.h"

namespace novacron::host::resource {

namespace {
constexpr size_t kMaxKeyBytes = 255;

std::string state_key(const auth::Context& context, const std::string& tenant, const Idempotency& idempotency) {
  std::string text;
  for (const auto& part : {tenant, context.identity.principal, idempotency.method, idempotency.path, idempotency.key}) {
    text += std::to_string(part.size()) + ":" + part;  // lengths, so that no two lists look the same
  }
  return std::string(kIdempotencyPrefix) + sha256_hex(text);
}

Error mismatch() {
  return {Code::kInvalidArgument, "this Idempotency-Key was used with another body; use a new key for a new request",
          "resource.idempotency-mismatch"};
}
}  // namespace

ObjectRef SeenRequest::ref() const {
  const auto& ref = record->ref();
  return {ref.kind(), ref.tenant(), ref.name(), ref.uid()};
}

Result<SeenRequest> find_request(Objects& objects, const auth::Context& context, const std::string& tenant,
                                 const Idempotency& idempotency, uint64_t now_ns) {
  if (idempotency.key.empty() || idempotency.key.size() > kMaxKeyBytes) {
    return Error{Code::kInvalidArgument, "an Idempotency-Key has 1 to 255 bytes", "resource.idempotency-key"};
  }
  SeenRequest seen;
  seen.key = state_key(context, tenant, idempotency);
  const auto entry = TRY(objects.sync().get(seen.key));
  if (!entry) return seen;
  seen.revision = entry->mod_revision;
  auto record = std::make_shared<StoredRequest>();
  if (!record->ParseFromString(entry->value) || record->expires_ns() <= now_ns) return seen;
  if (record->body_sha256() != sha256_hex(idempotency.body)) return mismatch();
  seen.record = std::move(record);
  return seen;
}

StoredRequest request_record(const Idempotency& idempotency, const ObjectRef& ref, uint64_t now_ns) {
  StoredRequest record;
  record.set_body_sha256(sha256_hex(idempotency.body));
  auto& object = *record.mutable_ref();
  object.set_kind(ref.kind);
  object.set_tenant(ref.tenant);
  object.set_name(ref.name);
  object.set_uid(ref.uid);
  record.set_expires_ns(now_ns + kIdempotencyLifetimeNs);
  return record;
}

}  // namespace novacron::host::resource
