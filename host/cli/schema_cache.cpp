#include "host/cli/schema_cache.h"

#include <algorithm>
#include <filesystem>

#include "host/base/file.h"
#include "host/cli/url.h"

namespace novacron::host::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "sha256:";
constexpr size_t kHexDigits = 64;
constexpr size_t kMaxServerName = 200;  // of a file name

bool is_digest(std::string_view text) {
  return text.starts_with(kPrefix) && text.size() == kPrefix.size() + kHexDigits &&
         text.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string_view::npos;
}

}  // namespace

std::string SchemaCache::schema_path(const std::string& digest) const {
  return folder_ + "/schemas/" + digest.substr(kPrefix.size());
}

std::string SchemaCache::server_path(const std::string& server) const {
  return folder_ + "/servers/" + percent_encode(server).substr(0, kMaxServerName);
}

std::string SchemaCache::digest_of(const std::string& server) const {
  const auto digest = read_file(server_path(server), 1024);
  if (!digest.ok() || !is_digest(*digest)) return "";
  std::error_code ignored;
  return fs::exists(schema_path(*digest), ignored) ? *digest : "";
}

std::shared_ptr<const contract::Schema> SchemaCache::find(const std::string& digest) const {
  if (!is_digest(digest)) return nullptr;
  const auto bytes = read_file(schema_path(digest), contract::kMaxDescriptorSetBytes);
  if (!bytes.ok()) return nullptr;
  auto schema = contract::Schema::parse(*bytes);
  return schema.ok() && (*schema)->digest() == digest ? *schema : nullptr;
}

void SchemaCache::store(const std::string& server, const contract::Schema& schema) const {
  const bool folders = make_folder(folder_ + "/schemas", 0700).ok() && make_folder(folder_ + "/servers", 0700).ok();
  if (!folders || !write_file(schema_path(schema.digest()), schema.serialize(), 0600).ok()) return;
  (void)write_file(server_path(server), schema.digest(), 0600);
  prune();
}

void SchemaCache::prune() const {
  std::error_code ignored;
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  for (const auto& entry : fs::directory_iterator(folder_ + "/schemas", ignored)) {
    files.emplace_back(entry.last_write_time(ignored), entry.path());
  }
  if (files.size() <= kMaxCachedSchemas) return;
  std::sort(files.begin(), files.end());
  files.resize(files.size() - kMaxCachedSchemas);
  for (const auto& [time, path] : files) fs::remove(path, ignored);
}

}  // namespace novacron::host::cli
