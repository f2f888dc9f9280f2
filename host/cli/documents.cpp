#include "host/cli/documents.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "host/base/file.h"
#include "host/cli/exit_code.h"
#include "host/cli/yaml.h"

namespace novacron::host::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool looks_like_json(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && (text[first] == '{' || text[first] == '[');
}

/// YAML holds JSON but for corners such as tabs, so that JSON is tried first where it may be meant.
Result<std::vector<json>> parse_text(const std::string& text) {
  if (looks_like_json(text)) {
    auto value = parse_json(text);
    if (value.ok()) return std::vector<json>{*std::move(value)};
  }
  return parse_yaml(text);
}

Status add_objects(json document, std::vector<json>& objects) {
  json* list = nullptr;
  if (document.is_array()) list = &document;
  if (document.is_object() && document.contains("items") && !document.contains("spec")) list = &document["items"];
  if (list != nullptr && !list->is_array()) return usage_error("\"items\" is no list");
  if (list == nullptr) {
    if (!document.is_object()) return usage_error("a document is no object");
    objects.push_back(std::move(document));
  } else {
    for (json& item : *list) {
      if (!item.is_object()) return usage_error("an item of a list is no object");
      objects.push_back(std::move(item));
    }
  }
  if (objects.size() > kMaxObjects) return usage_error("more than " + std::to_string(kMaxObjects) + " objects");
  return {};
}

Status add_text(const std::string& text, const std::string& name, std::vector<json>& objects) {
  auto documents = parse_text(text);
  if (!documents.ok()) return wrap(usage_error(documents.error().message), name);
  for (json& document : *documents) {
    const Status added = add_objects(std::move(document), objects);
    if (!added.ok()) return wrap(added.error(), name);
  }
  return {};
}

Status add_file(const std::string& path, std::vector<json>& objects) {
  const auto text = read_file(path, kMaxDocumentBytes);
  if (!text.ok()) return usage_error(path + ": " + text.error().message);
  return add_text(*text, path, objects);
}

Result<std::vector<std::string>> files_of(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    const std::string extension = entries->path().extension();
    const bool wanted = extension == ".yaml" || extension == ".yml" || extension == ".json";
    std::error_code ignored;
    if (wanted && entries->is_regular_file(ignored)) files.push_back(entries->path());
    if (files.size() > kMaxFiles) return usage_error(folder + ": more than " + std::to_string(kMaxFiles) + " files");
  }
  if (error) return usage_error(folder + ": " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<std::string> read_all(std::istream& in, size_t max_bytes) {
  std::string text;
  std::string chunk(64 * 1024, '\0');
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
    text.append(chunk, 0, static_cast<size_t>(in.gcount()));
    if (text.size() > max_bytes)
      return usage_error("standard input has more than " + std::to_string(max_bytes) + " bytes");
  }
  return text;
}

Result<std::vector<json>> read_documents(const Environment& environment, const std::string& path) {
  std::vector<json> objects;
  std::error_code ignored;
  if (path == "-") {
    const std::string text = TRY(read_all(environment.in, kMaxDocumentBytes));
    TRY_STATUS(add_text(text, "standard input", objects));
  } else if (fs::is_directory(path, ignored)) {
    const std::vector<std::string> files = TRY(files_of(path));
    for (const std::string& file : files) TRY_STATUS(add_file(file, objects));
  } else {
    TRY_STATUS(add_file(path, objects));
  }
  if (objects.empty()) return usage_error(path + " holds no objects");
  return objects;
}

}  // namespace novacron::host::cli
