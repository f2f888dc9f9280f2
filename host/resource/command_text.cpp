// What a write would be on the command line.
#include <host/resource/record.pb.h>

#include <nlohmann/json.hpp>

#include "host/contract/command_line.h"
#include "host/contract/parts.h"
#include "host/resource/keys.h"
#include "host/resource/plan.h"
#include "host/resource/writer.h"

namespace novacron::host::resource {

namespace {
using nlohmann::json;

/// As the API shows it: without secrets.
json document_of(const contract::Kind& kind, const StoredObject& object) {
  const auto text = contract::parts_to_json(kind, {message_bytes(object.metadata()), object.record->spec(), ""});
  return text.ok() ? json::parse(*text, nullptr, false) : json::object();
}
}  // namespace

std::string Writer::command_of(const WriteRequest& request, const StoredObject* current,
                               const StoredObject& object) const {
  const auto schema = parts_.contracts.schema();
  const auto* kind = schema->find_kind(request.ref.kind);
  if (kind == nullptr) return {};
  const contract::CommandTarget target{*kind, object.ref.tenant, object.ref.name};
  if (kind->find_verb(request.verb) != nullptr)
    return contract::verb_command_line(target, request.verb, nullptr, json::object());
  if (request.verb == "delete") return contract::delete_command_line(target);
  if (current == nullptr) return contract::create_command_line(target, document_of(*kind, object));
  return contract::patch_command_line(target, document_of(*kind, *current), document_of(*kind, object));
}

/// Only the last change of an object can be taken back, so only that is remembered.
void Writer::plan_change(const WriteRequest& request, const StoredObject& object, Plan& plan) {
  const auto schema = parts_.contracts.schema();
  const auto* kind = schema->find_kind(request.ref.kind);
  const auto* verb = kind == nullptr ? nullptr : kind->find_verb(request.verb);
  if (verb == nullptr || (verb->undo.empty() && request.options.undoes == 0)) return;
  StoredChange change;
  change.set_generation(object.metadata().generation());
  change.set_verb(std::string(request.verb));
  change.set_undoes(request.options.undoes);
  plan.put(change_key(object.ref.uid), message_bytes(change));
}

}  // namespace novacron::host::resource
