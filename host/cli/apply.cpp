#include "host/cli/apply.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/cli/documents.h"
#include "host/cli/line_diff.h"
#include "host/cli/objects.h"
#include "host/cli/prune.h"
#include "host/cli/text.h"
#include "host/cli/url.h"

namespace novacron::host::cli {
namespace {

using contract::Kind;
using nlohmann::json;

/// One object of the files.
struct Item {
  const Kind* kind = nullptr;
  std::string name;
  json object;
};

/// What only the host writes; `get -o yaml` shows it, so that it is in files too.
void remove_host_fields(json& object) {
  object.erase("status");
  if (!object["metadata"].is_object()) object["metadata"] = json::object();
  for (const char* field : {"uid", "tenant", "generation", "revision", "created_at", "deleted_at", "managed_fields"}) {
    object["metadata"].erase(field);
  }
}

Result<Item> read_item_of(Session& session, json object) {
  const Kind& kind = *TRY(kind_of(session, object));
  const std::string name = text_at(object, "metadata.name");
  if (name.empty()) return usage_error("a " + kind.id + " has no metadata.name");
  const std::string tenant = text_at(object, "metadata.tenant");
  const Target& target = *TRY(session.target());
  if (kind.scope == contract::Scope::kTenant && !tenant.empty() && tenant != target.tenant) {
    return usage_error(display_name(kind, name) + " is of tenant " + tenant + ": say --tenant " + tenant);
  }
  remove_host_fields(object);
  object["kind"] = kind.id;
  return Item{&kind, name, std::move(object)};
}

/// All of them are read before anything is sent. With an apply set, each gets its label.
Result<std::vector<Item>> read_items(Session& session, const std::vector<std::string>& paths,
                                     const std::string& apply_set) {
  std::vector<Item> items;
  for (const std::string& path : paths) {
    std::vector<json> documents = TRY(read_documents(session.environment(), path));
    for (json& document : documents) {
      auto item = read_item_of(session, std::move(document));
      if (!item.ok()) return wrap(item.error(), path);
      if (!apply_set.empty()) item->object["metadata"]["labels"][kApplySetLabel] = apply_set;
      items.push_back(*std::move(item));
    }
  }
  return items;
}

/// The part of an object that files decide.
json wanted_part(const json& object) {
  json part = object;
  remove_host_fields(part);
  return part;
}

Result<json> apply_object(Session& session, const Item& item, const ApplyOptions& options,
                          Effect effect = Effect::kReal) {
  Client& client = *TRY(session.client());
  const bool dry_run = session.globals().dry_run || effect == Effect::kCheck;
  const std::string path = TRY(session.object_path(*item.kind, item.name));
  return client.change({.method = "PATCH",
                        .target = with_query(path, {{"field_manager", options.manager},
                                                    {"force", options.force ? "true" : ""},
                                                    {"dry_run", dry_run ? "true" : ""}}),
                        .body = item.object.dump(-1, ' ', false, json::error_handler_t::replace),
                        .content_type = kApplyPatch});
}

Result<ExitCode> apply_item(Session& session, const Item& item, const ApplyOptions& options) {
  auto live = get_object(session, *item.kind, item.name);
  if (!live.ok() && live.code() != Code::kNotFound) return live.error();
  json next = TRY(apply_object(session, item, options));
  const bool is_same = live.ok() && wanted_part(next) == wanted_part(*live);
  const char* what = !live.ok() ? "created" : is_same ? "unchanged" : "changed";
  return report_change(session, *item.kind, std::move(next), what, WaitByDefault::kNo);
}

Result<bool> diff_item(Session& session, const Item& item, const ApplyOptions& options) {
  auto live = get_object(session, *item.kind, item.name);
  if (!live.ok() && live.code() != Code::kNotFound) return live.error();
  const std::string before = live.ok() ? render_value(wanted_part(*live), Format::kYaml) : "";
  const json next = TRY(apply_object(session, item, options, Effect::kCheck));
  const std::string after = render_value(wanted_part(next), Format::kYaml);
  const Paint paint = session.environment().colors() ? Paint::kColors : Paint::kPlain;
  const std::string difference = line_diff(printable_lines(before), printable_lines(after), paint);
  if (difference.empty()) return false;
  session.print((live.ok() ? "change " : "create ") + display_name(*item.kind, item.name) + "\n" + difference);
  return true;
}

Result<ExitCode> delete_item(Session& session, const Item& item) {
  auto deleted = delete_objects(session, *item.kind, {item.name});
  if (deleted.ok() || deleted.code() != Code::kNotFound) return deleted;
  session.say(display_name(*item.kind, item.name) + " is not there");
  return ExitCode::kOk;
}

/// Goes through all items; tells errors as they come and ends with the first.
template <class Work>
Result<ExitCode> for_each(Session& session, const std::vector<Item>& items, const Work& work) {
  std::optional<Error> first;
  for (const Item& item : items) {
    auto result = work(item);
    if (result.ok()) continue;
    Error error = wrap(std::move(result).error(), display_name(*item.kind, item.name));
    if (items.size() == 1) return error;
    session.warn(error.message);
    for (const auto& field : error.fields) session.warn("  " + field.path + ": " + field.message);
    if (!first) first = std::move(error);
  }
  if (!first) return ExitCode::kOk;
  return exit_code(*first);
}

}  // namespace

Result<ExitCode> apply_files(Session& session, const std::vector<std::string>& paths, const ApplyOptions& options) {
  const std::vector<Item> items = TRY(read_items(session, paths, options.apply_set));
  const ExitCode code =
      TRY(for_each(session, items, [&](const Item& item) { return apply_item(session, item, options); }));
  if (!options.prune || code != ExitCode::kOk) return code;
  std::set<std::string> applied;
  for (const Item& item : items) applied.insert(display_name(*item.kind, item.name));
  return prune(session, options.apply_set, applied);
}

Result<ExitCode> diff_files(Session& session, const std::vector<std::string>& paths, const ApplyOptions& options) {
  const std::vector<Item> items = TRY(read_items(session, paths, options.apply_set));
  bool different = false;
  const ExitCode code = TRY(for_each(session, items, [&](const Item& item) {
    auto result = diff_item(session, item, options);
    different = different || (result.ok() && *result);
    return result;
  }));
  return code == ExitCode::kOk && different ? ExitCode::kDifferent : code;
}

Result<ExitCode> delete_files(Session& session, const std::vector<std::string>& paths) {
  std::vector<Item> items = TRY(read_items(session, paths, ""));
  std::reverse(items.begin(), items.end());
  return for_each(session, items, [&](const Item& item) { return delete_item(session, item); });
}

}  // namespace novacron::host::cli
