#include "host/plugin/manifest.h"

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "host/bus/subject.h"
#include "host/plugin/core_services.h"
#include "host/sandbox/reach.h"
#include "sdk/abi/novacron/plugin.h"

namespace novacron::host::plugin {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 16;
constexpr size_t kMaxTextBytes = 1'024;
constexpr size_t kMaxItems = 1'024;  ///< of a list
constexpr size_t kMaxFaults = 20;    ///< that are told at once
constexpr size_t kMaxLabelBytes = 63;
constexpr uint64_t kMinMemoryBytes = 16 << 20;  ///< less holds no process
constexpr uint32_t kAbiMajor = NC_ABI_MAJOR;

bool is_lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// RFC 1123.
bool is_label(std::string_view text) {
  if (text.empty() || text.size() > kMaxLabelBytes) return false;
  if (text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

/// "novacron.compute.v1": what protobuf takes for a full name.
bool is_full_name(std::string_view text) {
  bool at_start = true;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (c == '.' ? at_start : !(letter || (!at_start && c >= '0' && c <= '9'))) return false;
    at_start = c == '.';
  }
  return !at_start && text.size() <= kMaxTextBytes;
}

/// A file of the package's own folder.
bool is_file_name(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text.front() != '.' && text.find('/') == std::string_view::npos &&
         text.find('\0') == std::string_view::npos;
}

/// Reads a document and gathers all that is wrong with it, by path.
class Reader final {
 public:
  void fault(const std::string& path, std::string message) {
    if (faults_.size() < kMaxFaults) faults_.push_back({path, std::move(message)});
  }
  std::vector<FieldViolation> take_faults() { return std::move(faults_); }
  bool sound() const { return faults_.empty(); }

  /// Unknown keys are faults; false: not an object.
  bool object(const json& value, const std::string& path, std::initializer_list<std::string_view> known) {
    if (!value.is_object()) return fault(path, "must be an object"), false;
    for (const auto& [key, unused] : value.items()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) fault(join(path, key), "is not known");
    }
    return true;
  }

  /// Null, with a fault, where it is not there.
  const json* required(const json& object, const std::string& path, const char* key) {
    const auto found = object.find(key);
    if (found != object.end()) return &*found;
    fault(join(path, key), "is required");
    return nullptr;
  }

  std::string text(const json& value, const std::string& path) {
    if (!value.is_string()) return fault(path, "must be a string"), "";
    auto text = value.get<std::string>();
    if (text.size() > kMaxTextBytes) return fault(path, "has more than 1,024 bytes"), "";
    return text;
  }

  template <class Check>
  std::string text(const json& value, const std::string& path, Check&& check, std::string_view rule) {
    const size_t before = faults_.size();
    std::string read = text(value, path);
    if (faults_.size() == before && !check(read)) fault(path, "must be " + std::string(rule));
    return read;
  }

  std::string required_text(const json& object, const char* key) {
    const json* value = required(object, "", key);
    return value ? text(
                       *value, key, [](const std::string& t) { return !t.empty(); }, "not empty")
                 : "";
  }

  template <class Check>
  std::string required_text(const json& object, const std::string& path, const char* key, Check&& check,
                            std::string_view rule) {
    const json* value = required(object, path, key);
    return value ? text(*value, join(path, key), std::forward<Check>(check), rule) : "";
  }

  /// `each(item, path)` for each item; an absent list is empty.
  template <class Each>
  void list(const json& object, const std::string& path, const char* key, Each&& each) {
    const auto found = object.find(key);
    if (found == object.end()) return;
    const std::string here = join(path, key);
    if (!found->is_array()) return fault(here, "must be a list");
    if (found->size() > kMaxItems) return fault(here, "has more than 1,024 items");
    for (size_t i = 0; i < found->size(); ++i) each((*found)[i], here + '[' + std::to_string(i) + ']');
  }

  template <class Check>
  std::vector<std::string> texts(const json& object, const std::string& path, const char* key, Check&& check,
                                 std::string_view rule) {
    std::vector<std::string> read;
    list(object, path, key, [&](const json& item, const std::string& where) {
      std::string one = text(item, where, check, rule);
      if (std::find(read.begin(), read.end(), one) != read.end()) fault(where, "is there twice");
      read.push_back(std::move(one));
    });
    return read;
  }

  uint32_t number(const json& object, const std::string& path, const char* key) {
    const json* value = required(object, path, key);
    if (!value) return 0;
    if (value->is_number_unsigned() && value->get<uint64_t>() <= UINT32_MAX) return value->get<uint32_t>();
    fault(join(path, key), "must be a number from 0 to 4294967295");
    return 0;
  }

  template <class Value>
  Value choice(const json& object, const char* key, std::initializer_list<std::pair<std::string_view, Value>> values) {
    const json* value = required(object, "", key);
    if (!value) return {};
    std::string rule;
    for (const auto& [name, meaning] : values) {
      if (value->is_string() && value->get_ref<const std::string&>() == name) return meaning;
      rule += (rule.empty() ? "" : " or ") + std::string(name);
    }
    fault(key, "must be " + rule);
    return {};
  }

  static std::string join(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + '.' + key;
  }

 private:
  std::vector<FieldViolation> faults_;
};

bool is_service(const std::string& name) {
  return is_full_name(name) && !is_host_service(name);
}
constexpr std::string_view kServiceRule =
    "a service's full name, not one of novacron.core but novacron.core.v1.Admission";

std::vector<Provided> read_provides(Reader& reader, const json& root) {
  std::vector<Provided> provides;
  reader.list(root, "", "provides", [&](const json& item, const std::string& path) {
    if (!reader.object(item, path, {"contract", "version"})) return;
    Provided provided;
    provided.contract = reader.required_text(item, path, "contract", is_full_name, "a package's full name");
    const json* version = reader.required(item, path, "version");
    if (version) {
      auto parsed = Version::parse(reader.text(*version, path + ".version"));
      if (parsed.ok())
        provided.version = std::move(parsed).value();
      else
        reader.fault(path + ".version", parsed.error().message);
    }
    provides.push_back(std::move(provided));
  });
  return provides;
}

std::vector<Required> read_requires(Reader& reader, const json& root) {
  std::vector<Required> required;
  reader.list(root, "", "requires", [&](const json& item, const std::string& path) {
    if (!reader.object(item, path, {"contract", "version"})) return;
    Required one;
    one.contract = reader.required_text(item, path, "contract", is_full_name, "a package's full name");
    const json* range = reader.required(item, path, "version");
    if (range) {
      auto parsed = VersionRange::parse(reader.text(*range, path + ".version"));
      if (parsed.ok())
        one.range = std::move(parsed).value();
      else
        reader.fault(path + ".version", parsed.error().message);
    }
    required.push_back(std::move(one));
  });
  return required;
}

bool is_not_empty(const std::string& text) {
  return !text.empty();
}
bool is_pattern(const std::string& text) {
  return bus::check_pattern(text).ok();
}
bool is_granted_path(const std::string& text) {
  return (text.starts_with("ro:/") || text.starts_with("rw:/")) && text.find("/../") == std::string::npos;
}
bool is_device(const std::string& text) {
  return text.starts_with("/dev/") && text.find("..") == std::string::npos;
}
bool is_network(const std::string& text) {
  return text == "none" || text == "all" || sandbox::Reach::parse(text).ok();
}

void read_amounts(Reader& reader, const json& found, const std::string& path, KernelPermissions& kernel) {
  if (const auto memory = found.find("memory_bytes"); memory != found.end()) {
    const bool sound = memory->is_number_unsigned() && memory->get<uint64_t>() >= kMinMemoryBytes;
    if (!sound) return reader.fault(path + ".memory_bytes", "must be a number of bytes, at least 16 MiB");
    kernel.memory_bytes = memory->get<uint64_t>();
  }
  if (found.contains("threads")) kernel.threads = reader.number(found, path, "threads");
  if (found.contains("cpu_percent")) kernel.cpu_percent = reader.number(found, path, "cpu_percent");
}

Permissions read_permissions(Reader& reader, const json& root) {
  Permissions permissions;
  const std::string path = "permissions";
  const json* found = reader.required(root, "", "permissions");
  if (!found || !reader.object(*found, path,
                               {"call", "state", "publish", "subscribe", "resources", "blobs", "network", "paths",
                                "devices", "memory_bytes", "threads", "cpu_percent"})) {
    return permissions;
  }
  auth::Grant& grant = permissions.grant;
  grant.call = reader.texts(*found, path, "call", is_full_name, "a service's full name");
  grant.state = reader.texts(*found, path, "state", is_not_empty, "not empty");
  grant.publish = reader.texts(*found, path, "publish", is_pattern, "a pattern of subjects");
  grant.subscribe = reader.texts(*found, path, "subscribe", is_pattern, "a pattern of subjects");
  reader.list(*found, path, "resources", [&](const json& item, const std::string& where) {
    if (!reader.object(item, where, {"kind", "verbs"})) return;
    auth::Grant::ResourceRule rule;
    rule.kind = reader.required_text(item, where, "kind", is_not_empty, "not empty");
    rule.verbs = reader.texts(item, where, "verbs", is_not_empty, "not empty");
    if (rule.verbs.empty()) reader.fault(where + ".verbs", "is required");
    grant.resources.push_back(std::move(rule));
  });
  if (const auto blobs = found->find("blobs"); blobs != found->end()) {
    if (blobs->is_boolean())
      grant.blobs = blobs->get<bool>();
    else
      reader.fault("permissions.blobs", "must be true or false");
  }
  if (const auto network = found->find("network"); network != found->end()) {
    permissions.kernel.network = reader.text(*network, "permissions.network", is_network,
                                             "none, all, or places with commas: loopback, host:port");
  }
  permissions.kernel.paths = reader.texts(*found, path, "paths", is_granted_path, "ro:/path or rw:/path");
  permissions.kernel.devices = reader.texts(*found, path, "devices", is_device, "a path below /dev");
  read_amounts(reader, *found, path, permissions.kernel);
  return permissions;
}

void read_abi(Reader& reader, const json& root, Manifest& manifest) {
  const json* abi = reader.required(root, "", "abi");
  if (!abi || !reader.object(*abi, "abi", {"major", "minor"})) return;
  manifest.abi_major = reader.number(*abi, "abi", "major");
  manifest.abi_minor = reader.number(*abi, "abi", "minor");
  if (reader.sound() && manifest.abi_major != kAbiMajor) {
    reader.fault("abi.major", "must be 1, the only one that this host has");
  } else if (reader.sound() && manifest.abi_minor > NC_ABI_MINOR) {
    reader.fault("abi.minor", "must be at most " + std::to_string(NC_ABI_MINOR) +
                                  ", this host's; take a newer host or an older version of the plugin");
  }
}

Manifest read_manifest(Reader& reader, const json& root) {
  Manifest manifest;
  manifest.id = reader.required_text(root, "", "id", is_label, "1 to 63 lower-case letters, digits and dashes");
  if (const json* version = reader.required(root, "", "version")) {
    auto parsed = Version::parse(reader.text(*version, "version"));
    if (parsed.ok())
      manifest.version = std::move(parsed).value();
    else
      reader.fault("version", parsed.error().message);
  }
  manifest.vendor = reader.required_text(root, "vendor");
  manifest.summary = reader.required_text(root, "summary");
  manifest.license = reader.required_text(root, "license");
  read_abi(reader, root, manifest);
  manifest.library = reader.required_text(root, "", "library", is_file_name, "the name of a file in the package");
  manifest.contracts = reader.required_text(root, "", "contracts", is_file_name, "the name of a file in the package");
  manifest.provides = read_provides(reader, root);
  manifest.required = read_requires(reader, root);
  manifest.services = reader.texts(root, "", "services", is_service, kServiceRule);
  manifest.scope = reader.choice<PluginScope>(
      root, "scope", {{"every-node", PluginScope::kEveryNode}, {"singleton", PluginScope::kSingleton}});
  manifest.placement = reader.choice<Placement>(root, "placement",
                                                {{"inline", Placement::kInline}, {"sandboxed", Placement::kSandboxed}});
  if (const auto config = root.find("config"); config != root.end()) {
    manifest.config = reader.text(*config, "config", is_full_name, "a message's full name");
  }
  manifest.permissions = read_permissions(reader, root);
  manifest.permissions.grant.plugin = manifest.id;
  return manifest;
}

Error refused(std::vector<FieldViolation> faults) {
  std::string message = "plugin.json is not sound:";
  for (const auto& fault : faults) message += ' ' + fault.path + ' ' + fault.message + ';';
  message.pop_back();
  Error error{Code::kInvalidArgument, std::move(message), "plugin.manifest"};
  error.fields = std::move(faults);
  return error;
}

/// Objects deeper than kMaxDepth and keys that are there twice are refused while the text is read.
Result<json> parse_json(std::string_view text) {
  std::optional<FieldViolation> fault;
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (depth > kMaxDepth && !fault) fault = FieldViolation{"", "is nested deeper than 16 levels"};
    if (event == json::parse_event_t::key && !fault && !keys.back().insert(parsed.get<std::string>()).second) {
      fault = FieldViolation{parsed.get<std::string>(), "is there twice"};
    }
    return !fault;
  };
  try {
    json root = json::parse(text, watch);
    if (fault) return refused({*fault});
    return root;
  } catch (const json::exception& thrown) {
    return refused({{"", std::string("is no JSON: ") + thrown.what()}});
  }
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text) {
  if (text.size() > kMaxManifestBytes) {
    return Error{Code::kResourceExhausted, "plugin.json has more than 256 KiB", "plugin.manifest-too-large"};
  }
  const json root = TRY(parse_json(text));
  Reader reader;
  Manifest manifest;
  if (reader.object(root, "",
                    {"id", "version", "vendor", "summary", "license", "abi", "library", "contracts", "provides",
                     "requires", "services", "scope", "placement", "config", "permissions"})) {
    manifest = read_manifest(reader, root);
  }
  if (!reader.sound()) return refused(reader.take_faults());
  return manifest;
}

}  // namespace novacron::host::plugin
