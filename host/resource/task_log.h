// Who did what, for people: every change that a user or a plugin asked for, every operation's beginning and end, and
// what was refused, each with the command that would do the same.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "host/auth/context.h"
#include "host/base/clock.h"
#include "host/resource/objects.h"
#include "host/resource/store.h"

namespace novacron::host::resource {

inline constexpr size_t kMaxRefusedTasks = 1'000;
inline constexpr size_t kMaxScannedTasks = 50'000;  ///< for one page
inline constexpr size_t kMaxTaskTextBytes = 1'024;  ///< of a message or reason
inline constexpr std::string_view kRefusedOutcome = "REFUSED";

/// What of an entry does not follow from the write itself.
struct TaskNote {
  ObjectRef object = {};  ///< no kind: that of the write
  std::string operation = {};
  std::string outcome = "DONE";
  std::string command = {};
};

class StoredTask;  // record.proto

/// An entry that is to be written, with its key. `uuid` makes the key unique.
state::Put task_entry(const StoredTask& task, uint64_t number, const std::string& uuid);
StoredTask task_of(const auth::Context& context, std::string_view verb, const ObjectRef& object, uint64_t time_ns);

/// Whether people want to know of such a write: not what controllers report and the host does by itself.
bool is_task(const auth::Context& context, std::string_view verb);

Result<TaskPage> read_tasks(Objects& objects, const TaskQuery& query, uint64_t now_ns);
/// Of what is kept under `<records><time>`, forgets what is older than `age_ns`, and the oldest beyond `count`.
Status expire_records(Objects& objects, std::string_view records, uint64_t age_ns, size_t count, uint64_t now_ns);

}  // namespace novacron::host::resource
