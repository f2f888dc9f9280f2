#include "sdk/validate/replay.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "sdk/boundary/boundary.h"
#include "sdk/validate/replay_host.h"
#include "sdk/validate/stage.h"

namespace novacron::validate {
namespace {

using boundary::Boundary;
using boundary::Record;
using boundary::Transcript;

constexpr int kRecordedRounds = 3;
constexpr std::chrono::seconds kReturnTimeout{10};  // of one call into the plugin, beyond which it is left alone
constexpr std::chrono::milliseconds kPoll{1};

nc_str str(const std::string& text) {
  return {text.data(), text.size()};
}

template <class Condition>
bool wait_for(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + kReturnTimeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

/// Calls the plugin as the records say: each call on a thread of its own, since some ran beside others then.
class Player final {
 public:
  Player(const nc_plugin* plugin, const std::vector<Record>& recorded)
      : recorded_(recorded), host_(recorded), boundary_(plugin, host_.table(), {.transcript = &transcript_}) {}
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  void play() {
    for (const Record& record : recorded_) {
      if (record.find("lane_of") != nullptr)
        begin(record);
      else if (record.at.ends_with(".end"))
        await(record.lane);
      if (is_stuck_) break;
    }
    for (auto& [lane, running] : running_) {
      if (!is_stuck_) is_stuck_ = !wait_for([&running = running] { return running.is_over->load(); });
      is_stuck_ ? running.thread.detach() : running.thread.join();
    }
  }
  std::vector<Record> records() const { return transcript_.records(); }
  /// A call into the plugin did not return: nothing of this can be freed.
  bool is_stuck() const { return is_stuck_; }

 private:
  struct Running {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> is_over;  // the thread's own too, which may outlive this
  };

  void begin(const Record& record) {
    if (record.at == "event") events_.push_back(&record);  // a batch stands together
    if (record.at == "event" && record.number("more") > 0) return;
    const std::vector<const Record*> events = std::exchange(events_, {});
    auto is_over = std::make_shared<std::atomic<bool>>(false);
    std::thread thread([this, &record, events, is_over] {
      call(record, events);
      *is_over = true;
    });
    const uint64_t lane = record.number("lane_of");
    running_.emplace(lane, Running{std::move(thread), std::move(is_over)});
    // Its number is given when it begins: before the next one does.
    is_stuck_ = !wait_for([this, lane] { return boundary_.lanes() >= lane; });
  }

  void await(uint64_t lane) {
    const auto found = running_.find(lane);
    if (found == running_.end()) return;
    if (!wait_for([&] { return found->second.is_over->load(); })) return void(is_stuck_ = true);
    found->second.thread.join();
    running_.erase(found);
  }

  void call(const Record& record, const std::vector<const Record*>& events) {
    if (record.at == "invoke") return invoke(record);
    if (record.at == "done") return done(record);
    if (record.at == "event") return deliver(events);
    if (record.at == "on_end") return end_listening(record);
    if (record.at == "task") return run_task(record);
    control(record);
  }

  void control(const Record& record) {
    nc_error error{};
    const uint64_t deadline_ns = record.number("deadline_ns");
    const std::string config = record.text("config"), version = record.text("from_version");
    const nc_buf raw{config.data(), config.size(), nullptr, nullptr};
    if (record.at == "create") (void)boundary_.create(&raw, &error);
    if (!boundary_.has_instance()) return;
    if (record.at == "start") (void)boundary_.start(deadline_ns, &error);
    if (record.at == "configure") (void)boundary_.configure(&raw, &error);
    if (record.at == "health") (void)boundary_.health(&error);
    if (record.at == "quiesce") (void)boundary_.quiesce(deadline_ns, id_in(record, "sink"), &error);
    if (record.at == "resume") (void)boundary_.resume(deadline_ns, &error);
    if (record.at == "restore") (void)boundary_.restore(str(version), id_in(record, "source"), deadline_ns, &error);
    if (record.at == "destroy") boundary_.destroy();
  }

  void invoke(const Record& record) {
    const nc_descriptor& about = *boundary_.plugin().descriptor;
    const uint64_t service = record.number("service"), method = record.number("method");
    if (!boundary_.has_instance() || service >= about.services_len || method >= about.services[service]->methods_len)
      return;
    const ReplayedMessage message(record);
    const std::string key = record.text("idempotency_key"), node = record.text("node");
    nc_request request{};
    request.size = sizeof(request);
    request.method = static_cast<uint32_t>(method);
    request.call = id_in(record, "call");
    request.context = id_in(record, "context");
    request.deadline_ns = record.number("deadline_ns");
    request.message = message.raw();
    request.idempotency_key = str(key);
    request.node = str(node);
    (void)boundary_.invoke(static_cast<uint32_t>(service), &request);
  }

  void done(const Record& record) {
    const auto completion = host_.completion(id_in(record, "call"));
    const ReplayedResult result(record);
    if (completion.done != nullptr) completion.done(completion.ctx, id_in(record, "call"), &result.raw());
  }

  void deliver(const std::vector<const Record*>& records) {
    const nc_interest interest = host_.interest(id_in(*records[0], "listener"));
    if (interest.on_events == nullptr) return;
    std::vector<std::string> texts;  // three an event
    for (const Record* record : records) {
      for (const char* field : {"subject", "tenant", "body"}) texts.push_back(record->text(field));
    }
    std::vector<nc_event> events(records.size());
    std::vector<const nc_event*> list;
    for (size_t i = 0; i < records.size(); ++i) {
      events[i].size = sizeof(nc_event);
      events[i].subject = str(texts[3 * i]);
      events[i].tenant = str(texts[3 * i + 1]);
      events[i].body = {texts[3 * i + 2].data(), texts[3 * i + 2].size(), nullptr, nullptr};
      events[i].revision = records[i]->number("revision");
      events[i].time_ns = records[i]->number("time_ns");
      events[i].missed = records[i]->number("missed");
      list.push_back(&events[i]);
    }
    interest.on_events(interest.ctx, list.data(), list.size());
  }

  void end_listening(const Record& record) {
    const nc_interest interest = host_.interest(id_in(record, "listener"));
    if (interest.on_end != nullptr) interest.on_end(interest.ctx, static_cast<nc_code>(record.number("why")));
  }

  void run_task(const Record& record) {
    const nc_task task = host_.task(id_in(record, "timing"));
    if (task.run != nullptr) task.run(task.ctx, static_cast<nc_code>(record.number("why")));
  }

  const std::vector<Record>& recorded_;
  Transcript transcript_{Transcript::Names::kAsGiven};
  ReplayHost host_;
  Boundary boundary_;
  std::map<uint64_t, Running> running_;  // by lane
  std::vector<const Record*> events_;    // of the batch that is being read
  bool is_stuck_ = false;
};

/// What the plugin did in each call into it, in order.
std::map<uint64_t, std::vector<const Record*>> lanes_of(const std::vector<Record>& records) {
  std::map<uint64_t, std::vector<const Record*>> lanes;
  for (const Record& record : records) {
    if (record.lane != 0) lanes[record.lane].push_back(&record);
  }
  return lanes;
}

std::optional<Difference> first_difference(const std::vector<Record>& recorded, const std::vector<Record>& now) {
  const auto lanes = lanes_of(now);
  std::map<uint64_t, size_t> at;
  for (size_t i = 0; i < recorded.size(); ++i) {
    const Record& then = recorded[i];
    if (then.lane == 0) continue;
    const auto lane = lanes.find(then.lane);
    const size_t position = at[then.lane]++;
    if (lane == lanes.end() || position >= lane->second.size()) return Difference{i + 1, to_line(then), ""};
    if (*lane->second[position] != then) return Difference{i + 1, to_line(then), to_line(*lane->second[position])};
  }
  for (const auto& [lane, records] : lanes) {
    if (records.size() > at[lane]) return Difference{recorded.size(), "", to_line(*records[at[lane]])};
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Record>> read_trace(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{.code = Code::kNotFound, .message = path + " cannot be read"};
  std::vector<Record> records;
  size_t bytes = 0;
  for (std::string line; std::getline(in, line);) {
    bytes += line.size();
    if (bytes > kMaxTraceBytes || records.size() >= Transcript::kMaxRecords) {
      return Error{.code = Code::kResourceExhausted, .message = path + " is longer than a transcript can be"};
    }
    auto record = boundary::parse_record(line);
    if (!record) {
      return Error{.code = Code::kInvalidArgument,
                   .message = path + ":" + std::to_string(records.size() + 1) + ": no record of a transcript"};
    }
    records.push_back(*std::move(record));
  }
  if (records.empty()) return Error{.code = Code::kInvalidArgument, .message = path + " has no records"};
  return records;
}

Status write_trace(const std::string& path, const std::vector<Record>& records) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  for (const Record& record : records) out << to_line(record) << '\n';
  if (!out.flush()) return Error{.code = Code::kUnavailable, .message = path + " cannot be written"};
  return {};
}

std::vector<Record> record(Run& run) {
  Transcript transcript;
  Stage stage(run, {.transcript = &transcript});
  Random random(run.seed);
  if (const auto actor = stage.running_actor()) {
    for (int i = 0; i < kRecordedRounds; ++i) stage.call_all(random);
    actor->end();
  }
  return transcript.records();
}

std::optional<Difference> replay(const nc_plugin* plugin, const std::vector<Record>& recorded) {
  auto player = std::make_unique<Player>(plugin, recorded);
  player->play();
  auto difference = first_difference(recorded, player->records());
  // Its threads go on, until the process ends.
  if (player->is_stuck()) (void)player.release();
  return difference;
}

}  // namespace novacron::validate
