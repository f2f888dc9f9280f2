"""Operations through REST and the CLI: progress, cancel, children, results, the task log, undo, and what a kill leaves."""

import json

from harness import BUILD, TENANT, ApiError, Daemon, folder, wait_until

PARCELS = f"{TENANT}/parcels"
OPERATIONS = f"{TENANT}/operations"
SLOW = {"steps": 10000, "pause_ms": 20}  # longer than any test: it is stopped


def refused(call):
    """The problem that a call is answered with."""
    try:
        answer = call()
    except ApiError as error:
        return dict(error.problem, status=error.status)
    raise AssertionError(f"taken: {answer}")


def parcel(daemon, name, **spec):
    return daemon.post(PARCELS, {"metadata": {"name": name}, "spec": spec})


def act(daemon, name, verb, **body):
    """Starts an action; the operation's path."""
    status, headers, _ = daemon.call("POST", f"{PARCELS}/{name}:{verb}", body)
    assert status == 202, status
    return headers["Location"]


def status_of(daemon, path):
    return daemon.get(path)["status"]


def ended(daemon, path):
    return wait_until(lambda: (lambda s: s if "ended_at" in s else None)(status_of(daemon, path)), 60, f"{path} has ended")


def running_at(daemon, path, percent):
    return wait_until(lambda: (lambda s: s if s.get("percent", 0) >= percent else None)(status_of(daemon, path)), 60,
                      f"{path} at {percent} %")


def progress_and_result(daemon):
    path = act(daemon, "p1", "deliver", steps=20, pause_ms=50)
    seen = running_at(daemon, path, 10)
    assert seen["step"].startswith("step ") and seen["message"] == "on the way", seen
    status = ended(daemon, path)
    assert status["state"] == "SUCCEEDED" and status["percent"] == 100, status
    assert status["reply"] == {"steps": 20, "receipt": "(secret)"} or status["reply"]["steps"] == 20, status
    assert status["reply"]["receipt"] != "signed", "secrets are not kept"
    assert "checkpoint" not in status and status["attempts"] == 1, status
    failed = ended(daemon, act(daemon, "p1", "deliver", fails_with="parcels.nobody"))
    assert failed["state"] == "FAILED" and failed["reason"] == "parcels.nobody", failed


def cancel(daemon):
    path = act(daemon, "p1", "deliver", **SLOW)
    wait_until(lambda: "step" in status_of(daemon, path), 60, "it runs")
    name = path.rsplit("/", 1)[1]
    done = daemon.cli("operation", "cancel", name)
    status = ended(daemon, path)
    assert status["state"] == "CANCELLED" and status["reason"] == "operation.cancelled", (status, done.stdout)
    assert refused(lambda: daemon.post(f"{path}:cancel"))["reason"] == "operation.ended"
    uid = daemon.get(f"{PARCELS}/p1")["metadata"]["uid"]
    problem = refused(lambda: daemon.post(f"{OPERATIONS}/{uid}-g1:cancel"))
    assert problem["reason"] == "operation.not-cancellable" and "spec" in problem["detail"], problem
    assert refused(lambda: daemon.patch(path, {"spec": {"method": "x.y/Z"}}))["reason"] == "auth.denied"


def children(daemon):
    for name in ("c1", "c2"):
        parcel(daemon, name)
    path = act(daemon, "p1", "caravan", parcels=["c1", "c2"], steps=2, pause_ms=10)
    status = ended(daemon, path)
    assert status["state"] == "SUCCEEDED" and status["reply"]["delivered"] == 2, status
    name = path.rsplit("/", 1)[1]
    listed = json.loads(daemon.cli("operation", "children", name, "-o", "json").stdout)
    listed = listed["items"] if isinstance(listed, dict) else listed
    assert sorted(child["spec"]["target"]["name"] for child in listed) == ["c1", "c2"], listed
    assert all(child["spec"]["parent"]["name"] == name and child["status"]["state"] == "SUCCEEDED" for child in listed)

    path = act(daemon, "p1", "caravan", parcels=["c1", "c2"], **SLOW)
    name = path.rsplit("/", 1)[1]
    selector = f'{OPERATIONS}?field_selector=spec.parent.name%20==%20%22{name}%22'
    mine = wait_until(lambda: (lambda items: items if len(items) == 2 else None)(daemon.get(selector)["items"]), 60, "both run")
    running_at(daemon, path, 1)  # that of its children: a caravan says nothing before the first has arrived
    daemon.post(f"{path}:cancel")
    assert ended(daemon, path)["state"] == "CANCELLED"
    for child in mine:
        state = ended(daemon, f"{OPERATIONS}/{child['metadata']['name']}")["state"]
        assert state == "CANCELLED", state


def what_goes_away_says_so(daemon):
    """Headers of an action that is deprecated, beside those of every 202."""
    status, headers, operation = daemon.call("POST", f"{PARCELS}/p1:fetch-back", {"steps": 1})
    assert status == 202 and headers["Location"] == f"{OPERATIONS}/{operation['metadata']['name']}", headers
    assert headers["Deprecation"] == "@1769817600" and headers["Sunset"] == "Mon, 01 Feb 2027 00:00:00 GMT", headers
    assert ended(daemon, headers["Location"])["state"] == "SUCCEEDED"
    headers = daemon.call("POST", f"{PARCELS}/p1:deliver", {"steps": 1})[1]
    assert "Deprecation" not in headers and "Sunset" not in headers, headers
    ended(daemon, headers["Location"])
    paths = daemon.get("/openapi.json")["paths"]
    (action,) = [item["post"] for path, item in paths.items() if path.endswith("/parcels/{name}:fetch-back")]
    assert action["deprecated"] is True and "deliver it to yourself" in action["description"], action


def a_kill_is_survived(daemon):
    path = act(daemon, "p1", "deliver", steps=40, pause_ms=100)
    seen = running_at(daemon, path, 25)
    daemon.kill()
    daemon.start()
    daemon.wait_plugin("courier", "ENABLED")
    status = ended(daemon, path)
    assert status["state"] == "SUCCEEDED" and status["attempts"] == 2, status
    assert status["reply"]["from_step"] >= seen["percent"] * 40 // 100 - 2, "it goes on where it was"

    path = act(daemon, "p1", "caravan", parcels=["c1", "c2"], steps=30, pause_ms=100)
    running_children = f'{OPERATIONS}?field_selector=spec.parent.name%20==%20%22{path.rsplit("/", 1)[1]}%22'
    wait_until(lambda: len([c for c in daemon.get(running_children)["items"] if "step" in c["status"]]) == 2, 60, "both run")
    daemon.kill()
    daemon.start()
    status = ended(daemon, path)
    assert status["state"] == "SUCCEEDED" and status["reply"]["delivered"] == 2, status
    assert len(daemon.get(running_children)["items"]) == 2, "the same children, not new ones"


def the_log_tells(daemon):
    access = daemon.access()
    parcel(daemon, "logged", weight_bytes=1 << 30, pin="swordfish", notes=["with care", "soon"], marks={"a": "b c"},
           stops=[{"town": "Ulm", "rest_ns": "30s", "note": "a, b"}])
    daemon.patch(f"{PARCELS}/logged", {"spec": {"stamped": True}, "metadata": {"labels": {"app": "x"}}})
    daemon.post(f"{PARCELS}/logged:seal")
    ended(daemon, act(daemon, "logged", "deliver", steps=1, password="hunter2"))
    assert refused(lambda: parcel(daemon, "logged"))["status"] == 409
    items = daemon.get("/v1/tasks?object=test.parcels/Parcel/logged&tenant=default")["items"]
    told = [(item["verb"], item["outcome"]) for item in items]
    assert told == [("deliver", "SUCCEEDED"), ("deliver", "STARTED"), ("seal", "DONE"), ("update", "DONE"), ("create", "DONE")], told
    assert all(item["principal"] and item["request_id"] and item["time"] for item in items), items
    commands = [item["command"] for item in items]
    assert commands[0] == "novacron parcel deliver logged --steps 1 --password @FILE", commands
    assert commands[2] == "novacron parcel seal logged", commands
    assert commands[3].startswith("novacron patch parcel logged -p "), commands
    text = json.dumps(daemon.get("/v1/tasks?limit=1000"))
    assert "swordfish" not in text and "hunter2" not in text, "no secrets"
    lost = daemon.get("/v1/tasks?outcome=REFUSED")["items"]
    assert lost[0]["reason"] == "resource.exists" and lost[0]["verb"] == "create", lost

    # The command does the same, for another name.
    secret = daemon.path / "pin"
    secret.write_text("1234\n")
    words = commands[4].replace("create logged", "create again").replace("@FILE", f"@{secret}")
    import shlex
    daemon.cli(*shlex.split(words)[1:])
    daemon.cli(*shlex.split(commands[3].replace("parcel logged", "parcel again"))[1:])
    first, second = (daemon.get(f"{PARCELS}/{name}") for name in ("logged", "again"))
    first["spec"].pop("sealed")
    assert first["spec"] == second["spec"] and first["metadata"]["labels"] == second["metadata"]["labels"], (first, second)
    shown = daemon.cli("operation", "log", "--verb", "seal").stdout
    assert "novacron parcel seal logged" in shown, shown
    assert access["token"] not in text


def undo(daemon):
    parcel(daemon, "u1")
    operation = daemon.call("POST", f"{PARCELS}/u1:seal", {})[1]["Operation"]
    uid = daemon.get(f"{PARCELS}/u1")["metadata"]["uid"]
    assert operation == f"{uid}-g2-seal", operation
    daemon.cli("operation", "undo", operation)
    assert daemon.get(f"{PARCELS}/u1")["spec"]["sealed"] is False
    assert refused(lambda: daemon.post(f"{OPERATIONS}/{operation}:undo"))["reason"] == "operation.undone"

    stamped = daemon.call("POST", f"{PARCELS}/u1:stamp", {})[1]["Operation"]
    assert refused(lambda: daemon.post(f"{OPERATIONS}/{stamped}:undo"))["reason"] == "operation.no-undo"
    sealed = daemon.call("POST", f"{PARCELS}/u1:seal", {})[1]["Operation"]
    daemon.patch(f"{PARCELS}/u1", {"spec": {"notes": ["later"]}})
    problem = refused(lambda: daemon.post(f"{OPERATIONS}/{sealed}:undo"))
    assert problem["reason"] == "operation.target-changed" and problem["status"] in (409, 412, 422, 400), problem

    running = act(daemon, "u1", "deliver", steps=200, pause_ms=100)
    assert refused(lambda: daemon.post(f"{running}:undo"))["reason"] == "operation.not-succeeded"
    daemon.post(f"{running}:cancel")
    ended(daemon, running)

    path = act(daemon, "u1", "deliver", steps=1)
    ended(daemon, path)
    back = daemon.call("POST", f"{path}:undo", {})
    assert back[0] == 202 and back[2]["spec"]["verb"] == "fetch-back", back
    assert refused(lambda: daemon.post(f"{path}:undo"))["reason"] == "operation.undone"


def described(daemon):
    text = daemon.cli("describe", "parcel", "logged").stdout
    assert "novacron parcel seal logged" in text and "resource.parcel.put" in text and "parcel.delivered" in text, text
    watched = daemon.cli("operation", "watch", act(daemon, "p1", "deliver", steps=3, pause_ms=300).rsplit("/", 1)[1]).stdout
    assert "SUCCEEDED" in watched and "100%" in watched, watched


def retention(daemon):
    daemon.stop()
    daemon.config.write_text(daemon.config.read_text() + "[operations]\nmax_kept = 2\n")
    daemon.start()
    wait_until(lambda: len([o for o in daemon.get(OPERATIONS)["items"] if "ended_at" in o["status"]]) <= 2, 60, "old ones go")


def main():
    with folder() as path, Daemon(path, plugins=[BUILD / "lib/novacron/test-plugins"]) as daemon:
        daemon.enable_plugin("courier")
        parcel(daemon, "p1")
        progress_and_result(daemon)
        cancel(daemon)
        children(daemon)
        what_goes_away_says_so(daemon)
        a_kill_is_survived(daemon)
        the_log_tells(daemon)
        undo(daemon)
        described(daemon)
        retention(daemon)


if __name__ == "__main__":
    main()
