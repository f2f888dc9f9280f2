#include "host/cli/edit.h"

#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "host/base/fd.h"
#include "host/base/file.h"
#include "host/cli/documents.h"
#include "host/cli/flag_value.h"
#include "host/cli/nouns.h"
#include "host/cli/objects.h"
#include "host/cli/yaml.h"

namespace novacron::host::cli {
namespace {

using contract::Cardinality;
using contract::FieldType;
using contract::Kind;
using contract::Unit;
using nlohmann::json;

constexpr int kMaxConflicts = 5;
constexpr size_t kMaxExampleFlags = 3;

/// `KEY=` removes the key from an object that exists.
Status apply_pairs(const std::vector<std::string>& pairs, const std::string& flag, json& map) {
  for (const std::string& text : pairs) {
    auto pair = parse_pair(text);
    if (!pair.ok()) return wrap(pair.error(), flag);
    if (pair->second.empty()) {
      if (map.is_object()) map.erase(pair->first);
    } else {
      map[pair->first] = pair->second;
    }
  }
  return {};
}

Status apply_all(Session& session, const std::vector<Flag>& flags, const Arguments& arguments, json& object) {
  const auto read_file = [&](const std::string& path) { return read_flag_file(session, path); };
  json spec = value_at(object, "spec");
  if (!spec.is_object()) spec = json::object();
  TRY_STATUS(apply_flags(flags, arguments, 1, read_file, spec));
  object["spec"] = std::move(spec);
  for (const auto& [flag, field] : {std::pair{"--label", "labels"}, std::pair{"--annotation", "annotations"}}) {
    if (arguments.has(flag)) TRY_STATUS(apply_pairs(arguments.all(flag), flag, object["metadata"][field]));
  }
  return {};
}

bool has_changes(const std::vector<Flag>& flags, const Arguments& arguments) {
  if (arguments.has("--label") || arguments.has("--annotation")) return true;
  for (const Flag& flag : flags) {
    if (arguments.has(flag.name)) return true;
  }
  return false;
}

Result<ExitCode> edit_by_flags(Session& session, const Kind& kind, const std::vector<Flag>& flags,
                               const Arguments& arguments) {
  for (int attempt = 0;; ++attempt) {
    json object = TRY(get_object(session, kind, arguments.at(0)));
    TRY_STATUS(apply_all(session, flags, arguments, object));
    auto changed = replace_object(session, kind, object);
    const bool conflict = changed.code() == Code::kAborted || changed.code() == Code::kFailedPrecondition;
    if (!changed.ok() && conflict && attempt + 1 < kMaxConflicts) continue;
    if (!changed.ok()) return changed.error();
    return report_change(session, kind, *std::move(changed), "changed", WaitByDefault::kNo);
  }
}

/// A private file that is gone when this is.
class ScratchFile {
 public:
  static Result<ScratchFile> create(const std::string& folder, const std::string& text) {
    std::string path = (folder.empty() ? "/tmp" : folder) + "/novacron-XXXXXX.yaml";
    const Fd fd(::mkstemps(path.data(), 5));
    if (!fd) return errno_error("make " + path, errno);
    ScratchFile file(path);
    TRY_STATUS(write_file(path, text, 0600));
    return file;
  }
  ScratchFile(ScratchFile&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ScratchFile& operator=(ScratchFile&&) = delete;
  ~ScratchFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::string editable(const Kind& kind, const json& object) {
  json shown = object;
  shown.erase("status");
  return "# " + kind.id + ". Save to apply; leave it as it is to change nothing. The status is the host's.\n" +
         to_yaml(shown);
}

/// The edited object with the identity of the one that was read.
Result<json> read_edited(const std::string& path, const json& before) {
  const std::string text = TRY(read_file(path, kMaxFlagFileBytes));
  std::vector<json> documents = TRY(parse_yaml(text));
  if (documents.size() != 1 || !documents[0].is_object()) {
    return Error{Code::kInvalidArgument, "the edited text is not one object: nothing was changed", "cli.yaml"};
  }
  json edited = std::move(documents[0]);
  if (!edited["metadata"].is_object()) edited["metadata"] = json::object();
  for (const char* field : {"name", "uid", "generation"}) edited["metadata"][field] = before["metadata"][field];
  return edited;
}

Result<ExitCode> edit_by_editor(Session& session, const Kind& kind, const std::string& name) {
  if (!session.environment().in_is_terminal) {
    return usage_error("an editor needs a terminal: say what to change by flags (see --help), or use `novacron patch`");
  }
  json object = TRY(get_object(session, kind, name));
  object.erase("status");
  object["metadata"].erase("managed_fields");
  const ScratchFile file = TRY(ScratchFile::create(session.environment().variable("TMPDIR"), editable(kind, object)));
  while (true) {
    TRY_STATUS(session.environment().edit_file(file.path()));
    const json edited = TRY(read_edited(file.path(), object));
    if (edited == object) {
      session.say(display_name(kind, name) + " unchanged");
      return ExitCode::kOk;
    }
    auto changed = replace_object(session, kind, edited);
    if (changed.ok()) return report_change(session, kind, *std::move(changed), "changed", WaitByDefault::kNo);
    if (changed.code() != Code::kInvalidArgument) return changed.error();
    session.warn(changed.error().message);
    for (const auto& field : changed.error().fields) session.warn("  " + field.path + ": " + field.message);
    TRY_STATUS(session.confirm("Edit again?"));
  }
}

std::string example_value(const contract::Field& field) {
  if (field.unit == Unit::kBytes) return "1GiB";
  if (field.unit == Unit::kDuration) return "30s";
  if (field.cardinality == Cardinality::kMap) return "key=value";
  if (field.type == FieldType::kEnum) return field.enumeration->values.back().name;
  if (contract::is_free_form(field.type)) return field.type == FieldType::kListValue ? "'[1]'" : "'{}'";
  if (field.type == FieldType::kMessage)
    return field.message->fields.empty() ? "" : field.message->fields[0].name + "=one";
  return field.type == FieldType::kString || field.type == FieldType::kBytes ? "text" : "2";
}

}  // namespace

Result<json> object_from_flags(Session& session, const Kind& kind, const std::vector<Flag>& flags,
                               const Arguments& arguments) {
  json object = json::object();
  if (arguments.has("--from-file")) {
    std::vector<json> documents = TRY(read_documents(session.environment(), arguments.get("--from-file")));
    if (documents.size() != 1) return usage_error("--from-file has to hold one object");
    object = std::move(documents[0]);
    const std::string given = text_at(object, "kind");
    if (!given.empty() && given != kind.id && given != kind.name) {
      return usage_error("--from-file holds a " + given + ", not a " + kind.id);
    }
  }
  object["kind"] = kind.id;
  object.erase("status");
  object["metadata"]["name"] = arguments.at(0);
  TRY_STATUS(apply_all(session, flags, arguments, object));
  return object;
}

Result<ExitCode> edit_object(Session& session, const Kind& kind, const std::vector<Flag>& flags,
                             const Arguments& arguments) {
  if (has_changes(flags, arguments)) return edit_by_flags(session, kind, flags, arguments);
  return edit_by_editor(session, kind, arguments.at(0));
}

std::string example_of(const Kind&, const std::vector<Flag>& flags, const std::string& command) {
  std::string line = "novacron " + command + " one";
  size_t shown = 0;
  for (const Flag& flag : flags) {
    if (flag.field->cli.flag.empty() || shown == kMaxExampleFlags || flag.field->blob) continue;
    ++shown;
    line += " " + flag.name;
    if (flag.field->type != FieldType::kBool) line += " " + example_value(*flag.field);
  }
  return line;
}

}  // namespace novacron::host::cli
