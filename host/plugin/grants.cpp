#include "host/plugin/grants.h"

#include <algorithm>
#include <sstream>

namespace novacron::host::plugin {
namespace {

using Texts = std::vector<std::string>;

bool contains(const Texts& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

void add_missing(Texts& more, const std::string& name, const Texts& asked, const Texts& granted) {
  for (const std::string& one : asked) {
    if (!contains(granted, one)) more.push_back(name + ' ' + one);
  }
}

/// A rule for every kind is one for each, and a verb "*" is every verb.
bool may(const std::vector<auth::Grant::ResourceRule>& rules, const std::string& kind, const std::string& verb) {
  return std::any_of(rules.begin(), rules.end(), [&](const auth::Grant::ResourceRule& rule) {
    return (rule.kind == kind || rule.kind == "*") && (contains(rule.verbs, verb) || contains(rule.verbs, "*"));
  });
}

/// 0 is what everybody gets, so any other number is more than that.
void add_amount(Texts& more, const std::string& name, uint64_t asked, uint64_t granted) {
  if (asked > granted) more.push_back(name + ' ' + std::to_string(asked));
}

Texts parts_of(const std::string& list) {
  Texts parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

/// "all" is more than anything, and "none" less; else each place that is asked for was granted.
bool network_within(const std::string& asked, const std::string& granted) {
  if (asked == granted || asked == "none" || granted == "all") return true;
  const Texts places = parts_of(asked), given = parts_of(granted);
  return std::all_of(places.begin(), places.end(), [&](const std::string& place) { return contains(given, place); });
}

}  // namespace

Texts beyond(const Permissions& asked, const Permissions& granted) {
  Texts more;
  add_missing(more, "call", asked.grant.call, granted.grant.call);
  add_missing(more, "state", asked.grant.state, granted.grant.state);
  add_missing(more, "publish", asked.grant.publish, granted.grant.publish);
  add_missing(more, "subscribe", asked.grant.subscribe, granted.grant.subscribe);
  for (const auto& rule : asked.grant.resources) {
    for (const std::string& verb : rule.verbs) {
      if (!may(granted.grant.resources, rule.kind, verb)) more.push_back("resources " + verb + ' ' + rule.kind);
    }
  }
  if (asked.grant.blobs && !granted.grant.blobs) more.emplace_back("blobs");
  if (!network_within(asked.kernel.network, granted.kernel.network)) {
    more.push_back("network " + asked.kernel.network);
  }
  add_missing(more, "paths", asked.kernel.paths, granted.kernel.paths);
  add_amount(more, "memory_bytes", asked.kernel.memory_bytes, granted.kernel.memory_bytes);
  add_amount(more, "threads", asked.kernel.threads, granted.kernel.threads);
  add_amount(more, "cpu_percent", asked.kernel.cpu_percent, granted.kernel.cpu_percent);
  add_missing(more, "devices", asked.kernel.devices, granted.kernel.devices);
  return more;
}

}  // namespace novacron::host::plugin
