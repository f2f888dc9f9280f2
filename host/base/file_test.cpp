#include "host/base/file.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

using namespace novacron::host;

namespace {
struct Folder {
  Folder() {
    char name[] = "/tmp/nc-file-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}
}  // namespace

TEST_CASE("A written file is read back and has the mode asked for") {
  Folder folder;
  const std::string path = folder.path + "/key";
  REQUIRE(write_file(path, "one", 0600).ok());
  REQUIRE(write_file(path, "two", 0600).ok());
  CHECK(read_file(path, 100).value() == "two");
  CHECK(mode_of(path) == 0600);
  CHECK_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_CASE("Reading a file that is absent or too large says so") {
  Folder folder;
  CHECK(read_file(folder.path + "/none", 10).code() == Code::kNotFound);
  REQUIRE(write_file(folder.path + "/big", "0123456789", 0644).ok());
  CHECK(read_file(folder.path + "/big", 10).ok());
  CHECK(read_file(folder.path + "/big", 9).error().reason == "file.too-large");
}

TEST_CASE("A file cannot be written into a folder that is not there") {
  CHECK(write_file("/nonexistent/x", "a", 0600).code() == Code::kNotFound);
}

TEST_CASE("A made folder has its mode, and making it again changes nothing") {
  Folder folder;
  REQUIRE(make_folder(folder.path + "/a/b", 0700).ok());
  CHECK(mode_of(folder.path + "/a/b") == 0700);
  REQUIRE(make_folder(folder.path + "/a/b", 0755).ok());
  CHECK(mode_of(folder.path + "/a/b") == 0700);
}
