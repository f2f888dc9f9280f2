// A world of one machine and two nodes that records every step and can end the "process" at any of them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "steps.h"
#include "world.h"

namespace novacron::compute::controller {

class FakeWorld final : public World, public Inventory {
 public:
  using GuestState = v1::GuestStatus_State;

  struct Killed {};  ///< thrown where the process would end

  Machine stored;                            ///< the machine as the host has it
  bool exists = true;                        ///< false: its last finalizer is gone
  std::map<std::string, GuestState> guests;  ///< by node; a guest has its disks there until it is absent
  std::map<std::string, uint64_t> claims;    ///< node → fence
  std::vector<std::string> steps;            ///< as they were begun
  std::vector<std::string> events;
  std::optional<size_t> kill_at;  ///< 2n: before the n-th step of this run, 2n + 1: after it
  std::optional<Error> start_error;
  bool room = true;

  /// What the informer would hand to the reconciler.
  Machine read() const { return stored; }

  Status add_finalizer(const Machine&) override {
    Scope scope(*this, Step::kAddFinalizer);
    if (stored.metadata.finalizers.empty()) stored.metadata.finalizers.push_back("novacron.compute/guest");
    return scope.done();
  }
  Status remove_finalizer(const Machine&) override {
    Scope scope(*this, Step::kRemoveFinalizer);
    stored.metadata.finalizers.clear();
    exists = !stored.metadata.deleted_at.has_value();
    return scope.done();
  }
  Status write_status(Machine& machine, v1::VirtualMachineStatus status) override {
    Scope scope(*this, Step::kWriteStatus);
    return scope.done(store(machine, std::move(status)));
  }
  Status bind(Machine& machine, v1::VirtualMachineStatus status) override {
    Scope scope(*this, Step::kBind);
    return scope.done(store(machine, std::move(status)));
  }
  Result<scheduling::v1::ScheduleReply> schedule(const scheduling::v1::ScheduleRequest& request) override {
    Scope scope(*this, Step::kSchedule);
    scheduling::v1::ScheduleReply reply;
    for (const auto& candidate : request.candidates) {
      if (room) {
        reply.ranked.emplace_back().node = candidate.node;
      } else {
        auto& out = reply.left_out.emplace_back();
        out.node = candidate.node;
        out.message = "is full";
      }
    }
    // A scheduler may answer differently each time: that must never make a second guest.
    if (++schedules_ % 2 == 0) std::swap(reply.ranked.front(), reply.ranked.back());
    return scope.done(reply);
  }
  Result<uint64_t> acquire_claim(const Machine& machine) override {
    Scope scope(*this, Step::kAcquireClaim);
    auto [claim, added] = claims.try_emplace(machine.status.node, fences_ + 1);
    if (added) ++fences_;
    return scope.done(Result<uint64_t>(claim->second));
  }
  Status release_claim(const Machine& machine, uint64_t) override {
    Scope scope(*this, Step::kReleaseClaim);
    claims.erase(machine.status.node);
    return scope.done();
  }
  Result<v1::GuestStatus> read_guest(const Machine& machine) override {
    Scope scope(*this, Step::kReadGuest);
    return scope.done(status_on(machine.status.node));
  }
  Result<v1::GuestStatus> start_guest(const Machine& machine, uint64_t) override {
    Scope scope(*this, Step::kStartGuest);
    if (start_error) return *start_error;
    guests[machine.status.node] = GuestState::kRunning;
    return scope.done(status_on(machine.status.node));
  }
  Result<v1::GuestStatus> pause_guest(const Machine& machine, uint64_t) override {
    return turn(Step::kPauseGuest, machine, GuestState::kPaused);
  }
  Result<v1::GuestStatus> resume_guest(const Machine& machine, uint64_t) override {
    return turn(Step::kResumeGuest, machine, GuestState::kRunning);
  }
  Result<v1::GuestStatus> stop_guest(const Machine& machine, uint64_t) override {
    return turn(Step::kStopGuest, machine, GuestState::kStopped);
  }
  Result<v1::GuestStatus> delete_guest(const Machine& machine, uint64_t) override {
    Scope scope(*this, Step::kDeleteGuest);
    guests.erase(machine.status.node);
    return scope.done(status_on(machine.status.node));
  }
  void publish(const Machine&, std::string_view subject) override {
    Scope scope(*this, Step::kPublish);
    events.emplace_back(subject);
    (void)scope.done();
  }

  std::vector<scheduling::v1::Candidate> candidates(std::string_view, std::string_view) override {
    std::vector<scheduling::v1::Candidate> nodes(2);
    nodes[0].node = "a";
    nodes[1].node = "b";
    return nodes;
  }
  void assume(const Machine&, std::string_view) override {}

 private:
  class Scope {
   public:
    Scope(FakeWorld& world, Step step) : world_(world), index_(world.steps.size()) {
      if (world_.kill_at == 2 * index_) throw Killed{};
      world_.steps.emplace_back(name_of(step));
    }
    template <class R = Status>
    R done(R result = {}) const {
      if (world_.kill_at == 2 * index_ + 1) throw Killed{};
      return result;
    }

   private:
    FakeWorld& world_;
    const size_t index_;
  };

  Status store(Machine& machine, v1::VirtualMachineStatus status) {
    if (machine.status_revision != stored.status_revision) {
      return Error{.code = Code::kAborted, .message = "somebody wrote before", .reason = "resource.conflict"};
    }
    stored.status = std::move(status);
    ++stored.status_revision;
    machine = stored;
    return {};
  }
  v1::GuestStatus status_on(const std::string& node) const {
    v1::GuestStatus status;
    const auto guest = guests.find(node);
    status.state = guest == guests.end() ? GuestState::kAbsent : guest->second;
    return status;
  }
  Result<v1::GuestStatus> turn(Step step, const Machine& machine, GuestState to) {
    Scope scope(*this, step);
    guests.at(machine.status.node) = to;
    return scope.done(Result<v1::GuestStatus>(status_on(machine.status.node)));
  }

  uint64_t fences_ = 0;
  size_t schedules_ = 0;
};

}  // namespace novacron::compute::controller
