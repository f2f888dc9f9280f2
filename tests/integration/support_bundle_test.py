"""A support bundle has what helps to find a fault, and no secret."""

import json
import os
import stat
import tarfile

from harness import Daemon, folder

PASSWORD = "correct-horse-battery"


def plant_secrets(daemon):
    """Where they really turn up: a plugin's configuration, notes that somebody left, a request that failed."""
    daemon.post("/v1/plugins", {"metadata": {"name": "scheduling-basic"},
                                "spec": {"enabled": False, "config_json": json.dumps({"db_password": PASSWORD})}})
    node = daemon.get("/v1/nodes")["items"][0]["metadata"]["name"]
    daemon.patch(f"/v1/nodes/{node}", {"metadata": {"annotations": {"note": f"login https://root:{PASSWORD}@10.0.0.1/"}}})
    daemon.patch("/v1/log", {"level": "debug"})
    daemon.post("/v1/tenants", {"metadata": {"name": "blue"}}, {"X-Request-Id": "seen-in-the-log"})


def contents(path):
    with tarfile.open(path, "r:gz") as archive:
        return {member.name.split("/", 1)[1]: archive.extractfile(member).read().decode() for member in archive.getmembers()}


def has_what_helps(files, daemon):
    listed = {entry["file"]: entry for entry in json.loads(files["manifest.json"])["files"]}
    assert set(files) == {"manifest.json", *listed}, (set(files), listed)
    for name, entry in listed.items():
        assert entry["bytes"] == len(files[name].encode()) and "missing" not in entry, entry
    assert json.loads(files["version.json"]) == daemon.get("/version")
    assert json.loads(files["config.json"])["files"] == [str(daemon.config)]
    assert json.loads(files["plugins.json"])["items"][0]["metadata"]["name"] == "scheduling-basic"
    assert json.loads(files["contracts.json"])["items"], "contracts are there"
    assert "descriptor_set" not in files["contracts.json"]
    assert json.loads(files["nodes.json"])["items"][0]["status"]["phase"] == "READY"
    assert "novacron_info" in files["metrics.txt"]
    assert "daemon: ready" in files["log.txt"] and "request=seen-in-the-log" in files["log.txt"], files["log.txt"]
    events = [json.loads(line) for line in files["events.ndjson"].splitlines()]
    assert any("blue" in json.dumps(event) for event in events), events


def has_no_secret(files, secrets):
    for name, text in files.items():
        for secret in secrets:
            assert secret not in text, (name, text[max(0, text.find(secret) - 80):][:200])
    assert '"config_json": "***"' in files["plugins.json"] and "https://***@10.0.0.1/" in files["nodes.json"], "masked, not left out"


def is_for_its_owner_alone(path):
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert [entry.name for entry in path.parent.glob("bundle*")] == [path.name], "nothing else is left behind"


def a_dry_run_lists_and_writes_nothing(daemon, path):
    before = set(path.iterdir())
    out = daemon.cli("support-bundle", "--dry-run", "-o", str(path / "none.tar.gz")).stdout
    assert "config.json" in out and "/v1/config" in out and "events.ndjson" in out, out
    assert set(path.iterdir()) == before


def what_is_there_is_not_overwritten(daemon, path):
    before = path.read_bytes()
    done = daemon.cli("support-bundle", "-o", str(path), check=False)
    assert done.returncode != 0 and path.read_bytes() == before, done


def who_may_not_see_gets_less(daemon, path):
    """A token for one tenant: what it may not see is named, the rest is there."""
    facts = daemon.access()
    token = daemon.post("/v1/auth/token", {"credential": next(word for word in daemon.log.read_text().split() if word.startswith("nc-")
                                                              and len(word) == 67), "ttl": "60s", "role": "viewer", "tenant": "default"})
    ours = path / "less.tar.gz"
    done = daemon.cli("support-bundle", "-o", str(ours), "--server", facts["url"], "--ca", facts["ca"], "--token", token["token"])
    assert "config.json is missing" in done.stderr, done.stderr
    files = contents(ours)
    listed = {entry["file"]: entry for entry in json.loads(files["manifest.json"])["files"]}
    assert "auth" in listed["config.json"]["missing"] or "lacks" in listed["config.json"]["missing"], listed
    assert "version.json" in files and "config.json" not in files
    return token["token"]


def main():
    with folder() as path, Daemon(path) as daemon:
        credential = next(word for word in daemon.log.read_text().split() if word.startswith("nc-") and len(word) == 67)
        access = daemon.access()
        plant_secrets(daemon)
        bundle = path / "bundle.tar.gz"
        done = daemon.cli("support-bundle", "-o", str(bundle), "--server", access["url"], "--ca", access["ca"], "--token", access["token"])
        assert done.stdout.splitlines()[0] == str(bundle), done
        files = contents(bundle)
        has_what_helps(files, daemon)
        has_no_secret(files, [credential, access["token"], PASSWORD])
        is_for_its_owner_alone(bundle)
        a_dry_run_lists_and_writes_nothing(daemon, path)
        what_is_there_is_not_overwritten(daemon, bundle)
        who_may_not_see_gets_less(daemon, path)


if __name__ == "__main__":
    main()
    print("ok")
