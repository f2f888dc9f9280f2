// A client for tests: blocking, over a Unix socket, and able to be slow or wrong.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/base/fd.h"

namespace novacron::host::api {

struct TestFolder {
  TestFolder();
  ~TestFolder() { std::filesystem::remove_all(path); }
  std::string path;
};

struct Answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  std::string header(std::string_view name) const;
};

class TestClient {
 public:
  /// Fails the test when nobody listens.
  explicit TestClient(const std::string& path);

  void send(std::string_view text);
  /// Sends a request with its length and reads the answer.
  Answer call(std::string_view method, std::string_view target, std::string_view body = "",
              std::string_view headers = "");
  Answer read_answer(bool has_body = true);
  /// Up to and including `end`; what has come so far when the connection ends or nothing comes for 10 s.
  std::string read_until(std::string_view end);
  /// Whether the server closes the connection within 10 s, whatever it still sends.
  bool is_closed();
  int fd() const { return fd_.get(); }

 private:
  bool fill();
  Fd fd_;
  std::string buffer_;
};

}  // namespace novacron::host::api
