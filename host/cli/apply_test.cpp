#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/testing_bench.h"

using namespace novacron::host;
using namespace novacron::host::cli;
using namespace novacron::host::cli::testing;
using nlohmann::json;

TEST_CASE("apply creates, changes, and leaves alone what is as it should be") {
  Bench cli;
  const std::string file =
      cli.file("m.yaml", kMachineYaml + "---\nkind: test.workshop/Shelf\nmetadata: {name: a}\nspec: {color: red}\n");
  CHECK(cli({"apply", "-f", file}).out == "machine/one created\nshelf/a created\n");
  CHECK(cli.one()["spec"]["output"] == "5");
  CHECK(cli({"apply", "-f", file}).out == "machine/one unchanged\nshelf/a unchanged\n");
  cli.one()["spec"]["wheels"] = 8;
  CHECK(cli({"apply", "-f", file}).out == "machine/one changed\nshelf/a unchanged\n");
  CHECK(cli.one()["spec"]["wheels"] == 3);
}

TEST_CASE("apply reads standard input, folders, JSON and lists") {
  Bench cli;
  CHECK(cli({"apply", "-f", "-"}, {.in = kMachineYaml}).out == "machine/one created\n");
  const std::string listed = cli({"mc", "list", "-o", "json"}).out;
  cli.objects.objects().clear();
  CHECK(cli({"apply", "-f", "-"}, {.in = listed}).out == "machine/one created\n");
  REQUIRE(make_folder(cli.folder.path + "/all/deep", 0700).ok());
  cli.file("all/b.json", R"({"kind":"test.workshop/Shelf","metadata":{"name":"b"}})");
  cli.file("all/deep/c.yml", "kind: Shelf\nmetadata: {name: c}\n");
  cli.file("all/notes.txt", "not yaml: [");
  CHECK(cli({"apply", "-f", cli.folder.path + "/all"}).out == "shelf/b created\nshelf/c created\n");
}

TEST_CASE("apply sends nothing when any of its files is wrong") {
  Bench cli;
  const std::string good = cli.file("good.yaml", kMachineYaml);
  for (const char* text :
       {"a: [", "kind: test.workshop/Machine\n", "kind: No/Such\nmetadata: {name: x}\n", "[1]", ""}) {
    CAPTURE(text);
    const std::string wrong = cli.file("wrong.yaml", text);
    CHECK(cli({"apply", "-f", good, "-f", wrong}).code == ExitCode::kUsage);
  }
  CHECK(cli({"apply", "-f", cli.folder.path + "/none.yaml"}).code == ExitCode::kUsage);
  CHECK(cli.objects.objects().empty());
}

TEST_CASE("an error of one object does not keep the others from being applied") {
  Bench cli;
  Folder folder;
  FakeHost host([&](const FakeRequest& request) -> FakeResponse {
    if (request.method == "PATCH" && request.body.find("\"bad\"") != std::string::npos) {
      return {
          .status = 400,
          .body = R"({"code":"INVALID_ARGUMENT","detail":"no","fields":[{"path":"spec.color","message":"is ugly"}]})"};
    }
    return cli.objects(request);
  });
  const Outcome done =
      run_cli(folder, host.url(), {"apply", "-f", "-"},
              {.in = "kind: Shelf\nmetadata: {name: bad}\n---\nkind: Shelf\nmetadata: {name: good}\n"});
  CHECK(done.code == ExitCode::kError);
  CHECK(done.err.find("spec.color: is ugly") != std::string::npos);
  CHECK(done.out == "shelf/good created\n");
}

TEST_CASE("a dry run changes nothing") {
  Bench cli;
  CHECK(cli({"apply", "-f", "-", "--dry-run"}, {.in = kMachineYaml}).out == "machine/one created (dry run)\n");
  CHECK(cli({"mc", "create", "two", "--dry-run"}).code == ExitCode::kOk);
  CHECK(cli.objects.objects().empty());
}

TEST_CASE("diff shows what apply would do and says so by its exit status") {
  Bench cli;
  const Outcome added = cli({"diff", "-f", "-"}, {.in = kMachineYaml});
  CHECK(added.code == ExitCode::kDifferent);
  CHECK(added.out.find("create machine/one\n") == 0);
  CHECK(cli.objects.objects().empty());
  cli({"apply", "-f", "-"}, {.in = kMachineYaml});
  CHECK(cli({"diff", "-f", "-"}, {.in = kMachineYaml}).code == ExitCode::kOk);
  cli.one()["spec"]["wheels"] = 8;
  const Outcome changed = cli({"diff", "-f", "-"}, {.in = kMachineYaml});
  CHECK(changed.code == ExitCode::kDifferent);
  CHECK(changed.out.find("-  wheels: 8\n+  wheels: 3\n") != std::string::npos);
}

TEST_CASE("delete by file starts with the last and does not mind what is gone") {
  Bench cli;
  const std::string both = "kind: Shelf\nmetadata: {name: a}\n---\nkind: Shelf\nmetadata: {name: b}\n";
  cli({"apply", "-f", "-"}, {.in = both});
  CHECK(cli({"delete", "-f", "-"}, {.in = both}).out == "shelf/b deleted\nshelf/a deleted\n");
  CHECK(cli({"delete", "-f", "-"}, {.in = both}).code == ExitCode::kOk);
  CHECK(cli({"delete", "shelf", "a"}).code == ExitCode::kNotFound);
}

TEST_CASE("patch merges") {
  Bench cli;
  cli({"mc", "create", "one", "--wheels", "3"});
  CHECK(cli({"patch", "mc", "one", "-p", R"({"spec":{"wheels":null,"speed":2}})"}).out == "machine/one changed\n");
  CHECK(cli.one()["spec"] == json::parse(R"({"mode":"ON","speed":2})"));
  CHECK(cli({"patch", "mc", "one", "-p", "1"}).code == ExitCode::kUsage);
}

TEST_CASE("a list is a JSON patch") {
  Bench cli;
  cli({"mc", "create", "one", "--wheels", "3"});
  CHECK(cli({"patch", "mc", "one", "-p", "[{op: replace, path: /spec/wheels, value: 5}]"}).code == ExitCode::kOk);
  CHECK(cli.host.requests().back().headers.at("content-type") == "application/json-patch+json");
  CHECK(cli.one()["spec"]["wheels"] == 5);
}

TEST_CASE("a list is narrowed, ordered and dated by the host") {
  Bench cli;
  cli({"mc", "list", "--where", "spec.wheels > 2", "--sort-by", "metadata.name desc", "--at", "7"});
  CHECK(
      cli.sent("GET /v1/tenants/default/machines?limit=500&field_selector=spec.wheels%20%3E%202&order_by="
               "metadata.name%20desc&at=7"));
  cli({"get", "mc", "one", "--at", "7"});
  CHECK(cli.sent("GET " + std::string(kOne) + "?at=7"));
  CHECK(cli({"mc", "list", "--at", "7", "--watch"}).code == ExitCode::kUsage);
}

TEST_CASE("many are deleted by a selector, and what stays is told") {
  Bench cli;
  for (const char* name : {"a", "b"}) cli({"shelf", "create", name, "--no-wait", "--label", "app=web"});
  cli({"shelf", "create", "c", "--no-wait", "--label", "app=web", "--label", "keep=yes"});
  cli({"shelf", "create", "d", "--no-wait"});
  CHECK(cli({"shelf", "delete"}).code == ExitCode::kUsage);
  const Outcome done = cli({"shelf", "delete", "-l", "app=web"});
  CHECK(done.out == "shelf/a deleted\nshelf/b deleted\n");
  CHECK(done.err.find("shelf/c: in use") != std::string::npos);
  CHECK(done.code == ExitCode::kConflict);
  CHECK(cli.objects.objects().size() == 2);
  cli({"delete", "machines", "--where", "spec.wheels > 2", "--yes"});
  CHECK(cli.sent("DELETE /v1/tenants/default/machines?field_selector=spec.wheels%20%3E%202"));
  CHECK(cli({"delete", "machines", "--where", "spec.wheels > 2"}).code == ExitCode::kUsage);
}

TEST_CASE("apply says who decides, and takes over when told to") {
  Bench cli;
  cli({"apply", "-f", "-", "--field-manager", "ci", "--force-conflicts"}, {.in = kMachineYaml});
  CHECK(cli.sent("PATCH " + std::string(kOne) + "?field_manager=ci&force=true"));
  CHECK(cli.host.requests().back().headers.at("content-type") == "application/apply-patch+json");
  cli({"apply", "-f", "-"}, {.in = kMachineYaml});
  CHECK(cli.sent("PATCH " + std::string(kOne) + "?field_manager=novacron"));
}

TEST_CASE("prune deletes what is of the apply set and no longer in the files") {
  Bench cli;
  const std::string shelf = "kind: Shelf\nmetadata: {name: a}\n---\n";
  CHECK(cli({"apply", "-f", "-", "--prune"}, {.in = shelf}).code == ExitCode::kUsage);
  cli({"apply", "-f", "-", "--apply-set", "shop"}, {.in = shelf + kMachineYaml});
  CHECK(cli.one()["metadata"]["labels"]["novacron/apply-set"] == "shop");
  cli({"shelf", "create", "b", "--no-wait"});
  const std::vector<std::string> again = {"apply", "-f", "-", "--apply-set", "shop", "--prune"};
  CHECK(cli(again, {.in = shelf}).code == ExitCode::kUsage);  // a machine asks first, and nobody can be asked
  auto dry = again;
  dry.push_back("--dry-run");
  CHECK(cli(dry, {.in = shelf}).out == "shelf/a unchanged (dry run)\nmachine/one pruned (dry run)\n");
  CHECK(cli.objects.objects().contains(kOne));
  auto sure = again;
  sure.push_back("--yes");
  CHECK(cli(sure, {.in = shelf}).out == "shelf/a unchanged\nmachine/one pruned\n");
  CHECK_FALSE(cli.objects.objects().contains(kOne));
  CHECK(cli.objects.objects().size() == 2);
}
