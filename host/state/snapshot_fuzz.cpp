// The reader of snapshots on hostile bytes: it refuses them, or makes a state that can be written down and read again.
#include <cstdlib>
#include <cstring>
#include <map>

#include "host/base/crc32c.h"
#include "host/state/coding.h"
#include "host/state/snapshot.h"

using namespace novacron::host;
using namespace novacron::host::state;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

class MemoryFile final : public File {
 public:
  explicit MemoryFile(std::string& bytes) : bytes_(bytes) {}
  Status write_at(uint64_t offset, std::string_view bytes) override {
    if (bytes_.size() < offset + bytes.size()) bytes_.resize(offset + bytes.size());
    std::memcpy(bytes_.data() + offset, bytes.data(), bytes.size());
    return {};
  }
  Result<size_t> read_at(uint64_t offset, char* into, size_t size) override {
    if (offset >= bytes_.size()) return size_t{0};
    const size_t got = std::min<size_t>(size, bytes_.size() - offset);
    std::memcpy(into, bytes_.data() + offset, got);
    return got;
  }
  Status sync() override { return {}; }
  Status allocate(uint64_t) override { return {}; }
  Result<uint64_t> size() override { return uint64_t{bytes_.size()}; }

 private:
  std::string& bytes_;
};

class Memory final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open) override {
    return std::unique_ptr<File>(std::make_unique<MemoryFile>(files[path]));
  }
  Status rename(const std::string& from, const std::string& to) override {
    files[to] = std::exchange(files[from], {});
    files.erase(from);
    return {};
  }
  Status remove(const std::string& path) override { return files.erase(path), Status(); }
  Status sync_folder(const std::string&) override { return {}; }
  Status create_folder(const std::string&) override { return {}; }
  Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>(); }
  Result<std::unique_ptr<FileLock>> lock(const std::string&) override { return std::make_unique<FileLock>(); }
  std::map<std::string, std::string> files;
};

/// Whatever was read can be read by key and by revision.
void walk(const Machine& machine) {
  const auto& keys = machine.keys();
  const auto now = keys.range(KeyRange::all(), keys.revision(), 1'000);
  for (const auto& entry : now.entries) require(keys.find(entry->key) != nullptr);
  (void)keys.history(keys.floor(), 1'000);
}

void load(Memory& memory) {
  Machine machine;
  const auto head = load_snapshot(memory, "snapshot", machine);
  if (!head.ok()) return require(head.code() == Code::kDataLoss);
  require(machine.keys().revision() == head->revision);
  walk(machine);
}

std::string fixed(uint32_t number) {
  std::string bytes(4, '\0');
  store_fixed(bytes.data(), number);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  Memory memory;
  memory.files["snapshot"] = bytes;
  load(memory);
  // Inputs whose checksum the fuzzer cannot guess: the bytes as the items of a good block.
  if (bytes.empty()) return 0;
  const std::string length = fixed(static_cast<uint32_t>(bytes.size()));
  memory.files["snapshot"] = "NCSTSNP1" + fixed(crc32c(bytes, crc32c(length, 0))) + length + bytes;
  load(memory);
  return 0;
}
