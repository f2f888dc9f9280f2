#include "host/cli/prune.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "host/cli/objects.h"
#include "host/cli/text.h"
#include "host/cli/url.h"

namespace novacron::host::cli {
namespace {

using contract::Kind;
using nlohmann::json;

struct Victim {
  const Kind* kind = nullptr;
  std::string name;
  std::string tag;  ///< as it was seen: what became something else meanwhile stays
};

Result<std::vector<Victim>> victims_of(Session& session, const std::string& apply_set,
                                       const std::set<std::string>& keep) {
  Client& client = *TRY(session.client());
  const contract::Schema& schema = *TRY(session.schema());
  std::vector<Victim> victims;
  for (const Kind& kind : schema.kinds()) {
    const std::string collection = TRY(session.collection(kind));
    const auto list = client.list(collection, std::string(kApplySetLabel) + "=" + apply_set);
    if (list.code() == Code::kPermissionDenied) continue;
    if (!list.ok()) return list.error();
    for (const json& object : list->objects) {
      const std::string name = text_at(object, "metadata.name");
      const bool is_going = !value_at(object, "metadata.deleted_at").is_null();
      if (is_going || keep.contains(display_name(kind, name))) continue;
      const std::string generation = std::to_string(number_at(object, "metadata.generation"));
      victims.push_back({&kind, name, text_at(object, "metadata.uid") + "-g" + generation});
    }
  }
  return victims;
}

Status confirm(Session& session, const std::vector<Victim>& victims) {
  std::string list;
  for (const Victim& victim : victims) {
    if (victim.kind->confirm_delete) list += (list.empty() ? "" : ", ") + display_name(*victim.kind, victim.name);
  }
  return list.empty() ? Status() : session.confirm("Prune " + list + "?");
}

Status remove(Session& session, const Victim& victim) {
  Client& client = *TRY(session.client());
  const bool dry_run = session.globals().dry_run;
  const std::string path = TRY(session.object_path(*victim.kind, victim.name));
  const auto removed = client.change(
      {.method = "DELETE", .target = with_query(path, {{"dry_run", dry_run ? "true" : ""}}), .if_match = victim.tag});
  if (!removed.ok() && removed.code() != Code::kNotFound) return removed.error();
  session.say(display_name(*victim.kind, victim.name) + " pruned" + (dry_run ? " (dry run)" : ""));
  return {};
}

}  // namespace

Result<ExitCode> prune(Session& session, const std::string& apply_set, const std::set<std::string>& keep) {
  std::vector<Victim> left = TRY(victims_of(session, apply_set, keep));
  TRY_STATUS(confirm(session, left));
  while (!left.empty()) {
    std::vector<Victim> refused;
    std::optional<Error> first;
    for (Victim& victim : left) {
      const Status removed = remove(session, victim);
      if (removed.ok()) continue;
      if (!first) first = wrap(removed.error(), display_name(*victim.kind, victim.name));
      refused.push_back(std::move(victim));
    }
    if (refused.size() == left.size()) return *first;
    left = std::move(refused);
  }
  return ExitCode::kOk;
}

}  // namespace novacron::host::cli
