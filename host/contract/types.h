// What a contract says, as plain data: messages with their fields and options, kinds with their verbs, services with
// their methods. Derived from descriptors by Schema and owned by it; immutable, so safe on any thread while the Schema
// lives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
class Message;
}  // namespace google::protobuf
namespace re2 {
class RE2;
}

namespace novacron::host::contract {

class Condition;
struct MessageType;

enum class Scope { kTenant, kHost };
enum class Unit { kNone, kBytes, kDuration, kCpu };
enum class FieldType {
  kBool,
  kInt32,
  kUint32,
  kInt64,
  kUint64,
  kFloat,
  kDouble,
  kString,
  kBytes,
  kEnum,
  kNull,       ///< google.protobuf.NullValue. JSON: null
  kTimestamp,  ///< JSON: RFC 3339
  kDuration,   ///< JSON: "1.5s"
  kFieldMask,  ///< JSON: "spec.arms,metadata.labels"
  kWrapper,    ///< google.protobuf.StringValue and so on. JSON: its value; absent differs from zero
  kStruct,     ///< google.protobuf.Struct. JSON: any object
  kValue,      ///< google.protobuf.Value. JSON: anything, null too
  kListValue,  ///< google.protobuf.ListValue. JSON: any list
  kAny,        ///< google.protobuf.Any. JSON: the message's own, with its type as "@type"
  kMessage,
};
/// Free-form JSON: one value for whoever owns, masks or compares fields, however much is in it.
constexpr bool is_free_form(FieldType type) {
  return type >= FieldType::kStruct && type <= FieldType::kAny;
}
enum class Cardinality { kSingle, kRepeated, kMap };

struct EnumValue {
  std::string name;       ///< as written in JSON: "HAPPY"
  std::string full_name;  ///< "MOOD_RUNNING"; accepted too
  int32_t number = 0;
};

struct EnumType {
  std::string full_name;
  std::vector<EnumValue> values;
};

struct Rules {
  bool required = false;
  bool immutable = false;
  std::optional<int64_t> min;
  std::optional<int64_t> max;
  uint32_t min_length = 0;
  uint32_t max_length = 0;                  ///< 0: no limit of its own
  std::string pattern;                      ///< RE2, the whole value; empty: any
  std::shared_ptr<const re2::RE2> matcher;  ///< of `pattern`
  std::string default_json;                 ///< empty: none
};

struct CliHints {
  std::string flag;         ///< "--cpu"; empty: derived from the path
  std::string short_flag;   ///< "-c"
  uint32_t positional = 0;  ///< 1: the first argument after the name
  std::string column;       ///< heading in lists; empty: no column
  bool wide = false;
  bool hidden = false;
  std::string summary;
};

enum class OnDelete { kRestrict, kOrphan, kCascade };
struct Reference {
  std::string kind;  ///< "shop/Station"
  Scope scope = Scope::kTenant;
  OnDelete on_delete = OnDelete::kRestrict;
};

struct Field {
  std::string name;
  int32_t number = 0;
  FieldType type = FieldType::kString;  ///< of one item; of the value for a map
  Cardinality cardinality = Cardinality::kSingle;
  FieldType map_key = FieldType::kString;  ///< for a map
  bool has_presence = false;               ///< absent differs from zero
  std::string oneof;                       ///< name of its oneof; empty: in none
  const MessageType* message = nullptr;    ///< for kMessage
  const MessageType* special = nullptr;    ///< for the other types that are messages: kTimestamp to kAny
  const EnumType* enumeration = nullptr;   ///< for kEnum
  Unit unit = Unit::kNone;
  Rules rules;
  CliHints cli;
  std::optional<Reference> ref;
  std::vector<std::string> list_keys;  ///< items are found by these fields; empty: the list is atomic
  bool secret = false;
  bool blob = false;
  std::string renamed_from;  ///< its name in the version before; empty: the same
  const google::protobuf::FieldDescriptor* descriptor = nullptr;
};

/// Finds the types that an Any may hold.
class TypeFinder {
 public:
  virtual ~TypeFinder() = default;
  /// Null: there is no such type.
  virtual const MessageType* find_type(std::string_view full_name) const = 0;
};

struct MessageType {
  std::string full_name;
  FieldType json = FieldType::kMessage;  ///< how JSON writes it: kMessage, or kTimestamp to kAny
  const TypeFinder* types = nullptr;     ///< of its schema
  bool has_secrets = false;              ///< it, or a message within it, has a secret field
  std::vector<Field> fields;             ///< in the order of the .proto
  const google::protobuf::Descriptor* descriptor = nullptr;
  const google::protobuf::Message* prototype = nullptr;

  const Field* find(std::string_view name) const;
};

/// That something goes away. In seconds since 1970-01-01 UTC.
struct Deprecation {
  int64_t since_s = 0;
  int64_t sunset_s = 0;  ///< from when on it may be gone; 0: not decided yet
  std::string instead;   ///< what to use, for people
};

struct PatchVerb {
  std::string name;
  std::string patch;  ///< a JSON merge patch of the whole object
  std::string summary;
  std::shared_ptr<const Condition> ready_when;  ///< null: the kind's
};

enum class ActionStream { kNone, kTty, kBytes, kUpload, kDownload };

struct Method {
  std::string name;
  const MessageType* request = nullptr;
  const MessageType* reply = nullptr;
  uint32_t flags = 0;       ///< NC_METHOD_*
  uint64_t timeout_ms = 0;  ///< 0: the host's default
};

struct Service {
  std::string full_name;  ///< "shop.v1.RobotActions"
  std::vector<Method> methods;

  const Method* find(std::string_view name) const;
};

/// A method that is a verb of a kind.
struct Action {
  std::string verb;
  std::string summary;
  ActionStream stream = ActionStream::kNone;
  bool read_only = false;
  std::optional<Deprecation> deprecated;
  std::string service;
  Method method;
};

struct Column {
  std::string heading;
  std::string path;  ///< "status.phase"
  bool wide = false;
  const Field* field = nullptr;
};

struct Kind {
  std::string group;    ///< "novacron.core": the package without its version
  std::string name;     ///< "Node"
  std::string id;       ///< "novacron.core/Node"
  std::string package;  ///< "novacron.core.v1"
  std::string version;  ///< "v1"
  std::string plural;
  std::string segment;                   ///< of its REST path: the plural, or "plural.group" when the plural was taken
  std::vector<std::string> short_names;  ///< those that no kind installed earlier has
  std::string summary;
  Scope scope = Scope::kTenant;
  bool confirm_delete = false;
  std::optional<Deprecation> deprecated;
  const MessageType* message = nullptr;
  const MessageType* spec = nullptr;
  const MessageType* status = nullptr;           ///< null: the kind has no status
  std::shared_ptr<const Condition> ready_when;   ///< null: ready when observed
  std::shared_ptr<const Condition> failed_when;  ///< null: never
  bool has_observed_generation = false;          ///< status.observed_generation is there
  std::vector<PatchVerb> verbs;
  std::vector<Action> actions;
  std::vector<Column> columns;
  std::string converts_from;  ///< the package of the version before; empty: there is none
  /// The versions before it that are installed, newest first. Their messages are names for the same bytes.
  std::vector<Kind> older;

  /// "v1": this one or an older one; null: unknown.
  const Kind* find_version(std::string_view wanted) const;
  const PatchVerb* find_verb(std::string_view verb) const;
  const Action* find_action(std::string_view verb) const;
};

}  // namespace novacron::host::contract
