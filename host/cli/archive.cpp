#include "host/cli/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "host/base/fd.h"

namespace novacron::host::cli {
namespace {

struct Free {
  void operator()(archive* a) const { archive_write_free(a); }
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};
using Archive = std::unique_ptr<archive, Free>;
using Entry = std::unique_ptr<archive_entry, Free>;

Error failed(archive* a) {
  const char* why = archive_error_string(a);
  return {Code::kInternal, std::string("write the archive: ") + (why == nullptr ? "unknown" : why), "cli.archive"};
}

Status add(archive* out, const ArchiveFile& file, int64_t time_s) {
  const Entry entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), file.name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file.content.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0600);
  archive_entry_set_mtime(entry.get(), time_s, 0);
  if (archive_write_header(out, entry.get()) != ARCHIVE_OK) return failed(out);
  const la_ssize_t written = archive_write_data(out, file.content.data(), file.content.size());
  if (written != static_cast<la_ssize_t>(file.content.size())) return failed(out);
  return {};
}

Status write_to(int fd, const std::vector<ArchiveFile>& files, int64_t time_s) {
  const Archive out(archive_write_new());
  if (archive_write_add_filter_gzip(out.get()) != ARCHIVE_OK) return failed(out.get());
  if (archive_write_set_format_pax_restricted(out.get()) != ARCHIVE_OK) return failed(out.get());
  if (archive_write_open_fd(out.get(), fd) != ARCHIVE_OK) return failed(out.get());
  for (const ArchiveFile& file : files) TRY_STATUS(add(out.get(), file, time_s));
  if (archive_write_close(out.get()) != ARCHIVE_OK) return failed(out.get());
  return {};
}

}  // namespace

Status write_archive(const std::string& path, const std::vector<ArchiveFile>& files, int64_t time_s) {
  const std::string partial = path + ".partial";
  ::unlink(partial.c_str());
  const Fd fd(::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return errno_error("create " + partial, errno);
  Status written = write_to(fd.get(), files, time_s);
  // link() and not rename(): what is there already stays.
  if (written.ok() && ::link(partial.c_str(), path.c_str()) != 0) written = errno_error("create " + path, errno);
  ::unlink(partial.c_str());
  return written;
}

}  // namespace novacron::host::cli
