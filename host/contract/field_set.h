// The JSON of a message as single values that can be decided one apart from the other, each with its path:
// "spec.arms", "metadata.labels["app"]", "spec.tools[name=saw].size_bytes".
//
// Messages, maps and MAP lists are taken apart; any other list is one value, and so is an empty message.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>

#include "host/contract/types.h"

namespace novacron::host::contract {

using Paths = std::set<std::string, std::less<>>;
using Leaves = std::map<std::string, std::string, std::less<>>;  ///< the value's JSON by its path

/// What `value`, as message_to_json() writes it, consists of.
Leaves leaves_of(const MessageType& type, const nlohmann::json& value, const std::string& path = "");
Paths paths_of(const Leaves& leaves);

/// Whether `paths` has `path` or something within it.
bool has_within(const Paths& paths, std::string_view path);
/// "spec.tools[name=saw]" of "spec.tools[name=saw].size_bytes": all items and entries of a map that `path` is within.
Paths items_around(std::string_view path);

/// Sets in `live` what `given` has. Items of MAP lists and entries of maps are found by their keys; the mask of a
/// secret leaves it as it is.
void merge_fields(const MessageType& type, const nlohmann::json& given, nlohmann::json& live);

/// Removes from `live` what is in `drop`. An item or entry of which `keep` has nothing goes as a whole; one of which it
/// has something keeps its keys.
void prune_fields(const MessageType& type, const Paths& drop, const Paths& keep, nlohmann::json& live,
                  const std::string& path = "");

}  // namespace novacron::host::contract
