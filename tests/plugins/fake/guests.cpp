#include "guests.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace novacron::fake {
namespace {

Error refused(Code code, std::string reason, std::string message) {
  return Error{.code = code, .message = std::move(message), .reason = std::move(reason)};
}

}  // namespace

Result<std::unique_ptr<Guests>> Guests::open(const std::string& journal, uint64_t memory_bytes) {
  std::unique_ptr<Guests> guests(new Guests(memory_bytes));
  if (journal.empty()) return guests;
  guests->journal_ = Fd(::open(journal.c_str(), O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0644));
  if (guests->journal_.get() < 0) {
    return refused(Code::kUnavailable, "fake.journal", "cannot open " + journal + ": " + std::strerror(errno));
  }
  std::ostringstream text;
  text << std::ifstream(journal).rdbuf();
  NC_TRY_STATUS(guests->read(text.str()));
  return guests;
}

novacron::Status Guests::read(std::string_view journal) {
  std::istringstream lines{std::string(journal)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    int state = 0;
    std::string uid;
    Guest guest;
    if (!(words >> state >> uid >> guest.node >> guest.memory_bytes >> guest.fence)) {
      return refused(Code::kDataLoss, "fake.journal", "not understood: \"" + line + '"');
    }
    words >> guest.tenant;
    guest.state = static_cast<State>(state);
    put(uid, std::move(guest));
  }
  return {};
}

novacron::Status Guests::append(const std::string& uid, const Guest& guest) const {
  if (journal_.get() < 0) return {};
  std::ostringstream line;
  line << static_cast<int>(guest.state) << ' ' << uid << ' ' << guest.node << ' ' << guest.memory_bytes << ' '
       << guest.fence << ' ' << guest.tenant << '\n';
  const std::string bytes = line.str();
  if (::write(journal_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) return {};
  return refused(Code::kUnavailable, "fake.journal",
                 std::string("the journal cannot be written: ") + std::strerror(errno));
}

novacron::Status Guests::admit(const Order& order, const Guest& guest) const {
  if (order.node.empty()) return refused(Code::kInvalidArgument, "fake.no-node", "the call names no node");
  if (guest.state != State::kAbsent && guest.node != order.node) {
    return refused(Code::kFailedPrecondition, "fake.second-guest",
                   order.uid + " is on " + guest.node + ", and was ordered on " + order.node);
  }
  if (order.fence < guest.fence) {
    return refused(Code::kAborted, "compute.stale-claim",
                   "claim " + std::to_string(order.fence) + " on " + order.uid +
                       " is stale: " + std::to_string(guest.fence) + " was seen");
  }
  return {};
}

Result<Guests::Change> Guests::start(const Order& order, uint64_t memory_bytes, const std::string& tenant) {
  const std::lock_guard lock(mutex_);
  Guest guest = guests_[order.uid];
  NC_TRY_STATUS(admit(order, guest));
  const bool is_up = guest.state == State::kRunning || guest.state == State::kPaused;
  const uint64_t others = used_bytes_[order.node] - (guest.state == State::kAbsent ? 0 : guest.memory_bytes);
  if (!is_up && others + memory_bytes > memory_bytes_) {
    return refused(Code::kResourceExhausted, "fake.no-room",
                   order.node + " has " + std::to_string(memory_bytes_ - others) + " bytes free");
  }
  guest.fence = order.fence;
  if (!is_up) {
    guest = {State::kRunning, order.node, memory_bytes, order.fence, tenant};
  }
  return store(order.uid, std::move(guest));
}

Result<Guests::Change> Guests::turn(const Order& order, State to) {
  const std::lock_guard lock(mutex_);
  Guest guest = guests_[order.uid];
  NC_TRY_STATUS(admit(order, guest));
  const bool is_up = guest.state == State::kRunning || guest.state == State::kPaused;
  if (!is_up && (to == State::kRunning || to == State::kPaused)) {
    return refused(Code::kFailedPrecondition, "compute.not-running", "guest " + order.uid + " does not run");
  }
  if (guest.state != State::kAbsent) guest.state = to;
  guest.node = order.node;
  guest.fence = order.fence;
  return store(order.uid, std::move(guest));
}

Result<Guests::Change> Guests::store(const std::string& uid, Guest changed) {
  const Guest& before = guests_[uid];
  Change change{before.state, status_of(uid, changed), changed.tenant};
  if (before.state == changed.state && before.fence == changed.fence) return change;
  NC_TRY_STATUS(append(uid, changed));
  put(uid, std::move(changed));
  return change;
}

void Guests::put(const std::string& uid, Guest guest) {
  Guest& place = guests_[uid];
  if (place.state != State::kAbsent) used_bytes_[place.node] -= place.memory_bytes;
  if (guest.state != State::kAbsent) used_bytes_[guest.node] += guest.memory_bytes;
  place = std::move(guest);
}

Guests::Status Guests::status_of(const std::string& uid, const Guest& guest) {
  Status status;
  status.uid = uid;
  status.state = guest.state;
  status.accelerator = guest.state == State::kAbsent ? "" : "fake";
  status.claim_fence = guest.fence;
  return status;
}

Guests::Status Guests::get(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto found = guests_.find(uid);
  return status_of(uid, found == guests_.end() ? Guest() : found->second);
}

std::vector<Guests::Status> Guests::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Status> out;
  for (const auto& [uid, guest] : guests_) {
    if (guest.state != State::kAbsent) out.push_back(status_of(uid, guest));
  }
  return out;
}

}  // namespace novacron::fake
