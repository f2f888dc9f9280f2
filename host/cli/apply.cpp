#include "host/cli/apply.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/cli/documents.h"
#include "host/cli/line_diff.h"
#include "host/cli/objects.h"
#include "host/cli/text.h"

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
  for (const char* field : {"uid", "tenant", "generation", "revision", "created_at", "deleted_at"}) {
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

/// All of them are read before anything is sent.
Result<std::vector<Item>> read_items(Session& session, const std::vector<std::string>& paths) {
  std::vector<Item> items;
  for (const std::string& path : paths) {
    std::vector<json> documents = TRY(read_documents(session.environment(), path));
    for (json& document : documents) {
      auto item = read_item_of(session, std::move(document));
      if (!item.ok()) return wrap(item.error(), path);
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

json patch_of(const Item& item) {
  json patch = item.object;
  patch.erase("kind");
  patch["metadata"].erase("name");
  return patch;
}

Result<ExitCode> apply_item(Session& session, const Item& item) {
  auto live = get_object(session, *item.kind, item.name);
  if (!live.ok() && live.code() != Code::kNotFound) return live.error();
  if (!live.ok()) {
    json created = TRY(create_object(session, *item.kind, item.object));
    return report_change(session, *item.kind, std::move(created), "created", WaitByDefault::kNo);
  }
  json next = TRY(patch_object(session, *item.kind, item.name, patch_of(item), Effect::kCheck));
  if (wanted_part(next) == wanted_part(*live)) {
    return report_change(session, *item.kind, *std::move(live), "unchanged", WaitByDefault::kNo);
  }
  json changed = TRY(patch_object(session, *item.kind, item.name, patch_of(item)));
  return report_change(session, *item.kind, std::move(changed), "changed", WaitByDefault::kNo);
}

Result<bool> diff_item(Session& session, const Item& item) {
  auto live = get_object(session, *item.kind, item.name);
  if (!live.ok() && live.code() != Code::kNotFound) return live.error();
  const std::string before = live.ok() ? render_value(wanted_part(*live), Format::kYaml) : "";
  json next = live.ok() ? TRY(patch_object(session, *item.kind, item.name, patch_of(item), Effect::kCheck))
                        : TRY(create_object(session, *item.kind, item.object, Effect::kCheck));
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

Result<ExitCode> apply_files(Session& session, const std::vector<std::string>& paths) {
  const std::vector<Item> items = TRY(read_items(session, paths));
  return for_each(session, items, [&](const Item& item) { return apply_item(session, item); });
}

Result<ExitCode> diff_files(Session& session, const std::vector<std::string>& paths) {
  const std::vector<Item> items = TRY(read_items(session, paths));
  bool different = false;
  const ExitCode code = TRY(for_each(session, items, [&](const Item& item) {
    auto result = diff_item(session, item);
    different = different || (result.ok() && *result);
    return result;
  }));
  return code == ExitCode::kOk && different ? ExitCode::kDifferent : code;
}

Result<ExitCode> delete_files(Session& session, const std::vector<std::string>& paths) {
  std::vector<Item> items = TRY(read_items(session, paths));
  std::reverse(items.begin(), items.end());
  return for_each(session, items, [&](const Item& item) { return delete_item(session, item); });
}

}  // namespace novacron::host::cli
