#include "host/state/file.h"

namespace novacron::host::state {

Result<std::string> read_file(FileSystem& files, const std::string& path) {
  auto file = TRY(files.open(path, FileSystem::Open::kRead));
  std::string bytes(TRY(file->size()), '\0');
  bytes.resize(TRY(file->read_at(0, bytes.data(), bytes.size())));
  return bytes;
}

Status write_file(FileSystem& files, const std::string& folder, const std::string& name, std::string_view bytes) {
  const std::string path = folder + "/" + name;
  {
    auto file = TRY(files.open(path + ".tmp", FileSystem::Open::kCreate));
    TRY_STATUS(file->write_at(0, bytes));
    TRY_STATUS(file->sync());
  }
  TRY_STATUS(files.rename(path + ".tmp", path));
  return files.sync_folder(folder);
}

}  // namespace novacron::host::state
