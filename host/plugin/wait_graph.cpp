#include "host/plugin/wait_graph.h"

#include <algorithm>

#include "host/plugin/crew.h"
#include "host/plugin/frame.h"

namespace novacron::host::plugin {
namespace {
constexpr uint64_t kRetryAfterNs = 10'000'000;  ///< advice to whoever is told of a circle
}

/// One walk. `goal` is the wait or the call where it began; calls on the way are kept, so the youngest can be named.
class WaitGraph::Search {
 public:
  Search(const WaitGraph& graph, const void* goal) : graph_(graph), goal_(goal) {}

  std::shared_ptr<Call> youngest_from(const Wait& wait) { return leads(wait) ? youngest() : nullptr; }
  std::shared_ptr<Call> youngest_from(Call& call) { return leads(call) ? youngest() : nullptr; }

 private:
  bool leads(const Wait& wait) {
    path_.push_back(wait.call_.shared_from_this());
    if (still_blocks(wait) && (wait.end_ == End::kCaller ? reached(wait.call_) : caller_leads(wait))) return true;
    path_.pop_back();
    return false;
  }

  bool leads(Call& call) {
    path_.push_back(call.shared_from_this());
    if (follow(call)) return true;
    path_.pop_back();
    return false;
  }

  bool reached(const Wait& wait) { return &wait == goal_ || (visited_.insert(&wait).second && leads(wait)); }
  bool reached(Call& call) { return &call == goal_ || (visited_.insert(&call).second && leads(call)); }

  bool follow(Call& call) {
    Call::Stage stage{};
    const Crew* slot = nullptr;
    {
      std::lock_guard lock(call.mutex_);
      if (call.finished_) return false;
      stage = call.stage_;
      if (call.needs_slot_) slot = call.callee_.get();
    }
    switch (stage) {
      case Call::Stage::kNew:
        return false;
      case Call::Stage::kQueued:
        return slot_leads(slot);
      case Call::Stage::kRunning:
        return threads_lead(call);
      case Call::Stage::kReturned:
        return threads_lead(call) || consequences_lead(call) || slot_leads(slot);
    }
    return false;
  }

  bool slot_leads(const Crew* slot) {
    const auto found = graph_.by_slot_.find(slot);
    return found != graph_.by_slot_.end() && reached(*found->second);
  }

  bool threads_lead(const Call& call) {
    const auto [begin, end] = graph_.by_cause_.equal_range(&call);
    return std::any_of(begin, end, [this](const auto& entry) { return reached(*entry.second); });
  }

  bool consequences_lead(Call& call) {
    for (const auto& weak : call.consequences_) {
      const auto consequence = weak.lock();
      if (consequence && reached(*consequence)) return true;
    }
    return false;
  }

  /// A callee waits for its caller: for the thread that holds the caller's slot, unless that one waits for this same
  /// call, since then another thread of the caller may be the one that reads and writes.
  bool caller_leads(const Wait& wait) {
    const auto found = graph_.by_slot_.find(wait.call_.options_.caller.get());
    return found != graph_.by_slot_.end() && &found->second->call_ != &wait.call_ && reached(*found->second);
  }

  static bool still_blocks(const Wait& wait) {
    std::lock_guard lock(wait.call_.mutex_);
    return wait.call_.would_block(wait.end_, wait.what_, wait.size_);
  }

  std::shared_ptr<Call> youngest() const {
    return *std::max_element(path_.begin(), path_.end(),
                             [](const auto& a, const auto& b) { return a->sequence() < b->sequence(); });
  }

  const WaitGraph& graph_;
  const void* const goal_;
  std::unordered_set<const void*> visited_;
  std::vector<std::shared_ptr<Call>> path_;
};

WaitGraph::Wait::Wait(WaitGraph& graph, Call& call, End end, WaitFor what, size_t size)
    : graph_(graph),
      call_(call),
      end_(end),
      what_(what),
      size_(size),
      slot_(Frame::top() ? Frame::top()->slot() : nullptr),
      cause_(Frame::top() ? Frame::top()->cause() : nullptr) {
  graph_.add(*this);
}

WaitGraph::Wait::~Wait() {
  graph_.remove(*this);
}

void WaitGraph::add(const Wait& wait) {
  if (!wait.slot_ && !wait.cause_) return;  // nothing can depend on this thread
  std::shared_ptr<Call> youngest;
  {
    std::lock_guard lock(mutex_);
    if (wait.slot_) by_slot_.insert_or_assign(wait.slot_, &wait);
    if (wait.cause_) by_cause_.emplace(wait.cause_, &wait);
    youngest = Search(*this, &wait).youngest_from(wait);
  }
  abort(youngest);
}

void WaitGraph::remove(const Wait& wait) {
  if (!wait.slot_ && !wait.cause_) return;
  std::lock_guard lock(mutex_);
  if (wait.slot_) by_slot_.erase(wait.slot_);
  if (!wait.cause_) return;
  const auto [begin, end] = by_cause_.equal_range(wait.cause_);
  const auto mine = std::find_if(begin, end, [&](const auto& entry) { return entry.second == &wait; });
  by_cause_.erase(mine);
}

void WaitGraph::pending(Call* cause, const std::shared_ptr<Call>& call) {
  std::shared_ptr<Call> youngest;
  {
    std::lock_guard lock(mutex_);
    if (cause) {
      auto& known = cause->consequences_;
      if (known.size() >= cause->prune_at_) {
        const auto over = [](const std::weak_ptr<Call>& weak) {
          const auto alive = weak.lock();
          return !alive || alive->finished();
        };
        known.erase(std::remove_if(known.begin(), known.end(), over), known.end());
        cause->prune_at_ = std::max<size_t>(8, 2 * known.size());
      }
      known.push_back(call);
    }
    if (by_slot_.empty() && by_cause_.empty()) return;  // nobody waits: no circle
    youngest = Search(*this, call.get()).youngest_from(*call);
  }
  abort(youngest);
}

void WaitGraph::returned(const std::shared_ptr<Call>& call) {
  std::shared_ptr<Call> youngest;
  {
    std::lock_guard lock(mutex_);
    youngest = Search(*this, call.get()).youngest_from(*call);
  }
  abort(youngest);
}

void WaitGraph::abort(const std::shared_ptr<Call>& youngest) {
  if (!youngest) return;
  Error circle{Code::kAborted, "this call and others wait for each other in a circle; try it again", "host.deadlock"};
  circle.retry_after_ns = kRetryAfterNs;
  youngest->finish_by_host(std::move(circle));
}

}  // namespace novacron::host::plugin
