#include "host/cli/testing.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "host/cli/app.h"
#include "host/cli/testing_bench.h"
#include "host/cli/url.h"

namespace novacron::host::cli::testing {
namespace {

using nlohmann::json;

FakeResponse problem(unsigned status, const std::string& reason, const std::string& detail) {
  return {.status = status, .body = json{{"status", status}, {"reason", reason}, {"detail", detail}}.dump()};
}

/// "/v1/tenants/default/machines" is a collection, with one more part it is an object.
bool is_collection(const std::string& path) {
  return path.ends_with("/machines") || path.ends_with("/shelves");
}

std::string kind_id(const std::string& path) {
  return path.find("/machines") != std::string::npos ? "test.workshop/Machine" : "test.workshop/Shelf";
}

FakeResponse serve_schema(const FakeRequest& request) {
  const auto known = request.headers.find("if-none-match");
  if (known != request.headers.end() && known->second == "\"" + workshop()->digest() + "\"") return {.status = 304};
  return {.body = workshop()->serialize(), .headers = {{"Content-Type", "application/x-protobuf"}}};
}

}  // namespace

const std::shared_ptr<const contract::Schema>& workshop() {
  static const std::shared_ptr<const contract::Schema> kSchema = [] {
    std::ifstream file(NOVACRON_CLI_TEST_SCHEMA, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    auto schema = contract::Schema::create({{"test.workshop.v1", bytes.str()}});
    if (!schema.ok()) {
      std::fprintf(stderr, "%s\n", schema.error().message.c_str());
      for (const auto& field : schema.error().fields) {
        std::fprintf(stderr, "%s: %s\n", field.path.c_str(), field.message.c_str());
      }
      std::abort();
    }
    return *std::move(schema);
  }();
  return kSchema;
}

Folder::Folder()
    : path([] {
        char name[] = "/tmp/nc-cli-XXXXXX";
        return std::string(::mkdtemp(name));
      }()) {}

Folder::~Folder() {
  std::filesystem::remove_all(path);
}

namespace {
/// Knows selectors of one label.
bool is_selected(const FakeRequest& request, const json& object) {
  if (request.target.find("label_selector=") == std::string::npos) return true;
  const json& labels = value_at(object, "metadata.labels");
  for (const auto& [key, value] : labels.items()) {
    const std::string query = with_query("", {{"label_selector", key + "=" + value.get<std::string>()}});
    if (request.target.find(query.substr(1)) != std::string::npos) return true;
  }
  return false;
}
}  // namespace

FakeResponse FakeObjects::operator()(const FakeRequest& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  if (path == "/v1/schema") return serve_schema(request);
  if (request.method == "GET" && request.target.find("watch=true") != std::string::npos) {
    return {.chunks = std::exchange(watch_lines, {}), .stays_open = true};
  }
  const bool lists = request.target.find("label_selector=") != std::string::npos;
  if (request.method == "DELETE" && is_collection(path)) return remove_many(request, path);
  if (is_collection(path) || lists) return request.method == "POST" ? create(request, path) : list(request, path);
  const auto found = objects_.find(path.substr(0, path.find(':')));
  const auto type = request.headers.find("content-type");
  const bool applies = type != request.headers.end() && type->second == "application/apply-patch+json";
  if (found == objects_.end() && applies) return create(request, path.substr(0, path.rfind('/')));
  if (found == objects_.end()) return problem(404, "resource.not-found", "there is no " + path);
  if (request.method == "GET") return {.body = found->second.dump()};
  if (request.method != "DELETE") return change(request, path, found->first, found->second);
  const std::string last = found->second.dump();
  if (request.target.find("dry_run") == std::string::npos) objects_.erase(found);
  return {.body = last};
}

FakeResponse FakeObjects::create(const FakeRequest& request, const std::string& path) {
  json object = json::parse(request.body);
  const std::string name = text_at(object, "metadata.name");
  if (objects_.contains(path + "/" + name)) return problem(409, "resource.exists", name + " exists");
  object["metadata"].update({{"uid", "uid-" + name}, {"generation", 1}, {"created_at", "2026-01-01T00:00:00Z"}});
  return write(request, path + "/" + name, std::move(object), 201);
}

FakeResponse FakeObjects::change(const FakeRequest& request, const std::string& path, const std::string& key,
                                 json object) {
  const json before = object;
  const std::string generation = std::to_string(number_at(object, "metadata.generation"));
  const json body = request.body.empty() ? json() : json::parse(request.body);
  if (request.method == "PATCH") body.is_array() ? object.patch_inplace(body) : object.merge_patch(body);
  if (request.method == "PUT") {
    const std::string tag = "\"" + text_at(object, "metadata.uid") + "-g" + generation + "\"";
    if (request.headers.at("if-match") != tag) return problem(412, "http.precondition", "it has changed");
    object = json::parse(request.body);
    object["status"] = value_at(before, "status");
  }
  if (path.ends_with(":start")) object["spec"]["mode"] = "ON";
  if (path.ends_with(":halt")) object["spec"]["mode"] = "OFF";
  if (value_at(object, "spec") != value_at(before, "spec")) {
    object["metadata"]["generation"] = number_at(object, "metadata.generation") + 1;
  }
  return write(request, key, std::move(object), 200);
}

FakeResponse FakeObjects::write(const FakeRequest& request, const std::string& path, json object, unsigned status) {
  object["kind"] = kind_id(path);
  const bool no_mode = value_at(object, "spec.mode").is_null();
  if (no_mode && path.find("/machines/") != std::string::npos) object["spec"]["mode"] = "ON";
  if (request.target.find("dry_run=true") != std::string::npos) return {.status = status, .body = object.dump()};
  object["metadata"]["revision"] = ++revision_;
  if (on_write) on_write(object);
  objects_[path] = object;
  return {.status = status, .body = object.dump()};
}

FakeResponse FakeObjects::remove_many(const FakeRequest& request, const std::string& path) {
  json items = json::array();
  for (auto object = objects_.begin(); object != objects_.end();) {
    const bool chosen = object->first.starts_with(path + "/") && is_selected(request, object->second);
    const json& metadata = object->second["metadata"];
    const bool kept = value_at(metadata, "labels.keep") == "yes";
    if (chosen) {
      items.push_back({{"name", metadata["name"]}, {"uid", metadata["uid"]}, {"state", kept ? "KEPT" : "DELETED"}});
      if (kept) items.back()["detail"] = "in use";
    }
    object = chosen && !kept ? objects_.erase(object) : std::next(object);
  }
  return {.body = json{{"items", items}, {"next_page_token", ""}}.dump()};
}

FakeResponse FakeObjects::list(const FakeRequest& request, const std::string& path) const {
  json items = json::array();
  for (const auto& [key, object] : objects_) {
    const bool is_here = key.substr(0, key.rfind('/')) == path;
    if (is_here && is_selected(request, object)) items.push_back(object);
  }
  return {.body = json{{"items", items}, {"revision", revision_}}.dump()};
}

Outcome run_cli(const Folder& folder, const std::string& server, std::vector<std::string> words,
                const RunOptions& options) {
  std::istringstream in(options.in);
  std::ostringstream out;
  std::ostringstream err;
  std::map<std::string, std::string> variables = {{"HOME", folder.path},
                                                  {"NOVACRON_SOCKET", folder.path + "/none.sock"}};
  if (!server.empty()) variables["NOVACRON_SERVER"] = server;
  for (const auto& [name, value] : options.variables) variables[name] = value;
  Environment environment{.in = in,
                          .out = out,
                          .err = err,
                          .in_is_terminal = options.is_terminal,
                          .variable =
                              [&](const char* name) {
                                const auto found = variables.find(name);
                                return found == variables.end() ? std::string() : found->second;
                              },
                          .sleep_ms = [](uint64_t) {},
                          .read_secret = [&](const std::string&) -> Result<std::string> { return options.secret; },
                          .edit_file = [](const std::string&) { return Status(); },
                          .run_program = options.run_program};
  const ExitCode code = run(environment, words);
  return {code, out.str(), err.str()};
}

void Bench::make_ready(json& object) {
  const json& mode = value_at(object, "spec.mode");
  object["status"] = {{"phase", mode == "OFF" ? "IDLE" : "WORKING"},
                      {"observed_generation", number_at(object, "metadata.generation")}};
}

}  // namespace novacron::host::cli::testing
