#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/auth/certificates.h"
#include "host/base/file.h"
#include "host/cli/config.h"
#include "host/cli/testing.h"

using namespace novacron::host;
using namespace novacron::host::cli;
using namespace novacron::host::cli::testing;
using nlohmann::json;

namespace {

/// A host with TLS that gives a token for the right credential and answers to nobody without it.
struct LoginBench {
  FakeResponse answer(const FakeRequest& request) const {
    if (request.target == "/v1/auth/token") {
      const json body = json::parse(request.body);
      if (body["credential"] != "right")
        return {.status = 401, .body = R"({"detail":"wrong credential","reason":"auth.credential"})"};
      return {.body = R"({"token":"TOKEN","expires_at":"2030-01-01T00:00:00Z"})"};
    }
    if (request.target == "/healthz" || request.target == "/version") return {.body = R"({"version":"9"})"};
    const auto given = request.headers.find("authorization");
    if (given == request.headers.end() || given->second != "Bearer TOKEN") {
      return {.status = 401, .body = R"({"detail":"who are you?","reason":"auth.required"})"};
    }
    if (request.target == "/v1/schema") return {.body = workshop()->serialize()};
    if (request.target == "/v1/whoami") return {.body = R"({"principal":"user:admin"})"};
    if (request.target == "/readyz") return {.body = R"({"status":"ok"})"};
    return {.body = R"({"items":[],"revision":1})"};
  }

  Folder folder;
  auth::TlsFiles tls = *auth::ensure_certificates({.folder = folder.path + "/tls"});
  FakeHost host{[this](const FakeRequest& request) { return answer(request); }, tls.certificate, tls.key};

  Outcome operator()(std::vector<std::string> words, const RunOptions& options = {}) {
    return run_cli(folder, "", std::move(words), options);
  }
  Outcome log_in() { return (*this)({"login", host.url(), "--ca", tls.ca, "--name", "lab"}, {.in = "right\n"}); }
  std::string config() const { return folder.path + "/.config/novacron/config.toml"; }
};

}  // namespace

TEST_CASE("a login is remembered as a context that only its owner can read") {
  LoginBench cli;
  const Outcome done = cli.log_in();
  CHECK(done.err.empty());
  CHECK(done.out.find("as context lab until 2030") != std::string::npos);
  struct stat status {};
  REQUIRE(::stat(cli.config().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(cli({"mc", "list"}).out == "no machines\n");
  CHECK(cli({"context", "show"}).out.find("TOKEN") == std::string::npos);
}

TEST_CASE("the credential is asked for on a terminal without being shown") {
  LoginBench cli;
  const Outcome done = cli({"login", cli.host.url(), "--ca", cli.tls.ca}, {.is_terminal = true, .secret = "right"});
  CHECK(done.code == ExitCode::kOk);
  CHECK(done.out.find("right") == std::string::npos);
}

TEST_CASE("a wrong credential and an unknown authority are refused and not remembered") {
  LoginBench cli;
  CHECK(cli({"login", cli.host.url(), "--ca", cli.tls.ca}, {.in = "wrong\n"}).code == ExitCode::kDenied);
  CHECK(cli({"login", cli.host.url()}, {.in = "right\n"}).code == ExitCode::kUnavailable);
  CHECK(cli({"login", cli.host.url(), "--ca", cli.tls.ca}, {.in = "\n"}).code == ExitCode::kUsage);
  CHECK(load_config(cli.config())->contexts.empty());
}

TEST_CASE("contexts are listed, chosen and forgotten") {
  LoginBench cli;
  cli.log_in();
  cli({"login", cli.host.url(), "--ca", cli.tls.ca, "--name", "second"}, {.in = "right\n"});
  CHECK(cli({"context", "list", "-o", "name"}).out == "lab\nsecond\n");
  CHECK(cli({"context", "use", "lab"}).code == ExitCode::kOk);
  CHECK(load_config(cli.config())->current == "lab");
  CHECK(cli({"context", "use", "none"}).code == ExitCode::kNotFound);
  CHECK(cli({"context", "delete", "lab"}).code == ExitCode::kOk);
  CHECK(load_config(cli.config())->contexts.size() == 1);
  CHECK(cli({"mc", "list", "--context", "secnd"}).err.find("Did you mean `second`?") != std::string::npos);
}

TEST_CASE("a file of contexts that is none is refused") {
  Folder folder;
  const std::string path = folder.path + "/broken.toml";
  for (const char* text : {"[&", "[contexts", "current = "}) {
    REQUIRE(write_file(path, text, 0600).ok());
    CHECK_FALSE(load_config(path).ok());
  }
}

TEST_CASE("a context's token is never sent to a server that was named otherwise") {
  LoginBench cli;
  cli.log_in();
  std::vector<FakeRequest> seen;
  FakeHost other([&](const FakeRequest& request) {
    seen.push_back(request);
    return FakeResponse{.body = workshop()->serialize()};
  });
  cli({"mc", "list", "--server", other.url()});
  REQUIRE_FALSE(seen.empty());
  for (const FakeRequest& request : seen) CHECK_FALSE(request.headers.contains("authorization"));
}

TEST_CASE("a token can come from a variable or a file") {
  LoginBench cli;
  const std::vector<std::string> list = {"mc", "list", "--server", cli.host.url(), "--ca", cli.tls.ca};
  CHECK(cli(list).code == ExitCode::kDenied);
  CHECK(cli(list, {.variables = {{"NOVACRON_TOKEN", "TOKEN"}}}).code == ExitCode::kOk);
  std::vector<std::string> with_token = list;
  with_token.insert(with_token.end(), {"--token", "TOKEN"});
  CHECK(cli(with_token).code == ExitCode::kOk);
}

TEST_CASE("without any host the way to one is shown") {
  Folder folder;
  const Outcome done = run_cli(folder, "", {"mc", "list"}, {.variables = {{"NOVACRON_SOCKET", ""}}});
  CHECK(done.code == ExitCode::kUsage);
  CHECK(done.err.find("novacron login") != std::string::npos);
}

TEST_CASE("the doctor finds a good host good") {
  LoginBench cli;
  cli.log_in();
  const Outcome done = cli({"doctor"});
  INFO(done.out);
  CHECK(done.code == ExitCode::kOk);
  CHECK(done.out.find("All is well.") != std::string::npos);
}

TEST_CASE("the doctor says what to do about each fault") {
  LoginBench cli;
  const Outcome untrusted = cli({"doctor", "--server", cli.host.url()});
  CHECK(untrusted.code == ExitCode::kError);
  CHECK(untrusted.out.find("--ca FILE") != std::string::npos);
  const Outcome unknown = cli({"doctor", "--server", cli.host.url(), "--ca", cli.tls.ca});
  CHECK(unknown.out.find("Log in: novacron login") != std::string::npos);
  CHECK(cli({"doctor"}).out.find("Is novacrond running on this machine") != std::string::npos);
  cli.log_in();
  ::chmod(cli.config().c_str(), 0644);
  CHECK(cli({"doctor"}).out.find("chmod 600") != std::string::npos);
}
