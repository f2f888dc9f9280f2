// A transaction in the making.
#pragma once

#include <set>
#include <string>

#include "host/resource/writer.h"

namespace novacron::host::resource {

struct Writer::Plan {
  state::Txn txn;
  bool changes_spec = false;
  bool changes_status = false;
  bool removes = false;
  bool creates = false;

  bool changes() const { return changes_spec || changes_status || removes; }

  void put(std::string key, std::string value) {
    if (written_.insert(key).second) txn.writes.emplace_back(state::Put{std::move(key), std::move(value)});
  }
  void remove(std::string key) {
    if (written_.insert(key).second) txn.writes.emplace_back(state::Remove{state::KeyRange::one(std::move(key))});
  }
  void expect(state::Compare compare) { txn.compares.push_back(std::move(compare)); }
  /// `object` must stay as it was read, and its deletion takes notice of what is added to it.
  void depend_on(const StoredObject& object);

 private:
  std::set<std::string> written_;
};

}  // namespace novacron::host::resource
