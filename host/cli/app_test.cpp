#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "host/cli/testing_bench.h"

using namespace novacron::host;
using namespace novacron::host::cli;
using namespace novacron::host::cli::testing;
using nlohmann::json;

TEST_CASE("a noun of a contract creates an object from its flags and waits until it is ready") {
  Bench cli;
  const Outcome done = cli({"mc", "create", "one", "T34", "--wheels", "3", "--tank", "2GiB", "--part",
                            "name=axle,length=2", "--label", "tier=web", "--manual", "@-"},
                           {.in = "read me"});
  CHECK(done.err.empty());
  CHECK(done.code == ExitCode::kOk);
  CHECK(done.out == "machine/one created\n");
  CHECK(cli.one()["kind"] == "test.workshop/Machine");
  CHECK(cli.one()["metadata"]["labels"] == json::parse(R"({"tier":"web"})"));
  CHECK(cli.one()["spec"] == json::parse(R"({"wheels":3,"tank_bytes":"2GiB","parts":[{"name":"axle","length":2}],
                                            "model":"T34","mode":"ON","manual":"cmVhZCBtZQ=="})"));
}

TEST_CASE("a change carries a key by which it can be repeated") {
  Bench cli;
  cli({"shelf", "create", "a", "--no-wait"});
  const auto requests = cli.host.requests();
  REQUIRE(requests.back().method == "POST");
  CHECK(requests.back().headers.at("idempotency-key").size() == 32);
}

TEST_CASE("a request that got no answer is repeated with the same key") {
  Folder folder;
  FakeObjects objects;
  int posts = 0;
  FakeHost host([&](const FakeRequest& request) {
    if (request.method == "POST" && ++posts < 3) return FakeResponse{.drops = true};
    return objects(request);
  });
  CHECK(run_cli(folder, host.url(), {"shelf", "create", "a", "--no-wait"}).code == ExitCode::kOk);
  std::set<std::string> keys;
  for (const auto& request : host.requests()) {
    if (request.method == "POST") keys.insert(request.headers.at("idempotency-key"));
  }
  CHECK(posts == 3);
  CHECK(keys.size() == 1);
}

TEST_CASE("a wrong flag is refused before anything is sent") {
  Bench cli;
  const Outcome done = cli({"mc", "create", "one", "--wheels", "many"});
  CHECK(done.code == ExitCode::kUsage);
  CHECK(done.err.find("--wheels: \"many\"") != std::string::npos);
  CHECK(cli.host.lines() == std::vector<std::string>{"GET /v1/schema"});
}

TEST_CASE("an unknown noun or verb is answered with what was meant") {
  Bench cli;
  CHECK(cli({"machin", "list"}).err.find("Did you mean `machine`") != std::string::npos);
  CHECK(cli({"mc", "strat", "one"}).err.find("Did you mean `start`?") != std::string::npos);
  CHECK(cli({"get", "shelve"}).err.find("Did you mean `shelves`?") != std::string::npos);
}

TEST_CASE("a list is a table with the columns of the contract, sorted by name") {
  Bench cli;
  cli({"mc", "create", "two", "--wheels", "3", "--tank", "1536MiB"});
  cli({"mc", "create", "one", "--mode", "off"});
  const Outcome done = cli({"mc", "list"});
  CHECK(done.out.find("NAME   WHEELS   TANK      STATUS    AGE\none    -        -         IDLE") == 0);
  CHECK(done.out.find("two    3        1536MiB   WORKING") != std::string::npos);
}

TEST_CASE("each format has its form") {
  Bench cli;
  cli({"mc", "create", "one", "--wheels", "3"});
  CHECK(cli({"mc", "list", "-o", "name"}).out == "one\n");
  CHECK(json::parse(cli({"mc", "list", "-o", "json"}).out)["items"].size() == 1);
  CHECK(json::parse(cli({"mc", "show", "one", "-o", "json"}).out)["spec"]["wheels"] == 3);
  CHECK(cli({"mc", "show", "one"}).out.find("  wheels: 3\n") != std::string::npos);
  CHECK(cli({"mc", "list", "-o", "csv"}).out ==
        "NAME,WHEELS,TANK,STATUS,MESSAGE,CREATED,UID\none,3,,WORKING,,2026-01-01T00:00:00Z,uid-one\n");
  CHECK(cli({"get", "shelves"}).out == "no shelves\n");
}

TEST_CASE("selectors and tenants reach the host") {
  Bench cli;
  cli({"mc", "list", "-l", "tier=web", "--tenant", "acme"});
  CHECK(cli.sent("GET /v1/tenants/acme/machines?label_selector=tier%3Dweb&limit=500"));
}

TEST_CASE("long lists are read page by page") {
  Folder folder;
  FakeHost host([](const FakeRequest& request) -> FakeResponse {
    if (request.target == "/v1/schema") return {.body = workshop()->serialize()};
    if (request.target.find("page_token=next") != std::string::npos) {
      return {.body = R"({"items":[{"metadata":{"name":"b"}}],"revision":9})"};
    }
    return {.body = R"({"items":[{"metadata":{"name":"a"}}],"revision":7,"next_page_token":"next"})"};
  });
  CHECK(run_cli(folder, host.url(), {"mc", "list", "-o", "name"}).out == "a\nb\n");
}

TEST_CASE("a patch verb posts and waits for what the contract says") {
  Bench cli;
  cli({"mc", "create", "one"});
  const Outcome done = cli({"mc", "halt", "one"});
  CHECK(done.code == ExitCode::kOk);
  CHECK(cli.sent("POST " + std::string(kOne) + ":halt"));
  CHECK(cli.one()["status"]["phase"] == "IDLE");
}

TEST_CASE("waiting goes on over a watch until the object is ready") {
  Bench cli;
  cli.objects.on_write = nullptr;
  cli.objects.watch_lines = {
      R"({"type":"BOOKMARK","revision":101})"
      "\n",
      R"({"type":"PUT","revision":102,"object":{"metadata":{"name":"other","generation":1},"status":{"phase":"BROKEN","observed_generation":1}}})"
      "\n",
      R"({"type":"PUT","revision":103,"object":{"metadata":{"name":"one","generation":1},"spec":{"mode":"ON"},"status":{"phase":"BUILDING","observed_generation":1}}})"
      "\n",
      R"({"type":"PUT","revision":104,"object":{"metadata":{"name":"one","generation":1},"spec":{"mode":"ON"},"status":{"phase":"WORKING","observed_generation":1}}})"
      "\n"};
  const Outcome done = cli({"mc", "create", "one"});
  CHECK(done.err.empty());
  CHECK(done.code == ExitCode::kOk);
  CHECK(cli.sent("GET /v1/tenants/default/machines?watch=true&after_revision=101"));
}

TEST_CASE("what has failed ends the wait with its own status and the message of the object") {
  Bench cli;
  cli.objects.on_write = [](json& object) {
    object["status"] = {{"phase", "BROKEN"}, {"message", "no steel"}, {"observed_generation", 1}};
  };
  const Outcome done = cli({"mc", "create", "one"});
  CHECK(done.code == ExitCode::kFailed);
  CHECK(done.err.find("BROKEN: no steel") != std::string::npos);
}

TEST_CASE("a wait has an end") {
  Bench cli;
  cli.objects.on_write = nullptr;
  const Outcome done = cli({"mc", "create", "one", "--timeout", "100ms"});
  CHECK(done.code == ExitCode::kTimeout);
  CHECK(cli({"wait", "mc", "one", "--for", "deleted", "--timeout", "50ms"}).code == ExitCode::kTimeout);
  CHECK(cli({"mc", "halt", "one", "--no-wait"}).code == ExitCode::kOk);
}

TEST_CASE("wait takes readiness, conditions and comparisons") {
  Bench cli;
  cli({"mc", "create", "one"});
  cli.one()["status"]["conditions"] = json::parse(R"([{"type":"Oiled","state":"TRUE"}])");
  CHECK(cli({"wait", "mc", "one"}).out == "machine/one WORKING\n");
  CHECK(cli({"wait", "mc", "one", "--for", "Oiled"}).code == ExitCode::kOk);
  CHECK(cli({"wait", "mc", "one", "--for", "status.phase==WORKING"}).code == ExitCode::kOk);
  CHECK(cli({"wait", "mc", "one", "--for", "Painted", "--timeout", "50ms"}).code == ExitCode::kTimeout);
  CHECK(cli({"wait", "mc", "one", "--for", "status.fase==X"}).code == ExitCode::kUsage);
  CHECK(cli({"wait", "mc", "none", "--for", "deleted"}).code == ExitCode::kOk);
  CHECK(cli({"wait", "mc", "none"}).code == ExitCode::kNotFound);
}

TEST_CASE("deleting asks where the contract wants it") {
  Bench cli;
  cli({"mc", "create", "one"});
  const Outcome refused = cli({"mc", "delete", "one"});
  CHECK(refused.code == ExitCode::kUsage);
  CHECK(refused.err.find("--yes") != std::string::npos);
  CHECK(cli({"mc", "delete", "one"}, {.in = "n\n", .is_terminal = true}).code == ExitCode::kInterrupted);
  CHECK(cli.objects.objects().size() == 1);
  const Outcome asked = cli({"mc", "delete", "one"}, {.in = "y\n", .is_terminal = true});
  CHECK(asked.err.find("Delete machine/one? [y/N]") != std::string::npos);
  CHECK(asked.out == "machine/one deleted\n");
  cli({"mc", "create", "one"});
  CHECK(cli({"mc", "delete", "one", "--yes"}).code == ExitCode::kOk);
  cli({"shelf", "create", "a"});
  CHECK(cli({"shelf", "delete", "a"}).code == ExitCode::kOk);
  CHECK(cli.objects.objects().empty());
}

TEST_CASE("editing by flags changes these fields and nothing else") {
  Bench cli;
  cli({"mc", "create", "one", "--wheels", "3", "--part", "name=axle,length=2", "--label", "a=1", "--label", "b=2"});
  CHECK(cli({"mc", "edit", "one", "--wheels", "4", "--part", "name=axle,length=9", "--label", "a="}).out ==
        "machine/one changed\n");
  CHECK(cli.one()["spec"]["wheels"] == 4);
  CHECK(cli.one()["spec"]["parts"] == json::parse(R"([{"name":"axle","length":9}])"));
  CHECK(cli.one()["metadata"]["labels"] == json::parse(R"({"b":"2"})"));
  CHECK(cli({"mc", "edit", "one"}).code == ExitCode::kUsage);
}

TEST_CASE("a watch is narrowed as the list before it") {
  Folder folder;
  FakeHost host([](const FakeRequest& request) -> FakeResponse {
    if (request.target == "/v1/schema") return {.body = workshop()->serialize()};
    if (request.target.find("watch=true") != std::string::npos) return {.status = 403, .body = R"({"reason":"no"})"};
    return {.body = R"({"items":[{"metadata":{"name":"a"}}],"revision":7})"};
  });
  run_cli(folder, host.url(), {"mc", "list", "--watch", "--where", "spec.wheels>2", "--since", "1h"});
  const auto lines = host.lines();
  const std::string narrowed = "field_selector=spec.wheels%3E2%20%26%26%20metadata.created_at%20%3E%3D%20now-1h";
  const std::string machines = "GET /v1/tenants/default/machines?";
  CHECK(std::count(lines.begin(), lines.end(), machines + "limit=500&" + narrowed) == 1);
  CHECK(std::count(lines.begin(), lines.end(), machines + "watch=true&after_revision=7&" + narrowed) == 1);
}

TEST_CASE("a watch shows the list and then each change") {
  Bench cli;
  cli({"mc", "create", "one", "--wheels", "3"});
  cli.objects.watch_lines = {R"({"type":"PUT","revision":200,"object":{"metadata":{"name":"two"},"spec":{"wheels":8}}})"
                             "\n",
                             R"({"type":"DELETED","revision":201,"object":{"metadata":{"name":"one"}}})"
                             "\n"};
  const Outcome done = cli({"watch", "machines", "--timeout", "200ms"});
  CHECK(done.code == ExitCode::kOk);
  CHECK(done.out.find("two    8") != std::string::npos);
  CHECK(done.out.find("(deleted)") != std::string::npos);
  CHECK(json::parse(cli({"watch", "machines", "-o", "json", "--timeout", "50ms"}).out)["object"]["metadata"]["name"] ==
        "one");
}

TEST_CASE("problems of the host become exit statuses and words") {
  Folder folder;
  unsigned status = 0;
  FakeHost host([&](const FakeRequest& request) -> FakeResponse {
    if (request.target == "/v1/schema") return {.body = workshop()->serialize()};
    return {.status = status, .body = R"({"detail":"because","reason":"some.reason"})"};
  });
  const std::vector<std::pair<unsigned, ExitCode>> expected = {
      {400, ExitCode::kError},    {401, ExitCode::kDenied},      {403, ExitCode::kDenied},
      {404, ExitCode::kNotFound}, {409, ExitCode::kConflict},    {412, ExitCode::kConflict},
      {500, ExitCode::kError},    {503, ExitCode::kUnavailable}, {504, ExitCode::kTimeout}};
  for (const auto& [code, exit] : expected) {
    CAPTURE(code);
    status = code;
    const Outcome done = run_cli(folder, host.url(), {"mc", "show", "one"});
    CHECK(done.code == exit);
    CHECK(done.err.find("because\n  reason: some.reason\n") != std::string::npos);
  }
}

TEST_CASE("the schema is fetched once and then only asked for by its digest") {
  Bench cli;
  cli({"mc", "list"});
  cli({"mc", "list"});
  const auto requests = cli.host.requests();
  CHECK_FALSE(requests[0].headers.contains("if-none-match"));
  CHECK(requests[2].target == "/v1/schema");
  CHECK(requests[2].headers.at("if-none-match") == "\"" + workshop()->digest() + "\"");
}

TEST_CASE("help of a noun works when the host is away") {
  Folder folder;
  std::string url;
  {
    FakeObjects objects;
    FakeHost host([&](const FakeRequest& request) { return objects(request); });
    url = host.url();
    CHECK(run_cli(folder, url, {"mc", "list"}).code == ExitCode::kOk);
  }
  const Outcome help = run_cli(folder, url, {"mc", "create", "--help"});
  CHECK(help.code == ExitCode::kOk);
  CHECK(help.out.find("--wheels N") != std::string::npos);
  CHECK(help.out.find("novacron machine create one") != std::string::npos);
  CHECK(run_cli(folder, url, {"mc", "list"}).code == ExitCode::kUnavailable);
  CHECK(run_cli(folder, "", {"--help"}).out.find("api-resources") != std::string::npos);
}

TEST_CASE("help exists at every level and every command has an example or children") {
  Bench cli;
  CHECK(cli({"--help"}).out.find("machine, mc, machines") != std::string::npos);
  CHECK(cli({"mc", "--help"}).out.find("Halt it") != std::string::npos);
  CHECK(cli({"help", "mc", "measure"}).out.find("--samples N") != std::string::npos);
  CHECK(cli({"plugin", "install", "--help"}).out.find("--enable") != std::string::npos);
}

TEST_CASE("an action shows its reply, a long one is followed as an operation") {
  Bench cli;
  Folder folder;
  FakeHost host([&](const FakeRequest& request) -> FakeResponse {
    if (request.target.ends_with(":measure")) return {.body = R"({"weight_bytes":1048576})"};
    if (request.target.ends_with(":paint?dry_run=true")) return {.body = R"({"kind":"novacron.core/Operation"})"};
    if (request.target.ends_with(":paint")) {
      return {.status = 202,
              .body = R"({"kind":"novacron.core/Operation","metadata":{"name":"op1","tenant":"default"}})"};
    }
    if (request.target.ends_with("/operations/op1")) {
      return {
          .body =
              R"({"kind":"novacron.core/Operation","metadata":{"name":"op1"},"status":{"state":"FAILED","message":"no paint"}})"};
    }
    return cli.objects(request);
  });
  CHECK(run_cli(folder, host.url(), {"mc", "measure", "one", "--samples", "3"}).out == "weight_bytes   1MiB\n");
  CHECK(host.requests().back().body == R"({"samples":3})");
  const Outcome painted = run_cli(folder, host.url(), {"mc", "paint", "one"});
  CHECK(painted.code == ExitCode::kFailed);
  CHECK(painted.err.find("no paint") != std::string::npos);
  CHECK(run_cli(folder, host.url(), {"mc", "paint", "one", "--no-wait"}).out == "operation/op1 started: paint\n");
  CHECK(run_cli(folder, host.url(), {"mc", "paint", "one", "--dry-run"}).out ==
        "machine/one paint: would start (dry run)\n");
}

TEST_CASE("a terminal action prints, and --until ends it with success") {
  Folder folder;
  std::vector<std::string> messages = {"booting\nlog", "in: "};
  bool stays_open = true;
  FakeHost host([&](const FakeRequest& request) -> FakeResponse {
    if (request.target == "/v1/schema") return {.body = workshop()->serialize()};
    return {.messages = messages, .stays_open = stays_open};
  });
  const Outcome seen = run_cli(folder, host.url(), {"mc", "talk", "one", "--until", "login:"});
  CHECK(seen.code == ExitCode::kOk);
  CHECK(seen.out == "booting\nlogin: ");
  CHECK(run_cli(folder, host.url(), {"mc", "talk", "one", "--until", "never", "--timeout", "100ms"}).code ==
        ExitCode::kTimeout);
  stays_open = false;
  CHECK(run_cli(folder, host.url(), {"mc", "talk", "one", "--until", "never"}).code == ExitCode::kUnavailable);
  CHECK(run_cli(folder, host.url(), {"mc", "talk", "one"}).code == ExitCode::kOk);
}

TEST_CASE("explain and describe speak of fields as the contract does") {
  Bench cli;
  cli({"mc", "create", "one", "--tank", "2GiB", "--part", "name=axle,length=2"});
  CHECK(cli({"explain", "mc.spec.tank_bytes"}).out.find("size (512MiB)") != std::string::npos);
  CHECK(cli({"explain", "test.workshop/Machine.spec.place"}).out.find("hall_labels") != std::string::npos);
  CHECK(cli({"explain", "mc.spec.whels"}).err.find("Did you mean `wheels`?") != std::string::npos);
  const std::string described = cli({"describe", "mc", "one"}).out;
  CHECK(described.find("Machine one") == 0);
  CHECK(described.find("    name   length\n    axle   2\n") != std::string::npos);
}

TEST_CASE("api-resources lists what the host has") {
  Bench cli;
  const std::string listed = cli({"api-resources"}).out;
  CHECK(listed.find("create,list,show,edit,delete,start,halt,talk,measure,paint") != std::string::npos);
  CHECK(cli({"api-resources", "-o", "name"}).out.find("machine\nshelf\n") != std::string::npos);
}

TEST_CASE("completion offers commands, flags and choices") {
  Bench cli;
  cli({"mc", "list"});
  CHECK(cli({"__complete", "--", "mach"}).out == "machine\n");
  CHECK(cli({"__complete", "--", "mc", "create", "one", "--whe"}).out == "--wheels\n");
  CHECK(cli({"__complete", "--", "mc", "list", "-o", "j"}).out == "json\n");
  CHECK(cli({"completion", "bash"}).out.find("complete -o default -F _novacron novacron") != std::string::npos);
}
