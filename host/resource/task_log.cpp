#include "host/resource/task_log.h"

#include <host/resource/record.pb.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

#include "host/auth/roles.h"
#include "host/resource/body.h"
#include "host/resource/keys.h"

namespace novacron::host::resource {

namespace {
constexpr uint32_t kKeysAtOnce = 500;
constexpr size_t kMaxEntriesOfWindow = 1'000;
constexpr uint32_t kRemovedAtOnce = 100;  // below state::kMaxTxnKeys
constexpr uint64_t kFirstWindowNs = 600ull * 1'000'000'000;
constexpr size_t kTimeDigits = 20;

Error bad_token() {
  return {Code::kInvalidArgument, "that is no page token of this list", "resource.page-token"};
}

std::string time_text(uint64_t time_ns) {
  char text[kTimeDigits + 1];
  std::snprintf(text, sizeof text, "%020llu", static_cast<unsigned long long>(time_ns));
  return text;
}

Task task_from(const StoredTask& stored) {
  Task task;
  task.time_ns = stored.time_ns();
  task.principal = stored.principal();
  task.plugins.assign(stored.chain().begin(), stored.chain().end());
  task.verb = stored.verb();
  const auto& object = stored.object();
  task.object = {object.kind(), object.tenant(), object.name(), object.uid()};
  task.request_id = stored.request_id();
  task.operation = stored.operation();
  task.outcome = stored.outcome();
  task.reason = stored.reason();
  task.message = stored.message();
  task.command = stored.command();
  return task;
}

bool fits(const std::string& wanted, const std::string& value) {
  return wanted.empty() || wanted == value;
}

bool is_wanted(const Task& task, const TaskQuery& query) {
  return fits(query.object.kind, task.object.kind) && fits(query.object.name, task.object.name) &&
         fits(query.object.uid, task.object.uid) && fits(query.object.tenant, task.object.tenant) &&
         fits(query.principal, task.principal) && fits(query.verb, task.verb) && fits(query.outcome, task.outcome);
}

/// Reads backwards in windows of time, each twice as long as the one before.
class Reader {
 public:
  Reader(Objects& objects, const TaskQuery& query) : objects_(objects), query_(query) {}

  Result<TaskPage> read(std::string end) {
    uint64_t window_ns = kFirstWindowNs;
    while (end > kLogPrefix && page_.next_token.empty() && scanned_ < kMaxScannedTasks) {
      const std::string begin = TRY(begin_of(end, window_ns));
      const auto entries = TRY(entries_of(begin, end, window_ns > 1 ? kMaxEntriesOfWindow : SIZE_MAX));
      if (!entries) {
        window_ns = std::max<uint64_t>(window_ns / 4, 1);
        continue;
      }
      take(*entries);
      end = begin;
      window_ns *= 2;
    }
    if (page_.next_token.empty() && end > kLogPrefix && scanned_ >= kMaxScannedTasks) page_.next_token = end;
    return std::move(page_);
  }

 private:
  static Result<std::string> begin_of(const std::string& end, uint64_t window_ns) {
    uint64_t time_ns = 0;
    const char* digits = end.data() + kLogPrefix.size();
    if (std::from_chars(digits, end.data() + end.size(), time_ns).ec != std::errc()) return bad_token();
    const std::string prefix(kLogPrefix);
    return time_ns > window_ns ? prefix + time_text(time_ns - window_ns) : prefix;
  }

  /// None: there are more than `max`. The newest come last, so all of a window have to be read.
  Result<std::optional<std::vector<state::EntryPtr>>> entries_of(const std::string& begin, const std::string& end,
                                                                 size_t max) {
    std::vector<state::EntryPtr> entries;
    state::RangeRequest request{{begin, end}, kKeysAtOnce, 0};
    while (true) {
      const auto reply = TRY(objects_.sync().range(request));
      entries.insert(entries.end(), reply.entries.begin(), reply.entries.end());
      if (entries.size() > max) return std::optional<std::vector<state::EntryPtr>>();
      if (!reply.more) return std::optional(std::move(entries));
      request.keys.begin = reply.entries.back()->key + '\0';
    }
  }

  void take(const std::vector<state::EntryPtr>& entries) {
    scanned_ += entries.size();
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
      StoredTask stored;
      if (!stored.ParseFromString((*entry)->value)) continue;
      Task task = task_from(stored);
      if (!is_wanted(task, query_)) continue;
      if (page_.tasks.size() == query_.limit) {
        page_.next_token = (*entry)->key + '\0';
        return;
      }
      page_.tasks.push_back(std::move(task));
    }
  }

  Objects& objects_;
  const TaskQuery& query_;
  TaskPage page_;
  size_t scanned_ = 0;
};

/// These lie in a ring of their own, so that whoever is refused often does not push out what was done.
Result<TaskPage> read_refused(Objects& objects, const TaskQuery& query) {
  state::RangeRequest request{state::KeyRange::prefix(std::string(kRefusedPrefix)), kMaxRefusedTasks, 0};
  const auto reply = TRY(objects.sync().range(std::move(request)));
  TaskPage page;
  for (const auto& entry : reply.entries) {
    StoredTask stored;
    if (!stored.ParseFromString(entry->value)) continue;
    Task task = task_from(stored);
    if (is_wanted(task, query)) page.tasks.push_back(std::move(task));
  }
  std::stable_sort(page.tasks.begin(), page.tasks.end(),
                   [](const Task& a, const Task& b) { return a.time_ns > b.time_ns; });
  if (page.tasks.size() > query.limit) page.tasks.resize(query.limit);
  return page;
}
}  // namespace

state::Put task_entry(const StoredTask& task, uint64_t number, const std::string& uuid) {
  char count[16];
  std::snprintf(count, sizeof count, "-%010llu-", static_cast<unsigned long long>(number % 10'000'000'000ull));
  return {std::string(kLogPrefix) + time_text(task.time_ns()) + count + uuid.substr(0, 8), message_bytes(task)};
}

StoredTask task_of(const auth::Context& context, std::string_view verb, const ObjectRef& object, uint64_t time_ns) {
  StoredTask task;
  task.set_time_ns(time_ns);
  task.set_principal(context.identity.principal);
  for (const auto& grant : context.chain) task.add_chain(grant->plugin);
  task.set_verb(std::string(verb));
  auto& ref = *task.mutable_object();
  ref.set_kind(object.kind);
  ref.set_tenant(object.tenant);
  ref.set_name(object.name);
  ref.set_uid(object.uid);
  task.set_request_id(context.request_id);
  return task;
}

bool is_task(const auth::Context& context, std::string_view verb) {
  return verb != "update_status" && verb != "update_finalizers" && !is_host(context);
}

Result<TaskPage> read_tasks(Objects& objects, const TaskQuery& query, uint64_t now_ns) {
  if (query.outcome == kRefusedOutcome) return read_refused(objects, query);
  if (query.page_token.empty())
    return Reader(objects, query).read(std::string(kLogPrefix) + time_text(now_ns + kFirstWindowNs));
  if (query.page_token.starts_with(kLogPrefix)) return Reader(objects, query).read(query.page_token);
  return bad_token();
}

namespace {
Result<size_t> count_of(Objects& objects, const std::string& prefix) {
  size_t count = 0;
  state::RangeRequest page{state::KeyRange::prefix(prefix), kKeysAtOnce, 0};
  while (true) {
    const auto reply = TRY(objects.sync().range(page));
    count += reply.entries.size();
    if (!reply.more) return count;
    page.keys.begin = reply.entries.back()->key + '\0';
  }
}
}  // namespace

Status expire_records(Objects& objects, std::string_view records, uint64_t age_ns, size_t count, uint64_t now_ns) {
  const std::string prefix(records);
  const std::string too_old = prefix + time_text(now_ns > age_ns ? now_ns - age_ns : 0);
  const size_t there = TRY(count_of(objects, prefix));
  size_t beyond = there > count ? there - count : 0;
  const state::RangeRequest oldest{state::KeyRange::prefix(prefix), kRemovedAtOnce, 0};
  while (true) {
    const auto reply = TRY(objects.sync().range(oldest));
    const auto stays = [&](const state::EntryPtr& entry) { return entry->key >= too_old; };
    const auto young = std::find_if(reply.entries.begin(), reply.entries.end(), stays);
    const size_t going =
        std::max(static_cast<size_t>(young - reply.entries.begin()), std::min(beyond, reply.entries.size()));
    if (going == 0) return {};
    TRY(objects.sync().remove({prefix, reply.entries[going - 1]->key + '\0'}));
    beyond -= std::min(beyond, going);
    if (!reply.more) return {};
  }
}

}  // namespace novacron::host::resource
