#include "folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "test_folder.h"

using namespace novacron;
using namespace novacron::kvm;

namespace {

Folder open_folder(const testing::TestFolder& folder) {
  auto opened = Folder::open(folder.path() + "/data");
  REQUIRE(opened.ok());
  return *std::move(opened);
}

}  // namespace

TEST_CASE("a file is replaced as a whole and read back") {
  const testing::TestFolder temporary;
  const Folder folder = open_folder(temporary);
  REQUIRE(folder.make_folder("a").ok());
  REQUIRE(folder.replace_file("a/x", "one").ok());
  REQUIRE(folder.replace_file("a/x", "two").ok());
  CHECK(*folder.read_file("a/x", 100) == "two");
  CHECK(folder.read_file("a/x", 2).code() == Code::kResourceExhausted);
  CHECK(*folder.list("a") == std::vector<std::string>{"x"});
}

TEST_CASE("no name leads outside the folder") {
  const testing::TestFolder temporary;
  const Folder folder = open_folder(temporary);
  REQUIRE(folder.replace_file("inside", "x").ok());
  for (const char* name : {"../outside", "/etc/passwd", "a/../../outside", "..", "/"}) {
    CAPTURE(name);
    CHECK_FALSE(folder.open_file(name, O_RDONLY).ok());
    CHECK_FALSE(folder.open_file(name, O_WRONLY | O_CREAT).ok());
    CHECK_FALSE(folder.replace_file(name, "x").ok());
    CHECK_FALSE(folder.make_folder(name).ok());
    CHECK_FALSE(folder.rename("inside", name).ok());
  }
  CHECK_FALSE(std::filesystem::exists(temporary.path() + "/outside"));
  CHECK(folder.contains("inside"));
}

TEST_CASE("no symbolic link is followed, wherever it stands in the name") {
  const testing::TestFolder temporary;
  const Folder folder = open_folder(temporary);
  std::filesystem::create_directory(temporary.path() + "/elsewhere");
  std::filesystem::create_directory_symlink(temporary.path() + "/elsewhere", folder.path() + "/link");
  std::filesystem::create_symlink("/etc/hostname", folder.path() + "/file-link");
  std::filesystem::create_symlink("inside", folder.path() + "/inner-link");
  REQUIRE(folder.replace_file("inside", "x").ok());
  for (const char* name : {"link/x", "file-link", "inner-link"}) {
    CAPTURE(name);
    CHECK_FALSE(folder.open_file(name, O_RDONLY).ok());
    CHECK_FALSE(folder.open_file(name, O_WRONLY | O_CREAT).ok());
  }
  CHECK_FALSE(folder.replace_file("link/x", "x").ok());
  CHECK_FALSE(folder.make_folder("link").ok());
  CHECK_FALSE(folder.remove_folder("link").ok());
  CHECK(std::filesystem::is_empty(temporary.path() + "/elsewhere"));
}

TEST_CASE("a folder goes with its files, and what is gone already is no error") {
  const testing::TestFolder temporary;
  const Folder folder = open_folder(temporary);
  REQUIRE(folder.make_folder("a").ok());
  REQUIRE(folder.replace_file("a/x", "1").ok());
  REQUIRE(folder.remove_folder("a").ok());
  CHECK_FALSE(folder.contains("a"));
  CHECK(folder.remove_folder("a").ok());
  CHECK(folder.remove_file("a/x").ok());
  CHECK(folder.remove_file("x").ok());
}

TEST_CASE("the data folder must be absolute") {
  CHECK(Folder::open("data").code() == Code::kInvalidArgument);
}
