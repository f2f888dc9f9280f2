#include "host/resource/objects.h"

#include <novacron/core/v1/resource.pb.h>

#include "host/resource/keys.h"

namespace novacron::host::resource {

namespace {
bool is_spec(const state::Entry& entry) {
  return entry.key.ends_with("/spec");
}

/// Whether `status` is the other key of the object of `spec`.
bool is_status_of(const state::Entry& status, const state::Entry& spec) {
  const std::string_view prefix =
      std::string_view(spec.key).substr(0, spec.key.size() - std::string_view("spec").size());
  return status.key.starts_with(prefix) && status.key.size() == prefix.size() + std::string_view("status").size();
}

std::string after(const std::string& key) {
  return key + '\0';
}
}  // namespace

Result<std::optional<StoredObject>> Objects::read(const ObjectRef& ref, uint64_t at_revision) {
  state::RangeRequest request;
  request.keys = state::KeyRange::prefix(object_prefix(ref));
  request.at_revision = at_revision;
  const auto reply = TRY(sync_.range(std::move(request)));
  if (reply.entries.empty() || !is_spec(*reply.entries[0])) return std::optional<StoredObject>();
  const auto* status = reply.entries.size() > 1 ? reply.entries[1].get() : nullptr;
  return std::optional<StoredObject>(TRY(stored_object(*reply.entries[0], status)));
}

Result<ObjectRef> Objects::find_uid(std::string_view uid) {
  const auto entry = TRY(sync_.get(uid_key(uid)));
  core::v1::ObjectRef ref;
  if (!entry || !ref.ParseFromString(entry->value)) {
    return Error{Code::kNotFound, "there is no object with the uid " + std::string(uid), "resource.not-found"};
  }
  return ObjectRef{ref.kind(), ref.tenant(), ref.name(), ref.uid()};
}

Result<bool> Objects::any_with_prefix(std::string prefix) {
  return !TRY(names(prefix, 1)).empty();
}

Result<std::vector<std::string>> Objects::names(const std::string& prefix, uint32_t limit) {
  state::RangeRequest request;
  request.keys = state::KeyRange::prefix(prefix);
  request.limit = limit;
  std::vector<std::string> names;
  for (const auto& entry : TRY(sync_.range(std::move(request))).entries)
    names.push_back(entry->key.substr(prefix.size()));
  return names;
}

Result<Objects::Scan> Objects::scan(const std::string& prefix, const std::string& after_key, size_t limit,
                                    uint64_t at_revision) {
  state::RangeRequest request;
  request.keys = state::KeyRange::prefix(prefix);
  if (!after_key.empty()) request.keys.begin = after(after_key);
  request.limit = static_cast<uint32_t>(2 * limit + 1);  // two keys an object, and one to see the end of the last
  request.at_revision = at_revision;
  const auto reply = TRY(sync_.range(std::move(request)));
  Scan scan;
  scan.revision = reply.revision;
  scan.last_key = after_key;
  const auto& entries = reply.entries;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!is_spec(*entries[i])) continue;
    const bool is_last = i + 1 == entries.size();
    if (scan.objects.size() == limit || (is_last && reply.more)) {  // its status may be cut off
      scan.more = true;
      return scan;
    }
    const bool has_status = !is_last && is_status_of(*entries[i + 1], *entries[i]);
    scan.objects.push_back(TRY(stored_object(*entries[i], has_status ? entries[i + 1].get() : nullptr)));
    scan.last_key = entries[has_status ? i + 1 : i]->key;
  }
  scan.more = reply.more;
  return scan;
}

Result<std::vector<StoredObject>> Objects::all(const std::string& prefix) {
  constexpr size_t kPage = 1'000;
  std::vector<StoredObject> out;
  std::string after_key;
  uint64_t revision = 0;
  while (true) {
    auto page = TRY(scan(prefix, after_key, kPage, revision));
    for (auto& object : page.objects) out.push_back(std::move(object));
    if (!page.more) return out;
    after_key = page.last_key;
    revision = page.revision;
  }
}

}  // namespace novacron::host::resource
