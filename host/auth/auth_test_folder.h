// A private folder for a test, gone when the test ends.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace novacron::host::auth {

struct TestFolder {
  TestFolder() {
    char name[] = "/tmp/nc-auth-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~TestFolder() { std::filesystem::remove_all(path); }
  std::string path;
};

/// A clock that stands still until it is moved.
struct TestClock : Clock {
  uint64_t monotonic_ns() const override { return now_ns; }
  uint64_t real_ns() const override { return now_ns; }
  void advance_s(uint64_t seconds) { now_ns += seconds * 1'000'000'000; }
  uint64_t now_ns = 1'800'000'000ull * 1'000'000'000;
};

}  // namespace novacron::host::auth
