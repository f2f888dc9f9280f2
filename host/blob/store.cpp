#include "host/blob/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <optional>

#include "host/base/file.h"
#include "host/base/random.h"
#include "host/blob/disk.h"
#include "host/blob/upload.h"

namespace novacron::host::blob {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "novacron-blobs 1\n";
constexpr std::string_view kAlgorithm = "sha256:";
constexpr size_t kHexDigits = 64;
constexpr uint64_t kNsPerMs = 1'000'000;
constexpr uint64_t kNsPerSecond = 1'000'000'000;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Error no_blob(std::string_view digest) {
  return {Code::kNotFound, "there is no blob " + std::string(digest), "blob.not-found"};
}
Error no_upload(std::string_view id) {
  return {Code::kNotFound, "there is no upload " + std::string(id) + ": start a new one", "blob.upload"};
}

std::string new_id() {
  unsigned char bytes[16];
  system_random().fill(bytes, sizeof bytes);
  std::string id;
  for (const unsigned char byte : bytes) {
    id += "0123456789abcdef"[byte >> 4];
    id += "0123456789abcdef"[byte & 15];
  }
  return id;
}

}  // namespace

Status check_digest(std::string_view digest) {
  if (digest.size() == kAlgorithm.size() + kHexDigits && digest.starts_with(kAlgorithm) &&
      is_hex(digest.substr(kAlgorithm.size())))
    return {};
  return Error{Code::kInvalidArgument, "a digest is \"sha256:\" and 64 lower-case hexadecimal digits", "blob.digest"};
}

/// The folder: format, lock, blobs/<two digits>/<digest>, uploads/<id>. The index of the blobs is kept in memory; a
/// file is renamed to its place and removed only with `mutex_` held, so that index and folder agree.
class Store::State {
 public:
  State(fs::path folder, Options options, const Clock& clock)
      : folder_(std::move(folder)), options_(options), clock_(clock) {}

  Status open();
  Result<Upload> begin();
  Result<Upload> append(std::string_view id, uint64_t offset, std::string_view chunk);
  Result<Upload> upload(std::string_view id);
  Result<Info> finish(std::string_view id, std::string_view digest);
  Status abort(std::string_view id);
  Result<Info> stat(std::string_view digest) const;
  Result<OpenBlob> open_blob(std::string_view digest) const;
  Result<ListReply> list(std::string_view after, size_t limit) const;
  Status remove(std::string_view digest);
  Result<CollectReply> collect(const std::unordered_set<std::string>& live, uint64_t grace_ms);
  Usage usage() const;
  void set_max_bytes(uint64_t max_bytes);

 private:
  using UploadPtr = std::shared_ptr<UploadFile>;

  Status check_format();
  Status read_blobs();
  Status read_uploads();
  Result<UploadPtr> find_upload(std::string_view id) const;
  Status reserve(uint64_t bytes);
  void release(uint64_t bytes);
  Result<Info> store(UploadFile& upload, const std::string& digest);
  Status make_shard(const std::string& digest);
  void forget_upload(std::string_view id, UploadFile& upload);
  Result<std::optional<uint64_t>> remove_if(const std::string& digest, uint64_t stored_before_ns);
  fs::path path_of(std::string_view digest) const {
    const auto hex = digest.substr(kAlgorithm.size());
    return folder_ / "blobs" / hex.substr(0, 2) / hex;
  }

  const fs::path folder_;
  Options options_;  ///< max_bytes under mutex_; the others never change
  const Clock& clock_;
  Fd lock_;
  mutable std::mutex mutex_;  ///< never held while a chunk is written or read
  std::map<std::string, Info, std::less<>> blobs_;
  std::map<std::string, UploadPtr, std::less<>> uploads_;
  uint64_t blob_bytes_ = 0;
  uint64_t upload_bytes_ = 0;
};

Status Store::State::open() {
  for (const char* part : {"", "blobs", "uploads"}) TRY_STATUS(make_folder((folder_ / part).string(), 0700));
  lock_ = TRY(lock_folder(folder_));
  TRY_STATUS(check_format());
  TRY_STATUS(read_blobs());
  TRY_STATUS(read_uploads());
  return sync_folder(folder_);
}

Status Store::State::check_format() {
  const auto path = (folder_ / "format").string();
  auto format = read_file(path, kFormat.size() * 2);
  if (format.code() == Code::kNotFound) return write_file(path, kFormat, 0600);
  if (format.ok() && *format == kFormat) return {};
  return Error{Code::kFailedPrecondition, "the blobs in " + folder_.string() + " were written by another version",
               "blob.format"};
}

Status Store::State::read_blobs() {
  std::error_code error;
  for (auto file = fs::recursive_directory_iterator(folder_ / "blobs", error);
       !error && file != fs::recursive_directory_iterator(); file.increment(error)) {
    if (!file->is_regular_file(error)) continue;
    const std::string digest = std::string(kAlgorithm) + file->path().filename().string();
    struct stat info {};
    if (!check_digest(digest).ok() || ::lstat(file->path().c_str(), &info) != 0) continue;
    const auto stored_ns =
        static_cast<uint64_t>(info.st_mtim.tv_sec) * kNsPerSecond + static_cast<uint64_t>(info.st_mtim.tv_nsec);
    blobs_[digest] = {digest, static_cast<uint64_t>(info.st_size), stored_ns};
    blob_bytes_ += static_cast<uint64_t>(info.st_size);
  }
  if (error) return disk_error("list", folder_ / "blobs", error.value());
  return {};
}

Status Store::State::read_uploads() {
  std::error_code error;
  for (auto file = fs::directory_iterator(folder_ / "uploads", error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    auto upload = TRY(UploadFile::resume(file->path()));
    upload->touched_ns = clock_.real_ns();
    upload_bytes_ += upload->size();
    uploads_.emplace(file->path().filename().string(), std::move(upload));
  }
  if (error) return disk_error("list", folder_ / "uploads", error.value());
  return {};
}

Result<Upload> Store::State::begin() {
  const std::string id = new_id();
  std::lock_guard lock(mutex_);
  if (uploads_.size() >= kMaxUploads)
    return Error{Code::kResourceExhausted, "there are " + std::to_string(kMaxUploads) + " uploads under way",
                 "blob.uploads"};
  auto upload = TRY(UploadFile::create(folder_ / "uploads" / id));
  upload->touched_ns = clock_.real_ns();
  uploads_.emplace(id, std::move(upload));
  return Upload{id, 0};
}

Result<Store::State::UploadPtr> Store::State::find_upload(std::string_view id) const {
  std::lock_guard lock(mutex_);
  const auto found = uploads_.find(id);
  if (found == uploads_.end()) return no_upload(id);
  return found->second;
}

Status Store::State::reserve(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  const uint64_t used = blob_bytes_ + upload_bytes_;
  if (used > options_.max_bytes || bytes > options_.max_bytes - used)
    return Error{Code::kResourceExhausted,
                 "blobs may take " + std::to_string(options_.max_bytes) + " bytes: remove some", "blob.quota"};
  upload_bytes_ += bytes;
  return {};
}

void Store::State::release(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  upload_bytes_ -= bytes;
}

Result<Upload> Store::State::append(std::string_view id, uint64_t offset, std::string_view chunk) {
  if (chunk.size() > kMaxChunkBytes)
    return Error{Code::kInvalidArgument, "a chunk has at most " + std::to_string(kMaxChunkBytes) + " bytes",
                 "blob.chunk"};
  const UploadPtr upload = TRY(find_upload(id));
  std::lock_guard lock(upload->mutex);
  if (upload->gone) return no_upload(id);
  if (offset != upload->size())
    return Error{Code::kFailedPrecondition, "the upload stands at offset " + std::to_string(upload->size()),
                 "blob.offset"};
  if (chunk.size() > options_.max_blob_bytes - std::min(options_.max_blob_bytes, upload->size()))
    return Error{Code::kResourceExhausted, "a blob has at most " + std::to_string(options_.max_blob_bytes) + " bytes",
                 "blob.size"};
  TRY_STATUS(reserve(chunk.size()));
  auto appended = upload->append(chunk);
  if (!appended.ok()) {
    release(chunk.size());
    return std::move(appended).error();
  }
  upload->touched_ns = clock_.real_ns();
  return Upload{std::string(id), upload->size()};
}

Result<Upload> Store::State::upload(std::string_view id) {
  const UploadPtr upload = TRY(find_upload(id));
  std::lock_guard lock(upload->mutex);
  if (upload->gone) return no_upload(id);
  return Upload{std::string(id), upload->size()};
}

/// Its bytes are given back, unless they became a blob; so the file is unlinked, which does nothing after a rename.
void Store::State::forget_upload(std::string_view id, UploadFile& upload) {
  upload.gone = true;
  ::unlink(upload.path().c_str());
  std::lock_guard lock(mutex_);
  upload_bytes_ -= upload.size();
  if (const auto found = uploads_.find(id); found != uploads_.end()) uploads_.erase(found);
}

Result<Info> Store::State::finish(std::string_view id, std::string_view digest) {
  if (!digest.empty()) TRY_STATUS(check_digest(digest));
  const UploadPtr upload = TRY(find_upload(id));
  std::lock_guard lock(upload->mutex);
  if (upload->gone) return no_upload(id);
  auto hex = upload->finish_hex();
  if (!hex.ok()) {
    forget_upload(id, *upload);
    return std::move(hex).error();
  }
  const std::string found = std::string(kAlgorithm) + *hex;
  if (!digest.empty() && digest != found) {
    forget_upload(id, *upload);
    return Error{Code::kInvalidArgument, "the bytes have the digest " + found, "blob.mismatch"};
  }
  auto stored = store(*upload, found);
  if (stored.ok() || ::access(upload->path().c_str(), F_OK) != 0) forget_upload(id, *upload);
  return stored;  // what failed before the rename, such as for lack of space, can be finished later
}

/// The bytes first, then the name, then the folder: a name that is seen stands for bytes that are there.
Result<Info> Store::State::store(UploadFile& upload, const std::string& digest) {
  const uint64_t now = clock_.real_ns();
  if (::fchmod(upload.fd(), 0400) != 0) return disk_error("change", upload.path(), errno);
  TRY_STATUS(set_modified(upload.fd(), now, upload.path()));
  TRY_STATUS(sync_file(upload.fd(), upload.path()));
  TRY_STATUS(make_shard(digest));
  const auto path = path_of(digest);
  Info info{digest, upload.size(), now};
  {
    std::lock_guard lock(mutex_);
    if (::rename(upload.path().c_str(), path.c_str()) != 0) return disk_error("rename", upload.path(), errno);
    const auto [blob, added] = blobs_.insert_or_assign(digest, info);
    if (added) blob_bytes_ += info.size_bytes;
  }
  TRY_STATUS(sync_folder(path.parent_path()));
  return info;
}

Status Store::State::make_shard(const std::string& digest) {
  const auto shard = path_of(digest).parent_path();
  if (::mkdir(shard.c_str(), 0700) == 0) return sync_folder(shard.parent_path());
  if (errno == EEXIST) return {};
  return disk_error("create", shard, errno);
}

Status Store::State::abort(std::string_view id) {
  const UploadPtr upload = TRY(find_upload(id));
  std::lock_guard lock(upload->mutex);
  if (upload->gone) return no_upload(id);
  forget_upload(id, *upload);
  return {};
}

Result<Info> Store::State::stat(std::string_view digest) const {
  TRY_STATUS(check_digest(digest));
  std::lock_guard lock(mutex_);
  const auto found = blobs_.find(digest);
  if (found == blobs_.end()) return no_blob(digest);
  return found->second;
}

Result<OpenBlob> Store::State::open_blob(std::string_view digest) const {
  OpenBlob blob{.info = TRY(stat(digest)), .fd = Fd()};
  const auto path = path_of(digest);
  blob.fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (blob.fd) return blob;
  if (errno == ENOENT) return no_blob(digest);  // removed between the two
  return disk_error("open", path, errno);
}

Result<ListReply> Store::State::list(std::string_view after, size_t limit) const {
  if (!after.empty()) TRY_STATUS(check_digest(after));
  if (limit == 0 || limit > kMaxListed) limit = kMaxListed;
  ListReply reply;
  std::lock_guard lock(mutex_);
  auto blob = after.empty() ? blobs_.begin() : blobs_.upper_bound(after);
  for (; blob != blobs_.end() && reply.blobs.size() < limit; ++blob) reply.blobs.push_back(blob->second);
  reply.more = blob != blobs_.end();
  return reply;
}

/// The bytes that are free again; none when it is not there, or was stored again in the meantime.
Result<std::optional<uint64_t>> Store::State::remove_if(const std::string& digest, uint64_t stored_before_ns) {
  std::lock_guard lock(mutex_);
  const auto found = blobs_.find(digest);
  if (found == blobs_.end() || found->second.stored_ns >= stored_before_ns) return std::optional<uint64_t>();
  const auto path = path_of(digest);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return disk_error("remove", path, errno);
  const uint64_t bytes = found->second.size_bytes;
  blob_bytes_ -= bytes;
  blobs_.erase(found);
  return std::optional(bytes);
}

Status Store::State::remove(std::string_view digest) {
  TRY_STATUS(stat(digest));
  TRY_STATUS(remove_if(std::string(digest), UINT64_MAX));
  return sync_folder(path_of(digest).parent_path());
}

Result<CollectReply> Store::State::collect(const std::unordered_set<std::string>& live, uint64_t grace_ms) {
  const uint64_t now = clock_.real_ns();
  const auto before = [now](uint64_t ms) { return now > ms * kNsPerMs ? now - ms * kNsPerMs : 0; };
  std::vector<Info> dead;
  std::vector<std::pair<std::string, UploadPtr>> uploads;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [digest, info] : blobs_)
      if (live.count(digest) == 0 && info.stored_ns < before(grace_ms)) dead.push_back(info);
    uploads.assign(uploads_.begin(), uploads_.end());
  }
  CollectReply reply;
  for (const Info& info : dead) {
    const auto removed_bytes = TRY(remove_if(info.digest, before(grace_ms)));
    if (!removed_bytes) continue;
    ++reply.removed;
    reply.removed_bytes += *removed_bytes;
  }
  for (auto& [id, upload] : uploads) {
    std::lock_guard lock(upload->mutex);
    if (upload->gone || upload->touched_ns >= before(options_.upload_idle_ms)) continue;
    forget_upload(id, *upload);
    ++reply.uploads_removed;
  }
  return reply;
}

Usage Store::State::usage() const {
  std::lock_guard lock(mutex_);
  return {blobs_.size(), blob_bytes_, upload_bytes_, options_.max_bytes};
}

void Store::State::set_max_bytes(uint64_t max_bytes) {
  std::lock_guard lock(mutex_);
  options_.max_bytes = max_bytes;
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(std::filesystem::path folder, Options options, const Clock& clock) {
  auto state = std::make_unique<State>(std::move(folder), options, clock);
  TRY_STATUS(state->open());
  return std::unique_ptr<Store>(new Store(std::move(state)));
}

Result<Upload> Store::begin() {
  return state_->begin();
}
Result<Upload> Store::append(std::string_view id, uint64_t offset, std::string_view chunk) {
  return state_->append(id, offset, chunk);
}
Result<Upload> Store::upload(std::string_view id) {
  return state_->upload(id);
}
Result<Info> Store::finish(std::string_view id, std::string_view digest) {
  return state_->finish(id, digest);
}
Status Store::abort(std::string_view id) {
  return state_->abort(id);
}

Result<Info> Store::put(std::string_view bytes) {
  const Upload upload = TRY(begin());
  for (uint64_t offset = 0; offset < bytes.size(); offset += kMaxChunkBytes) {
    auto appended = append(upload.id, offset, bytes.substr(offset, kMaxChunkBytes));
    if (appended.ok()) continue;
    (void)abort(upload.id);
    return std::move(appended).error();
  }
  return finish(upload.id, "");
}

Result<Info> Store::stat(std::string_view digest) const {
  return state_->stat(digest);
}
Result<OpenBlob> Store::open(std::string_view digest) const {
  return state_->open_blob(digest);
}
Result<ListReply> Store::list(std::string_view after, size_t limit) const {
  return state_->list(after, limit);
}
Status Store::remove(std::string_view digest) {
  return state_->remove(digest);
}
Result<CollectReply> Store::collect(const std::unordered_set<std::string>& live, uint64_t grace_ms) {
  return state_->collect(live, grace_ms);
}
Usage Store::usage() const {
  return state_->usage();
}
void Store::set_max_bytes(uint64_t max_bytes) {
  state_->set_max_bytes(max_bytes);
}

}  // namespace novacron::host::blob
