#include "host/api/kinds.h"

#include <nlohmann/json.hpp>

namespace novacron::host::api {
namespace {

using nlohmann::ordered_json;

/// The newest first.
std::vector<std::string> versions_of(const contract::Kind& kind) {
  std::vector<std::string> versions = {kind.version};
  for (const auto& older : kind.older) versions.push_back(older.version);
  return versions;
}

ordered_json describe(const contract::Kind& kind) {
  const bool of_tenant = kind.scope == contract::Scope::kTenant;
  ordered_json json = {{"id", kind.id},
                       {"group", kind.group},
                       {"name", kind.name},
                       {"plural", kind.plural},
                       {"path", (of_tenant ? "/v1/tenants/{tenant}/" : "/v1/") + kind.segment},
                       {"short", kind.short_names},
                       {"scope", of_tenant ? "TENANT" : "HOST"},
                       {"summary", kind.summary},
                       {"versions", versions_of(kind)},
                       {"confirm_delete", kind.confirm_delete},
                       {"verbs", {"get", "list", "watch", "create", "update", "delete"}},
                       {"actions", ordered_json::array()},
                       {"columns", ordered_json::array()}};
  for (const auto& verb : kind.verbs) {
    json["actions"].push_back(
        {{"verb", verb.name}, {"summary", verb.summary}, {"stream", "none"}, {"read_only", false}});
  }
  for (const auto& action : kind.actions) {
    json["actions"].push_back({{"verb", action.verb},
                               {"summary", action.summary},
                               {"stream", stream_name(action.stream)},
                               {"read_only", action.read_only}});
  }
  for (const auto& column : kind.columns)
    json["columns"].push_back({{"heading", column.heading}, {"path", column.path}, {"wide", column.wide}});
  return json;
}

}  // namespace

std::string_view stream_name(contract::ActionStream stream) {
  switch (stream) {
    case contract::ActionStream::kNone:
      return "none";
    case contract::ActionStream::kTty:
      return "tty";
    case contract::ActionStream::kBytes:
      return "bytes";
    case contract::ActionStream::kUpload:
      return "upload";
    case contract::ActionStream::kDownload:
      return "download";
  }
  return "none";
}

std::string describe_kinds(const contract::Schema& schema) {
  ordered_json items = ordered_json::array();
  for (const auto& kind : schema.kinds()) items.push_back(describe(kind));
  return ordered_json{{"items", std::move(items)}}.dump();
}

}  // namespace novacron::host::api
