// Resources: every object of every kind, over the state engine. What REST, plugins and the host's own controllers do to
// objects, they do here.
//
// Each call authorizes, fills in defaults, validates, and commits the object, its indexes, its audit record and its
// idempotency record in one transaction. Calls block up to their deadline, so they belong on worker threads; the store
// is safe on any number of them at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "host/auth/context.h"
#include "host/base/clock.h"
#include "host/base/random.h"
#include "host/base/result.h"
#include "host/resource/object.h"

namespace novacron::host::state {
class Engine;
}

namespace novacron::host::plugin {
class Caller;
}

namespace novacron::host::resource {

class Controllers;

inline constexpr size_t kMaxResourceBytes = 256 * 1024;  ///< metadata, spec and status together
inline constexpr size_t kMaxNameBytes = 63;
inline constexpr size_t kDefaultPageSize = 500;
inline constexpr size_t kMaxPageSize = 1'000;
inline constexpr size_t kMaxScannedObjects = 20'000;  ///< for one page: with a selector that few match, or an order
inline constexpr size_t kMaxWatchers = 2'000;
inline constexpr size_t kMaxWatchQueue = 1'024;  ///< events that wait for one watcher
inline constexpr size_t kMaxWriteAttempts = 16;  ///< of a write without a precondition, against others
inline constexpr uint64_t kDefaultTimeoutNs = 30'000'000'000;
inline constexpr uint64_t kIdempotencyLifetimeNs = 24ull * 3'600 * 1'000'000'000;
inline constexpr uint64_t kOperationLifetimeNs = 24ull * 3'600 * 1'000'000'000;  ///< after its end
inline constexpr uint64_t kAuditLifetimeNs = 90 * 24ull * 3'600 * 1'000'000'000;

/// HTTP's Idempotency-Key: a repeated request gets what the first one did.
struct Idempotency {
  std::string key;
  std::string method;
  std::string path;
  std::string body;  ///< hashed; the same key with another body is refused
};

enum class Effect { kCommit, kDryRun };

/// What an apply does about fields that another manager decides: refuse, or take them over.
enum class Conflicts { kRefuse, kTakeOver };

struct WriteOptions {
  std::string if_match = {};            ///< "<uid>-<revision>" or "<uid>-g<generation>"; empty: whatever it is
  uint64_t expected_spec_revision = 0;  ///< 0: whatever it is
  Effect effect = Effect::kCommit;
  std::optional<Idempotency> idempotency = {};
  std::string update_mask =
      {};                    ///< of replace(): a contract::FieldMask, the others stay as they are; empty: replace all
  std::string version = {};  ///< of the kind, by whose names the body and the result are, "v1"; empty: the newest
  uint64_t timeout_ns = kDefaultTimeoutNs;
  /// Of what the host itself writes often, such as progress: no audit record.
  enum class Audit { kRecord, kSkip } audit = Audit::kRecord;
  uint64_t undoes = 0;  ///< the generation whose change this takes back; 0: none
};

/// One thing that a write would do or have done.
struct PlannedEffect {
  std::string subject;  ///< "shop/Robot/r1", "plugin x"
  std::string action;   ///< one word: create, update, delete, use, wait, admit, notify, …
  std::string text;     ///< for people
  std::string by = {};  ///< the plugin that says so; empty: the host
};

struct WriteResult {
  ObjectView object;
  /// Of the Operation that says when the write has taken effect: "<uid>-g<generation>"; "<uid>-deleted" for a deletion.
  std::string operation;
  bool changed = false;                     ///< false: it was like that already, nothing was written
  bool created = false;                     ///< it was not there before
  bool replayed = false;                    ///< the Idempotency-Key was seen before
  std::vector<PlannedEffect> effects = {};  ///< of a dry run
};

struct ListOptions {
  std::string kind = {};
  std::string tenant = {};          ///< empty: of all tenants that the caller may list
  std::string label_selector = {};  ///< "app=web,tier!=db,env in (a,b),!old"
  std::string field_selector = {};  ///< a contract::Condition: "spec.arms > 2 && status.phase == ACTIVE"
  std::string order_by = {};        ///< an Order: "metadata.created_at desc"; empty: by tenant and name
  size_t page_size = 0;             ///< 0: kDefaultPageSize; more than kMaxPageSize is refused
  std::string page_token = {};      ///< of the page before; the pages are all of one revision
  uint64_t at_revision = 0;         ///< 0: now. OUT_OF_RANGE "state.compacted" for what is no longer kept
  std::string version = {};         ///< of the kind, by whose names selectors, order and objects are; empty: the newest
};

struct ListPage {
  std::vector<ObjectView> objects;
  std::string next_page_token;  ///< empty: the last page
  uint64_t revision = 0;        ///< watch after it
};

struct Removal {
  ObjectRef ref;
  std::optional<Error> error;  ///< why it is still there
  bool deleting = false;       ///< its finalizers are left
};

struct RemovalPage {
  std::vector<Removal> removals;
  std::string next_page_token;  ///< empty: there were no more
  uint64_t revision = 0;
};

struct WatchOptions {
  std::string kind = {};
  std::string tenant = {};  ///< empty: of all tenants that the caller may watch
  std::string label_selector = {};
  uint64_t after_revision = 0;      ///< 0: from now
  std::string field_selector = {};  ///< as of a list; what no longer fits is kDeleted, as it was before
  std::string version = {};         ///< as of a list
};

struct Event {
  enum class Type { kPut, kDeleted, kBookmark };
  Type type = Type::kPut;
  ObjectView object;  ///< kDeleted: what it was last; kBookmark: empty
  uint64_t revision = 0;
};

/// A running watch; destruction ends it. [any]
class Watch {
 public:
  virtual ~Watch() = default;
  /// At most `max` events that are there, in order; none: nothing new yet. After the last one, why the watch ended:
  /// OUT_OF_RANGE means list again ("state.compacted") or watch again after the last revision
  /// ("resource.watch-lagged").
  virtual Result<std::vector<Event>> take(size_t max) = 0;
  /// The same, but waits for something up to the deadline (monotonic); DEADLINE_EXCEEDED when nothing came.
  virtual Result<std::vector<Event>> wait(size_t max, uint64_t deadline_ns) = 0;
};

/// An entry of the task log.
struct Task {
  uint64_t time_ns = 0;
  std::string principal;
  std::vector<std::string> plugins;  ///< that it came through, oldest first
  std::string verb;
  ObjectRef object;
  std::string request_id;
  std::string operation;  ///< empty: none
  std::string outcome;    ///< DONE, STARTED, SUCCEEDED, FAILED, CANCELLED, REFUSED
  std::string reason;
  std::string message;
  std::string command;  ///< of the command line, that does the same; empty: there is none
};

/// What is empty may be anything.
struct TaskQuery {
  ObjectRef object = {};
  std::string principal = {};
  std::string verb = {};
  std::string outcome = {};  ///< REFUSED are only listed when asked for
  size_t limit = 100;        ///< at most kMaxPageSize
  std::string page_token = {};
};

struct TaskPage {
  std::vector<Task> tasks;  ///< the newest first
  std::string next_token;   ///< empty: there are no more
};

/// How long ended operations and the task log are kept.
struct Retention {
  uint64_t operations_ns = kOperationLifetimeNs;
  uint64_t operations_count = 10'000;
  uint64_t tasks_ns = kAuditLifetimeNs;
  uint64_t tasks_count = 50'000;
};

class Store {
 public:
  struct Options {
    state::Engine& engine;
    const auth::Authorizer& authorizer;
    const Clock& clock = system_clock();
    Random& random = system_random();
    Retention retention = {};
  };
  explicit Store(const Options& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Once, before anything else: loads the installed contracts, makes the default tenant.
  Status bootstrap();

  /// Once, before anybody but the host writes: has the plugins of the AdmissionHooks asked through `caller`, and in dry
  /// runs those that plan. It outlives the store's use. Without it nobody is asked.
  void admit_through(plugin::Caller& caller);

  /// Who acts on which kinds; whoever shows objects to users tells of it.
  Controllers& controllers();

  std::shared_ptr<const contract::Schema> schema() const;
  /// The kind of a name, plural or short name in the schema of now; NOT_FOUND "resource.unknown-kind".
  Result<std::string> kind_of(std::string_view noun) const;

  /// ALREADY_EXISTS "resource.exists"; INVALID_ARGUMENT "field.invalid" with every violation.
  /// `ref.name` may be empty when the body has it; where both are given they must agree, as for the tenant.
  Result<WriteResult> create(const auth::ContextPtr& context, const ObjectRef& ref, const Body& body,
                             const WriteOptions& options = {});
  /// NOT_FOUND "resource.not-found". `at_revision` 0: now. An Operation may be a computed one, "<uid>-g<generation>".
  Result<ObjectView> get(const auth::ContextPtr& context, const ObjectRef& ref, uint64_t at_revision = 0);
  /// RESOURCE_EXHAUSTED "resource.order-limit": more than kMaxScannedObjects would have to be put in order.
  Result<ListPage> list(const auth::ContextPtr& context, const ListOptions& options);
  /// `on_ready` is called on any thread when take() has something after it had nothing; it must not block or call the
  /// watch, and does not come any more once the watch is destroyed. RESOURCE_EXHAUSTED "resource.watchers" beyond
  /// kMaxWatchers.
  Result<std::unique_ptr<Watch>> watch(const auth::ContextPtr& context, const WatchOptions& options,
                                       std::function<void()> on_ready = {});
  /// What a watch with these options and without selectors tells: the kind's id, the tenant whose objects the caller
  /// sees, and as the revision that of now. Refuses what watch() refuses.
  Result<WatchOptions> watchable(const auth::ContextPtr& context, const WatchOptions& options) const;
  /// Replaces labels, annotations, owners and spec; finalizers stay. ABORTED "resource.conflict" when a precondition
  /// fails.
  Result<WriteResult> replace(const auth::ContextPtr& context, const ObjectRef& ref, const Body& body,
                              const WriteOptions& options = {});
  /// An RFC 7396 merge patch of the object's JSON, without its status.
  Result<WriteResult> patch(const auth::ContextPtr& context, const ObjectRef& ref, std::string_view patch,
                            const WriteOptions& options = {});
  /// An RFC 6902 patch of the object's JSON. Its status can be tested, not changed; a secret can be set, not read.
  /// FAILED_PRECONDITION "json.patch-test" when a test does not hold.
  Result<WriteResult> json_patch(const auth::ContextPtr& context, const ObjectRef& ref, std::string_view patch,
                                 const WriteOptions& options = {});
  /// Server-side apply: `text`, JSON, is all that `manager` decides about the object: its labels, annotations, owners
  /// and spec. Creates the object, or sets what the text has and removes what the manager applied before and the text
  /// no longer has, unless another manager has it too. ABORTED "apply.conflict" when it would change what another
  /// manager decides, field by field; Conflicts::kTakeOver makes it this one's. Fields that nobody applied are free.
  /// INVALID_ARGUMENT "apply.manager" for a manager that is not like the key of a label.
  Result<WriteResult> apply(const auth::ContextPtr& context, const ObjectRef& ref, const std::string& manager,
                            const std::string& text, Conflicts conflicts = Conflicts::kRefuse,
                            const WriteOptions& options = {});
  /// With finalizers left, the object stays with `deleted_at` until they are gone. FAILED_PRECONDITION
  /// "resource.referenced" when others refer to it and forbid it. Dependents go later, in the background.
  Result<WriteResult> remove(const auth::ContextPtr& context, const ObjectRef& ref, const WriteOptions& options = {});
  /// Deletes the objects of one page of list(), each as remove() does: what one of them refuses keeps none of the
  /// others.
  Result<RemovalPage> remove_listed(const auth::ContextPtr& context, const ListOptions& options,
                                    Effect effect = Effect::kCommit);
  /// Replaces the status alone. `expected_status_revision` 0: whatever it is.
  Result<WriteResult> update_status(const auth::ContextPtr& context, const ObjectRef& ref, std::string status,
                                    uint64_t expected_status_revision = 0, const WriteOptions& options = {});
  Result<WriteResult> update_finalizers(const auth::ContextPtr& context, const ObjectRef& ref,
                                        const std::vector<std::string>& add, const std::vector<std::string>& remove,
                                        const WriteOptions& options = {});

  /// The task log: what users and plugins changed. Needs "list" on novacron.core/Task of the tenant.
  Result<TaskPage> tasks(const auth::ContextPtr& context, TaskQuery query);
  /// Somebody known was refused a change. What cannot be stored is not reported: the refusal itself is what counts.
  void note_refusal(const auth::Context& context, std::string_view verb, const ObjectRef& ref, const Error& why);
  /// Records what somebody did who changed no object: `ref` says to what, without a name for the host itself.
  Status audit(const auth::ContextPtr& context, std::string_view verb, const ObjectRef& ref, std::string detail);

  /// Deletes what deleted objects owned, and what refers to them with CASCADE. One round; Collector calls it whenever
  /// there is something to do. What cannot be deleted now waits for the next round.
  Status collect_dependents();
  /// Forgets audit records, requests and ended operations that are too old. Collector calls it now and then.
  Status expire();
  /// Digests of the blobs that stay: they have a Blob object, or an object has them in a (novacron.blob) field.
  Result<std::unordered_set<std::string>> live_blobs();

 private:
  friend class Actions;
  friend class OperationRunner;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace novacron::host::resource
