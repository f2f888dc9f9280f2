"""Settings: their layers, what a running host takes over when it reads them again, and the levels of its log."""

import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
from urllib.parse import urlsplit

from harness import BUILD, ApiError, Daemon, UnixConnection, folder, tls_get, wait_until

PROGRAM = BUILD / "bin" / "novacrond"


def drop_in(daemon, name, text):
    place = daemon.path / "novacrond.toml.d"
    place.mkdir(exist_ok=True)
    (place / name).write_text(text)
    return place / name


def setting(daemon, name):
    return next(entry for entry in daemon.get("/v1/config")["settings"] if entry["name"] == name)


def refusal(call):
    """The problem that a call ends with."""
    try:
        call()
    except ApiError as error:
        return error.problem
    raise AssertionError("it was not refused")


class Events:
    """Follows the events of a pattern."""

    def __init__(self, daemon, pattern):
        self.connection = UnixConnection(daemon.socket, 60)
        self.connection.request("GET", f"/v1/events?subject={pattern}")
        self.answer = self.connection.getresponse()

    def next(self):
        return json.loads(self.answer.readline())

    def close(self):
        self.connection.close()


def run_check(daemon, *arguments, **environment):
    return subprocess.run([PROGRAM, "--config", daemon.config, "--check", *arguments], capture_output=True, text=True, timeout=30,
                          env=dict(os.environ, **environment))


def each_layer_goes_over_the_one_before(daemon):
    drop_in(daemon, "10-first.toml", "[api]\nshutdown_ms = 1111\nmax_connections = 50\n")
    second = drop_in(daemon, "20-second.toml", "\n[api]\nmax_connections = 60\n")
    shown = run_check(daemon, "--show", NOVACROND__LOG__LEVEL="debug")
    assert shown.returncode == 0, shown
    for line in (f"api.max_connections = 60  # {second}:3", "api.shutdown_ms = 1111  # ", 'log.level = "debug"  # NOVACROND__LOG__LEVEL',
                 "blobs.max_bytes = 274877906944  # default"):
        assert line in shown.stdout, (line, shown.stdout)
    daemon.start(NOVACROND__LOG__LEVELS='{state = "warn"}', NOVACROND__NODE_NAME="layered")
    assert daemon.get("/version")["node"] == "layered"
    assert setting(daemon, "api.max_connections")["value"] == 60
    assert setting(daemon, "api.max_connections")["origin"] == f"{second}:3"
    assert setting(daemon, "log.levels") == setting(daemon, "log.levels") | {
        "value": {"state": "warn"}, "origin": "NOVACROND__LOG__LEVELS", "live": True}
    assert daemon.get("/v1/config")["files"][0] == str(daemon.config)


def what_is_wrong_is_named_with_its_place(daemon):
    wrong = drop_in(daemon, "30-wrong.toml", "[plugins]\n\nallow_inlin = true\n")
    done = run_check(daemon)
    assert done.returncode == 1 and f"{wrong}:3: plugins.allow_inlin is no setting" in done.stderr, done
    wrong.unlink()
    done = run_check(daemon, NOVACROND__API__MAX_CONNECTIONS="many")
    assert done.returncode == 1 and "NOVACROND__API__MAX_CONNECTIONS: api.max_connections must be a whole number" in done.stderr, done
    done = run_check(daemon, NOVACROND__API__LISTENN="x")
    assert done.returncode == 1 and "NOVACROND__API__LISTENN is the variable of no setting" in done.stderr, done


def a_signal_has_the_settings_read_again(daemon):
    events = Events(daemon, "config.*")
    drop_in(daemon, "20-second.toml", '[api]\nmax_connections = 70\n[blobs]\nmax_bytes = 2000000\n[log]\nlevel = "warn"\n')
    daemon.process.send_signal(signal.SIGHUP)
    event = events.next()
    assert event["subject"] == "config.reloaded" and event["body"]["by"] == "host", event
    assert event["body"]["changed"] == ["api.max_connections", "blobs.max_bytes", "log.level"], event
    assert event["body"]["restart_required"] == [], event
    events.close()
    assert setting(daemon, "api.max_connections")["value"] == 70
    assert daemon.get("/v1/log")["level"] == "warn"
    big = daemon.path / "big"
    big.write_bytes(bytes(3_000_000))
    assert refusal(lambda: daemon.upload(big))["reason"] == "blob.quota"


def wrong_settings_change_nothing(daemon):
    before = daemon.get("/v1/config")["settings"]
    wrong = drop_in(daemon, "40-wrong.toml", '[api]\nmax_connections = 1\n[log]\nlevel = "loud"\n')
    events = Events(daemon, "config.*")
    daemon.process.send_signal(signal.SIGHUP)
    event = events.next()
    events.close()
    assert event["subject"] == "config.refused" and f"{wrong}:4: log.level" in event["body"]["why"], event
    problem = refusal(lambda: daemon.post("/v1/config:reload"))
    assert problem["reason"] == "config.invalid" and f"{wrong}:4: log.level must be one of" in problem["detail"], problem
    done = daemon.cli("config", "reload", check=False)
    assert done.returncode == 1 and f"{wrong}:4" in done.stderr, done
    after = daemon.get("/v1/config")
    assert after["settings"] == before and f"{wrong}:4" in after["refused"], after
    assert daemon.alive()
    wrong.unlink()
    assert daemon.post("/v1/config:reload") == {"changed": [], "restart_required": []}
    assert "refused" not in daemon.get("/v1/config")


def what_needs_a_restart_is_told(daemon):
    place = drop_in(daemon, "50-restart.toml", 'node_name = "other"\ndata_folder = "/tmp/elsewhere"\n[plugins]\nstart_timeout_ms = 12345\n')
    out = json.loads(daemon.cli("config", "reload", "-o", "json").stdout)
    assert out == {"changed": ["plugins.start_timeout_ms"], "restart_required": ["data_folder"]}, out
    told = daemon.get("/v1/config")
    assert told["restart_required"] == ["data_folder"], told
    entry = setting(daemon, "data_folder")
    assert entry["value"] == str(daemon.data) and entry["configured"] == "/tmp/elsewhere", entry
    assert "data_folder" in daemon.cli("config", "show").stdout
    place.unlink()
    assert daemon.post("/v1/config:reload")["restart_required"] == []


def a_new_folder_of_plugins_is_looked_into(daemon, more):
    package = BUILD / "lib" / "novacron" / "plugins" / "scheduling-basic"
    name = "scheduling-basic"
    drop_in(daemon, "60-plugins.toml", f'[plugins]\npaths = ["{more}/empty"]\n')
    daemon.post("/v1/config:reload")
    daemon.post("/v1/plugins", {"metadata": {"name": name}, "spec": {"enabled": True}})
    wait_until(lambda: daemon.get(f"/v1/plugins/{name}").get("status", {}).get("reason") == "plugin.no-package", 20,
               "the plugin is nowhere")
    shutil.copytree(package, more / "there" / name)
    drop_in(daemon, "60-plugins.toml", f'[plugins]\npaths = ["{more}/there"]\n')
    assert daemon.post("/v1/config:reload")["changed"] == ["plugins.paths"]
    wait_until(lambda: daemon.get(f"/v1/plugins/{name}")["status"]["state"] == "ENABLED", 20, "what failed is attempted again")


def another_plugin_of_the_name_of_a_failed_one_is_attempted(daemon, more):
    """It has the generation of the one that failed, and is not that one."""
    name = "novel"
    daemon.post("/v1/plugins", {"metadata": {"name": name}, "spec": {"enabled": True}})
    wait_until(lambda: daemon.get(f"/v1/plugins/{name}").get("status", {}).get("reason") == "plugin.no-package", 20, "it is nowhere")
    package = more / "there" / name
    shutil.copytree(BUILD / "lib" / "novacron" / "plugins" / "scheduling-basic", package)
    manifest = json.loads((package / "plugin.json").read_text())
    (package / "plugin.json").write_text(json.dumps(dict(manifest, id=name)))
    daemon.delete(f"/v1/plugins/{name}")

    def made():
        try:
            return daemon.post("/v1/plugins", {"metadata": {"name": name}, "spec": {"enabled": False}})
        except ApiError as error:
            assert error.status == 409, error
            return None

    wait_until(made, 20, "the name is free again")
    wait_until(lambda: daemon.get(f"/v1/plugins/{name}").get("status", {}).get("reason") != "plugin.no-package" and
               daemon.get(f"/v1/plugins/{name}").get("status"), 20, "the new one is looked at")


def a_new_name_comes_into_the_certificate(daemon, access):
    place = urlsplit(access["url"])

    def names():
        pem = ssl.get_server_certificate((place.hostname, place.port))
        return subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=pem, capture_output=True, text=True,
                              timeout=30, check=True).stdout

    assert "cloud.example.org" not in names()
    drop_in(daemon, "70-names.toml", '[api]\nnames = ["cloud.example.org"]\n')
    with contextlib.closing(UnixConnection(daemon.socket, 30)) as kept:
        kept.request("GET", "/healthz")
        kept.getresponse().read()
        daemon.post("/v1/config:reload")
        assert "DNS:cloud.example.org" in names()
        kept.request("GET", "/healthz")
        assert kept.getresponse().status == 200, "connections that are there stay"
    assert tls_get(access["url"], "/healthz", access["ca"])[0] == 200, "the authority is the same"


def only_administrators_reload(daemon):
    viewer = daemon.access("viewer")
    head = ["curl", "-sS", "--cacert", viewer["ca"], "-H", f"Authorization: Bearer {viewer['token']}"]

    def ask(*arguments):
        out = subprocess.run([*head, *arguments], capture_output=True, text=True, timeout=30, check=True).stdout
        return json.loads(out)

    assert ask("-X", "POST", viewer["url"] + "/v1/config:reload")["reason"] == "auth.denied"
    assert ask("-X", "PATCH", "-H", "Content-Type: application/merge-patch+json", "-d", "{}",
               viewer["url"] + "/v1/log")["reason"] == "auth.denied"
    assert "settings" in ask(viewer["url"] + "/v1/config")
    nobody = ["curl", "-sS", "--cacert", viewer["ca"], viewer["url"] + "/v1/config"]
    out = subprocess.run(nobody, capture_output=True, text=True, timeout=30, check=True).stdout
    assert json.loads(out)["status"] == 401, out


def levels_change_at_run_time(daemon):
    daemon.cli("log", "level", "all", "error")
    daemon.cli("log", "level", "api", "debug")
    assert daemon.get("/v1/log") == {"level": "error", "levels": {"api": "debug", "state": "warn"}}
    assert "api" in daemon.cli("log", "level").stdout
    daemon.post("/v1/tenants", {"metadata": {"name": "heard"}})  # writes are logged at debug
    lines = daemon.get("/v1/log/lines?limit=5")["lines"]
    assert any("api: request" in line and "/v1/tenants" in line for line in lines), lines
    daemon.patch("/v1/log", {"levels": {"api": None}})
    daemon.post("/v1/tenants", {"metadata": {"name": "unheard"}})
    shown = daemon.cli("log", "show", "--lines", "3").stdout
    assert len(shown.splitlines()) == 3 and "path=/v1/tenants" in shown, shown
    assert daemon.get("/v1/log/lines?limit=1")["lines"] == [shown.splitlines()[-1]], "nothing was written since"
    for body in ({"level": "loud"}, {"levels": {"Not one": "info"}}, {"colour": 1}, {"levels": 1}):
        assert refusal(lambda: daemon.patch("/v1/log", body))["reason"] == "field.invalid"
    daemon.post("/v1/config:reload")
    assert daemon.get("/v1/log")["levels"] == {"state": "warn"}, "a reload puts back what is configured"


def reloads_do_not_disturb(daemon):
    """Writers go on while the settings are read again and again, by both ways at once."""
    failures, stop = [], threading.Event()

    def write(number):
        try:
            for i in range(1_000):
                if stop.is_set():
                    return
                daemon.post("/v1/tenants", {"metadata": {"name": f"w{number}-{i}"}})
        except (OSError, ApiError) as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    for i in range(10):
        drop_in(daemon, "80-busy.toml", f"[api]\nmax_connections = {100 + i}\n")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.post("/v1/config:reload")
    stop.set()
    for writer in writers:
        writer.join()
    assert not failures, failures
    wait_until(lambda: setting(daemon, "api.max_connections")["value"] == 109, 10, "the last one counts")


def main():
    with folder() as path, contextlib.ExitStack() as stack:
        daemon = Daemon(path)
        stack.push(daemon.__exit__)
        each_layer_goes_over_the_one_before(daemon)
        access = daemon.access()
        what_is_wrong_is_named_with_its_place(daemon)
        a_signal_has_the_settings_read_again(daemon)
        wrong_settings_change_nothing(daemon)
        what_needs_a_restart_is_told(daemon)
        a_new_folder_of_plugins_is_looked_into(daemon, path / "more")
        another_plugin_of_the_name_of_a_failed_one_is_attempted(daemon, path / "more")
        a_new_name_comes_into_the_certificate(daemon, access)
        only_administrators_reload(daemon)
        levels_change_at_run_time(daemon)
        reloads_do_not_disturb(daemon)


if __name__ == "__main__":
    main()
    print("ok")
