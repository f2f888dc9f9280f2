// What the tests of the CLI share: a schema of their own, a host that they script, and one run of the CLI against it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "host/cli/environment.h"
#include "host/cli/exit_code.h"
#include "host/contract/schema.h"

namespace novacron::host::cli::testing {

/// The schema with testdata/workshop.proto installed.
const std::shared_ptr<const contract::Schema>& workshop();

/// A private folder with a short name.
struct Folder {
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string path;
};

struct FakeRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  bool is_websocket = false;
};

struct FakeResponse {
  unsigned status = 200;
  std::string body = {};
  std::map<std::string, std::string> headers = {{"Content-Type", "application/json"}};
  std::vector<std::string> chunks = {};    ///< if any: the body is sent in these pieces
  std::vector<std::string> messages = {};  ///< of a WebSocket, binary
  bool stays_open = false;                 ///< after the chunks, until the client goes
  bool drops = false;                      ///< closes the connection without an answer
};

using Handler = std::function<FakeResponse(const FakeRequest&)>;

/// Serves on a Unix socket, or with TLS on a free port of 127.0.0.1. The handler runs on the host's threads, one at a
/// time.
class FakeHost {
 public:
  explicit FakeHost(Handler handler);
  /// PEM files; the certificate is for 127.0.0.1.
  FakeHost(Handler handler, const std::string& certificate, const std::string& key);
  ~FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const std::string& url() const { return url_; }
  std::vector<FakeRequest> requests() const;
  /// "GET /v1/schema", in their order.
  std::vector<std::string> lines() const;

 private:
  class Impl;
  std::string url_;
  std::unique_ptr<Impl> impl_;
};

/// A host that keeps objects of the workshop's kinds in memory: create, read, list, replace, merge, delete, watch.
class FakeObjects {
 public:
  FakeResponse operator()(const FakeRequest& request);

  /// Objects by path: "/v1/tenants/default/machines/one".
  std::map<std::string, nlohmann::json>& objects() { return objects_; }
  /// Called with each object that was written, before it is stored: a controller's part.
  std::function<void(nlohmann::json& object)> on_write;
  /// Lines of the next watch; without any, the watch stays silent.
  std::vector<std::string> watch_lines;

 private:
  FakeResponse create(const FakeRequest& request, const std::string& path);
  FakeResponse change(const FakeRequest& request, const std::string& path, const std::string& key,
                      nlohmann::json object);
  FakeResponse write(const FakeRequest& request, const std::string& path, nlohmann::json object, unsigned status);
  FakeResponse remove_many(const FakeRequest& request, const std::string& path);
  FakeResponse list(const FakeRequest& request, const std::string& path) const;

  std::map<std::string, nlohmann::json> objects_;
  uint64_t revision_ = 100;
};

/// What one run of the CLI did.
struct Outcome {
  ExitCode code = ExitCode::kOk;
  std::string out;
  std::string err;
};

struct RunOptions {
  std::string in = {};
  bool is_terminal = false;
  std::map<std::string, std::string> variables = {};
  std::string secret = {};
  std::function<Result<int>(const std::string& program, const std::vector<std::string>& arguments)> run_program = {};
};

/// Runs the CLI with its files in `folder`. `server` "": none is named.
Outcome run_cli(const Folder& folder, const std::string& server, std::vector<std::string> words,
                const RunOptions& options = {});

}  // namespace novacron::host::cli::testing
