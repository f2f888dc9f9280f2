#include "rank.h"

#include <algorithm>
#include <compare>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

namespace novacron::scheduling::basic {
namespace {

/// FNV-1a: spreads equal things over equal nodes, the same way on every machine.
uint64_t hash_of(std::string_view uid, std::string_view node) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const std::string_view part : {uid, node}) {
    for (const char c : part) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

/// "1.5 GiB", for people.
std::string bytes_text(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.4g %s", value, kUnits[unit]);
  return text;
}

std::string cpus_text(uint64_t millis) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", static_cast<double>(millis) / 1000);
  return text;
}

/// What a candidate has left, with overcommitment counted in.
struct Room {
  uint64_t cpu_millis = 0;
  uint64_t cpu_free = 0;
  uint64_t memory_bytes = 0;
  uint64_t memory_free = 0;
};

uint64_t saturating_multiply(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

Room room_of(const v1::Candidate& candidate, const Options& options) {
  const v1::Demand capacity = candidate.capacity ? *candidate.capacity : v1::Demand{};
  const v1::Demand used = candidate.used ? *candidate.used : v1::Demand{};
  Room room;
  room.cpu_millis = saturating_multiply(capacity.cpu_millis, options.cpu_overcommit);
  room.cpu_free = room.cpu_millis - std::min(room.cpu_millis, used.cpu_millis);
  room.memory_bytes = capacity.memory_bytes;
  room.memory_free = room.memory_bytes - std::min(room.memory_bytes, used.memory_bytes);
  return room;
}

v1::LeftOut left_out(const v1::Candidate& candidate, std::string reason, std::string message) {
  v1::LeftOut out;
  out.node = candidate.node;
  out.reason = std::move(reason);
  out.message = std::move(message);
  return out;
}

std::optional<v1::LeftOut> refused_by_wish(const v1::ScheduleRequest& request, const v1::Candidate& candidate) {
  if (!candidate.refused.empty()) return left_out(candidate, "scheduling.refused", candidate.refused);
  if (!request.node.empty() && request.node != candidate.node) {
    return left_out(candidate, "scheduling.other-node", "only " + request.node + " was asked for");
  }
  for (const auto& [key, wanted] : request.node_labels) {
    const auto label = candidate.labels.find(key);
    if (label == candidate.labels.end()) return left_out(candidate, "scheduling.label", "has no label " + key);
    if (label->second != wanted) {
      return left_out(candidate, "scheduling.label",
                      "label " + key + " is " + label->second + ", " + wanted + " was asked for");
    }
  }
  return std::nullopt;
}

std::optional<v1::LeftOut> refused_by_room(const v1::Demand& demand, const v1::Candidate& candidate, const Room& room) {
  if (demand.memory_bytes > room.memory_free) {
    return left_out(candidate, "scheduling.insufficient-memory",
                    "needs " + bytes_text(demand.memory_bytes) + ", has " + bytes_text(room.memory_free) + " of " +
                        bytes_text(room.memory_bytes) + " free");
  }
  if (demand.cpu_millis > room.cpu_free) {
    return left_out(candidate, "scheduling.insufficient-cpu",
                    "needs " + cpus_text(demand.cpu_millis) + " CPU, has " + cpus_text(room.cpu_free) + " of " +
                        cpus_text(room.cpu_millis) + " free");
  }
  return std::nullopt;
}

double share(uint64_t left, uint64_t whole) {
  return whole == 0 ? 1.0 : static_cast<double>(left) / static_cast<double>(whole);
}

double score_of(const v1::Demand& demand, const Room& room) {
  return std::min(share(room.cpu_free - demand.cpu_millis, room.cpu_millis),
                  share(room.memory_free - demand.memory_bytes, room.memory_bytes));
}

/// In the order of preference.
struct Fit {
  double minus_score = 0;
  uint64_t hash = 0;
  std::string_view node;

  auto operator<=>(const Fit&) const = default;
};

}  // namespace

Result<v1::ScheduleReply> rank(const v1::ScheduleRequest& request, const Options& options) {
  if (request.candidates.size() > kMaxCandidates) {
    return Error{.code = Code::kInvalidArgument,
                 .message = std::to_string(request.candidates.size()) + " candidates, at most " +
                            std::to_string(kMaxCandidates) + " are ranked at once",
                 .reason = "scheduling.too-many-candidates"};
  }
  const v1::Demand demand = request.demand ? *request.demand : v1::Demand{};
  v1::ScheduleReply reply;
  std::vector<Fit> fits;
  for (const v1::Candidate& candidate : request.candidates) {
    const Room room = room_of(candidate, options);
    auto refused = refused_by_wish(request, candidate);
    if (!refused) refused = refused_by_room(demand, candidate, room);
    if (refused) {
      reply.left_out.push_back(std::move(*refused));
      continue;
    }
    fits.push_back({-score_of(demand, room), hash_of(request.uid, candidate.node), candidate.node});
  }
  std::sort(fits.begin(), fits.end());
  for (const Fit& fit : fits) {
    v1::Ranked& ranked = reply.ranked.emplace_back();
    ranked.node = fit.node;
    ranked.score = -fit.minus_score;
  }
  return reply;
}

}  // namespace novacron::scheduling::basic
