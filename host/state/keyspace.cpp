#include "host/state/keyspace.h"

#include <algorithm>
#include <cassert>

namespace novacron::host::state {
namespace {

constexpr size_t kVersionOverheadBytes = 200;  // an entry's own size, its counts, its place in the map

size_t cost(const Entry& entry) {
  return entry.key.size() + entry.value.size() + kVersionOverheadBytes;
}

}  // namespace

const EntryPtr* Keyspace::version_at(const Versions& versions, Revision at) {
  for (auto version = versions.rbegin(); version != versions.rend(); ++version)
    if (version->revision <= at) return version->entry ? &version->entry : nullptr;
  return nullptr;
}

EntryPtr Keyspace::find(std::string_view key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : found->second.back().entry;
}

RangeReply Keyspace::range(const KeyRange& keys, Revision at, size_t limit, size_t max_bytes) const {
  RangeReply reply{.entries = {}, .more = false, .revision = at};
  size_t bytes = 0;
  auto key = keys_.lower_bound(keys.begin);
  for (; key != keys_.end() && keys.contains(key->first); ++key) {
    const EntryPtr* entry = version_at(key->second, at);
    if (entry == nullptr) continue;
    bytes += cost(**entry);
    if (reply.entries.size() == limit || (bytes > max_bytes && !reply.entries.empty())) {
      reply.more = true;
      break;
    }
    reply.entries.push_back(*entry);
  }
  return reply;
}

std::vector<ChangePtr> Keyspace::history(Revision after, size_t limit) const {
  assert(after >= cleaned_);
  const size_t first = std::min<size_t>(after - cleaned_, history_.size());
  const size_t last = first + std::min(limit, history_.size() - first);
  return {history_.begin() + static_cast<ptrdiff_t>(first), history_.begin() + static_cast<ptrdiff_t>(last)};
}

Revision Keyspace::last_before(uint64_t time_ns, size_t limit) const {
  Revision last = floor_;
  size_t position = floor_ - cleaned_;
  for (; position < history_.size() && limit > 0; ++position, --limit) {
    if (history_[position]->time_ns >= time_ns) break;
    last = history_[position]->revision;
  }
  return last;
}

Event Keyspace::add_version(Keys::iterator key, Revision revision, EntryPtr entry) {
  Versions& versions = key->second;
  Event event{.entry = std::move(entry), .previous = versions.empty() ? nullptr : versions.back().entry};
  if (event.previous) {
    --live_keys_;
    live_bytes_ -= cost(*event.previous);
  }
  if (event.entry) {
    ++live_keys_;
    live_bytes_ += cost(*event.entry);
    bytes_ += cost(*event.entry);
  }
  versions.push_back({revision, event.entry});
  return event;
}

ChangePtr Keyspace::change(uint64_t time_ns, std::vector<Mutation> mutations) {
  assert(!mutations.empty());
  ++revision_;
  auto change = std::make_shared<Change>();
  change->revision = revision_;
  change->time_ns = time_ns;
  change->events.reserve(mutations.size());
  for (Mutation& mutation : mutations) {
    const auto key = keys_.try_emplace(mutation.key).first;
    EntryPtr entry;
    if (mutation.kind == Mutation::Kind::kPut) {
      const EntryPtr previous = key->second.empty() ? nullptr : key->second.back().entry;
      entry = std::make_shared<const Entry>(Entry{.key = std::move(mutation.key),
                                                  .value = std::move(mutation.value),
                                                  .create_revision = previous ? previous->create_revision : revision_,
                                                  .mod_revision = revision_,
                                                  .version = previous ? previous->version + 1 : 1,
                                                  .lease = mutation.lease});
    }
    change->events.push_back(add_version(key, revision_, std::move(entry)));
    assert(!change->events.back().removed() || change->events.back().previous);
  }
  history_.push_back(change);
  return change;
}

void Keyspace::set_floor(Revision floor) {
  floor_ = std::clamp(floor, floor_, revision_);
}

bool Keyspace::clean(size_t limit) {
  for (; limit > 0 && cleaned_ < floor_; --limit) {
    const ChangePtr change = std::move(history_.front());
    history_.pop_front();
    cleaned_ = change->revision;
    for (const Event& event : change->events) forget_versions(event.key());
  }
  return cleaned_ < floor_;
}

/// Keeps the version that is in force at cleaned_, and all behind it.
void Keyspace::forget_versions(const std::string& key) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return;
  Versions& versions = found->second;
  auto keep = std::upper_bound(versions.begin(), versions.end(), cleaned_,
                               [](Revision at, const Version& version) { return at < version.revision; });
  if (keep != versions.begin() && std::prev(keep)->entry) --keep;
  for (auto version = versions.begin(); version != keep; ++version)
    if (version->entry) bytes_ -= cost(*version->entry);
  versions.erase(versions.begin(), keep);
  if (versions.empty()) keys_.erase(found);
}

void Keyspace::restore_floor(Revision floor) {
  assert(keys_.empty() && history_.empty());
  revision_ = floor_ = cleaned_ = floor;
}

void Keyspace::restore_entry(EntryPtr entry) {
  const auto key = keys_.try_emplace(entry->key).first;
  const Revision revision = entry->mod_revision;
  add_version(key, revision, std::move(entry));
}

void Keyspace::restore_change(Revision revision, uint64_t time_ns,
                              std::vector<std::pair<std::string, EntryPtr>> entries) {
  assert(revision == revision_ + 1);
  revision_ = revision;
  auto change = std::make_shared<Change>();
  change->revision = revision;
  change->time_ns = time_ns;
  for (auto& [key, entry] : entries)
    change->events.push_back(add_version(keys_.try_emplace(std::move(key)).first, revision, std::move(entry)));
  history_.push_back(std::move(change));
}

}  // namespace novacron::host::state
