#include "tests/sim/raft/disk.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

namespace novacron::sim {

using host::raft::EntryPtr;
using host::raft::Index;

std::vector<host::raft::Message> Disk::synced(size_t count) {
  std::vector<host::raft::Message> out;
  for (; count > 0; --count) {
    DiskWrite write = std::move(pending_.front());
    pending_.pop_front();
    make_durable(write);
    std::move(write.then_send.begin(), write.then_send.end(), std::back_inserter(out));
  }
  return out;
}

void Disk::make_durable(DiskWrite& write) {
  if (write.hard_state) durable_.hard_state = *write.hard_state;
  if (write.snapshot) {
    durable_.snapshot = *write.snapshot;
    durable_.entries.clear();
  }
  if (write.entries.empty()) return;
  const Index before = durable_.snapshot.index;
  const Index first = write.entries.front()->index;
  assert(first <= before + durable_.entries.size() + 1);
  durable_.entries.resize(first > before ? first - before - 1 : 0);
  for (EntryPtr& entry : write.entries) {
    if (entry->index > before) durable_.entries.push_back(std::move(entry));
  }
}

bool Disk::has(Index index, host::raft::Term term) const {
  const Index before = durable_.snapshot.index;
  return index > before && index <= before + durable_.entries.size() &&
         durable_.entries[index - before - 1]->term == term;
}

void Disk::keep_snapshot(host::raft::Snapshot snapshot) {
  const Index before = durable_.snapshot.index;
  durable_.entries.erase(durable_.entries.begin(),
                         durable_.entries.begin() + static_cast<std::ptrdiff_t>(snapshot.index - before));
  durable_.snapshot = std::move(snapshot);
}

void Disk::crash(Random& random) {
  (void)synced(random.below(pending_.size() + 1));
  if (!pending_.empty() && !pending_.front().snapshot && random.chance(0.5)) {
    DiskWrite& torn = pending_.front();
    torn.entries.resize(random.below(torn.entries.size() + 1));
    make_durable(torn);
  }
  pending_.clear();
}

}  // namespace novacron::sim
