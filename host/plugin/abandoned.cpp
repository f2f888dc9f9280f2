#include "host/plugin/abandoned.h"

#include <algorithm>

namespace novacron::host::plugin {

void Abandoned::add(std::string plugin, std::function<bool()> hangs) {
  std::lock_guard lock(mutex_);
  entries_.push_back({std::move(plugin), std::move(hangs)});
}

std::vector<std::string> Abandoned::plugins() {
  std::lock_guard lock(mutex_);
  const auto is_back = [](const Entry& entry) { return !entry.hangs(); };
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), is_back), entries_.end());
  std::vector<std::string> names;
  for (const Entry& entry : entries_) names.push_back(entry.plugin);
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace novacron::host::plugin
