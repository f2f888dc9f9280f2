#include "records.h"

#include "text.h"

namespace novacron::kvm {
namespace {

constexpr size_t kRecordMaxBytes = 64 * 1024;
// Far beyond the longest deadline of a call (one hour), so that a fence outlives whatever it must stop.
constexpr uint64_t kForgetAfterNs = uint64_t{30} * 24 * 3600 * 1'000'000'000;

std::string name_of(const std::string& uid) {
  return "records/" + uid;
}

}  // namespace

Status Records::load() {
  NC_TRY_STATUS(folder_.make_folder("records"));
  const std::lock_guard lock(mutex_);
  for (const std::string& uid : NC_TRY(folder_.list("records"))) {
    if (!is_uid(uid)) continue;  // a draft that a crash left
    const std::string bytes = NC_TRY(folder_.read_file(name_of(uid), kRecordMaxBytes));
    auto record = decode<Record>(bytes);
    if (!record.ok()) return wrap(std::move(record).error(), "the record of " + uid);
    const bool forget = !record->present && record->written_at_ns + kForgetAfterNs < real_ns_();
    if (forget)
      NC_TRY_STATUS(folder_.remove_file(name_of(uid)));
    else
      records_[uid] = *std::move(record);
  }
  return {};
}

Record Records::get(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(uid);
  return found == records_.end() ? Record() : found->second;
}

Status Records::put(const std::string& uid, const Record& record) {
  const std::lock_guard lock(mutex_);
  return put_locked(uid, record);
}

Status Records::put_locked(const std::string& uid, Record record) {
  record.written_at_ns = real_ns_();
  NC_TRY_STATUS(folder_.replace_file(name_of(uid), encode(record)));
  records_[uid] = std::move(record);
  return {};
}

Result<Record> Records::admit(const std::string& uid, uint64_t fence) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(uid);
  Record record = found == records_.end() ? Record() : found->second;
  if (fence < record.claim_fence) {
    return Error{.code = Code::kAborted,
                 .message = "claim " + std::to_string(fence) + " on " + uid +
                            " is stale: " + std::to_string(record.claim_fence) + " was seen",
                 .reason = "compute.stale-claim"};
  }
  if (fence > record.claim_fence) {
    record.claim_fence = fence;
    NC_TRY_STATUS(put_locked(uid, record));
  }
  return record;
}

std::vector<std::string> Records::present() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> uids;
  for (const auto& [uid, record] : records_) {
    if (record.present) uids.push_back(uid);
  }
  return uids;
}

bool Records::is_present(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(uid);
  return found != records_.end() && found->second.present;
}

std::set<std::string> Records::images_in_use() const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> digests;
  for (const auto& [uid, record] : records_) {
    if (record.present) digests.insert(record.images.begin(), record.images.end());
  }
  return digests;
}

}  // namespace novacron::kvm
