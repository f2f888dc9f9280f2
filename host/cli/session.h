// One run of the CLI: what was asked for everywhere, the connection to the host, and how results are told.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "host/base/result.h"
#include "host/cli/client.h"
#include "host/cli/command.h"
#include "host/cli/environment.h"
#include "host/cli/object_view.h"
#include "host/cli/target.h"
#include "host/contract/schema.h"

namespace novacron::host::cli {

inline constexpr uint64_t kDefaultWaitMs = 300'000;

/// The flags of every command.
std::vector<OptionSpec> global_options();

struct Globals {
  std::optional<Format> format;  ///< if it was asked for
  std::string selector;
  bool quiet = false;
  bool yes = false;
  bool dry_run = false;
  bool watch = false;
  std::optional<bool> wait;  ///< --wait, --no-wait
  std::optional<uint64_t> timeout_ms;

  static Result<Globals> read(const Arguments& options);
};

enum class SchemaUse {
  kFresh,   ///< what the host serves now
  kHelp,    ///< if the host does not answer soon: what it served last; if it never did: the host's own kinds
  kCached,  ///< what it served last, without asking; if it never did, as kHelp
};

class Session {
 public:
  Session(Environment& environment, Arguments options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Environment& environment() { return environment_; }
  /// Takes the whole command line; before this, globals() are the defaults.
  Status read_globals(Arguments options);
  const Globals& globals() const { return globals_; }

  Result<const Target*> target();
  Result<Client*> client();
  Result<const contract::Schema*> schema(SchemaUse use = SchemaUse::kFresh);
  /// By any of its nouns; an unknown one is a usage error with a suggestion.
  Result<const contract::Kind*> kind(const std::string& noun);

  /// "/v1/tenants/default/machines", "/v1/shelves"
  Result<std::string> collection(const contract::Kind& kind);
  Result<std::string> object_path(const contract::Kind& kind, const std::string& name);

  Format format() const { return globals_.format.value_or(Format::kTable); }
  uint64_t now_ns() const { return environment_.clock.real_ns(); }
  /// The wait of commands that wait: its end by the monotonic clock.
  uint64_t wait_deadline_ns() const;

  void print(const std::string& text);     ///< a result
  void say(const std::string& sentence);   ///< what has happened, unless --quiet
  void warn(const std::string& sentence);  ///< on standard error, whatever is asked for
  /// Replaces the line of progress on a terminal; "" removes it.
  void progress(const std::string& text);
  /// Asks on the terminal; without one, an error that names --yes.
  Status confirm(const std::string& question);

 private:
  Result<std::shared_ptr<const contract::Schema>> fetch_schema(SchemaUse use);
  std::shared_ptr<const contract::Schema> cached_schema();

  Environment& environment_;
  Arguments options_;
  Globals globals_;
  std::optional<Target> target_;
  std::unique_ptr<Client> client_;
  std::shared_ptr<const contract::Schema> schema_;
  bool progress_shown_ = false;
};

}  // namespace novacron::host::cli
