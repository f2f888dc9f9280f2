"""The real daemon: what it was told is there after a stop and after a kill, and it says so in every way that it serves."""

import json
import signal
import subprocess
import threading

from harness import BUILD, ApiError, Daemon, folder, tls_get, wait_until


def make_tenant(daemon, name):
    return daemon.post("/v1/tenants", {"metadata": {"name": name}})


def tenant_names(daemon):
    return {item["metadata"]["name"] for item in daemon.get("/v1/tenants")["items"]}


def run_file(daemon):
    return json.loads((daemon.data / "run" / "api.json").read_text())


def survives_stop_and_kill(daemon):
    first = daemon.get("/v1/nodes")["items"][0]
    before = make_tenant(daemon, "blue")
    daemon.stop()
    assert daemon.process.returncode == 0, daemon.process.returncode
    assert not (daemon.data / "run" / "api.json").exists(), "it is gone, so scripts must not find it"
    daemon.start()
    assert daemon.get("/v1/tenants/blue") == before
    make_tenant(daemon, "red")
    daemon.kill()
    daemon.start()
    assert {"default", "blue", "red"} <= tenant_names(daemon)
    again = daemon.get("/v1/nodes")["items"][0]
    assert again["metadata"]["uid"] == first["metadata"]["uid"]
    assert again["status"]["incarnation"] != first["status"]["incarnation"]


def acknowledged_writes_survive_kill_in_their_midst(daemon):
    acknowledged = []

    def write():
        try:
            for i in range(10_000):
                make_tenant(daemon, f"t{i}")
                acknowledged.append(f"t{i}")
        except (OSError, ApiError):
            pass  # killed

    writer = threading.Thread(target=write)
    writer.start()
    while len(acknowledged) < 20 and writer.is_alive():
        writer.join(0.01)
    daemon.kill()
    writer.join()
    daemon.start()
    lost = set(acknowledged) - tenant_names(daemon)
    assert len(acknowledged) >= 20 and not lost, lost


def login_over_tls(daemon, credential):
    facts = run_file(daemon)
    url, ca = facts["urls"][0], facts["ca"]
    assert tls_get(url, "/healthz", ca)[0] == 200
    assert tls_get(url, "/v1/whoami", ca)[0] == 401
    out = subprocess.run(["curl", "-sS", "--cacert", ca, url + "/v1/auth/token", "-H", "Content-Type: application/json",
                          "-d", json.dumps({"credential": credential, "ttl": "60s", "role": "viewer"})],
                         capture_output=True, text=True, timeout=30, check=True).stdout
    token = json.loads(out)["token"]
    assert json.loads(tls_get(url, "/v1/whoami", ca, token)[1])["roles"] == ["viewer"]
    assert tls_get(url, "/v1/tenants", ca, token)[0] == 200
    refused = subprocess.run(["curl", "-sS", "--cacert", ca, url + "/v1/tenants", "-H", f"Authorization: Bearer {token}",
                              "-H", "Content-Type: application/json", "-d", '{"metadata":{"name":"no"}}'],
                             capture_output=True, text=True, timeout=30, check=True).stdout
    assert json.loads(refused)["reason"] == "auth.denied", refused


def without_the_ca_nothing_verifies(daemon):
    done = subprocess.run(["curl", "-sS", run_file(daemon)["urls"][0] + "/healthz"], capture_output=True, timeout=30)
    assert done.returncode == 60, done  # curl: the peer's certificate cannot be verified


def changes_are_events(daemon):
    make_tenant(daemon, "told")
    url = "http://localhost/v1/events?after_sequence=0&subject=resource.tenant.*"
    curl = subprocess.Popen(["curl", "-sSN", "--max-time", "20", "--unix-socket", daemon.socket, url],
                            stdout=subprocess.PIPE, text=True)
    try:
        events = (json.loads(line) for line in curl.stdout)
        event = next(event for event in events if event["body"]["name"] == "told")
        assert event["subject"] == "resource.tenant.put" and event["revision"] > 0, event
    finally:
        curl.kill()
        curl.wait()


def bad_settings_are_refused(daemon):
    file = daemon.path / "bad.toml"
    file.write_text("data_folder = \"/tmp/x\"\n[api]\nlisten = [\"127.0.0.1:0\"]\nlissten = 1\n")
    done = subprocess.run([BUILD / "bin" / "novacrond", "--config", file, "--check"], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and ":4" in done.stderr and "lissten" in done.stderr, done
    done = subprocess.run([BUILD / "bin" / "novacrond", "--config", daemon.config, "--check"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0, done


def development_needs_no_file():
    """In a home of its own: its socket, its data, and the nodes that it plays, which are there before it says that it is ready."""
    program = BUILD / "bin" / "novacrond"
    with folder() as home:
        refused = subprocess.run([program, "--fleet", "2"], capture_output=True, text=True, timeout=30)
        assert refused.returncode != 0 and "--dev" in refused.stderr, refused
        process = subprocess.Popen([program, "--dev", "--fleet", "2"], env={"HOME": str(home)}, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            socket = home / ".novacron-dev" / "api.sock"
            wait_until(lambda: (home / ".novacron-dev/data/run/api.json").exists(), 20, "it is ready")
            out = subprocess.run(["curl", "-sS", "--unix-socket", socket, "http://localhost/v1/nodes?label_selector=novacron.dev/fleet"],
                                 capture_output=True, text=True, timeout=30, check=True).stdout
            assert [node["metadata"]["name"] for node in json.loads(out)["items"]] == ["fleet-1", "fleet-2"], out
        finally:
            process.send_signal(signal.SIGHUP)  # as when its terminal goes
            assert process.wait(30) == 0


def main():
    with folder() as path, Daemon(path) as daemon:
        log = daemon.log.read_text()
        credential = next(word for word in log.split() if word.startswith("nc-") and len(word) == 67)
        survives_stop_and_kill(daemon)
        assert daemon.log.read_text().count(credential) == 1, "it is shown at the first start alone"
        login_over_tls(daemon, credential)
        without_the_ca_nothing_verifies(daemon)
        changes_are_events(daemon)
        acknowledged_writes_survive_kill_in_their_midst(daemon)
        bad_settings_are_refused(daemon)
    development_needs_no_file()


if __name__ == "__main__":
    main()
    print("ok")
