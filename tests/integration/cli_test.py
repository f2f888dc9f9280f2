"""The CLI against the real daemon: the host's own kinds, files, watches, logins. Nothing that a plugin brings."""

import json
import os
import subprocess

from harness import BUILD, Daemon, folder


def exit_status(daemon, *arguments, stdin=None):
    return daemon.cli(*arguments, check=False, stdin=stdin).returncode


def nouns_and_help(daemon):
    assert "node" in daemon.cli("api-resources", "-o", "name").stdout.split()
    assert "--version TEXT" in daemon.cli("plugin", "install", "--help").stdout
    assert "Did you mean `tenant`?" in daemon.cli("tenat", "list", check=False).stderr
    assert exit_status(daemon, "tenant", "create", "x", "--no-such") == 2


def objects_from_files(daemon):
    text = "kind: novacron.core/Tenant\nmetadata:\n  name: acme\n  labels: {tier: gold}\nspec:\n  description: \"5\"\n"
    assert exit_status(daemon, "diff", "-f", "-", stdin=text) == 9
    assert "acme created" in daemon.cli("apply", "-f", "-", "--dry-run", stdin=text).stdout
    assert exit_status(daemon, "tenant", "show", "acme") == 3, "a dry run creates nothing"
    assert daemon.cli("apply", "-f", "-", stdin=text).stdout == "tenant/acme created\n"
    assert daemon.cli("apply", "-f", "-", stdin=text).stdout == "tenant/acme unchanged\n"
    assert daemon.cli("apply", "-f", "-", stdin=text.replace('"5"', "six")).stdout == "tenant/acme changed\n"
    assert exit_status(daemon, "diff", "-f", "-", stdin=text.replace('"5"', "six")) == 0
    assert json.loads(daemon.cli("tenant", "show", "acme", "-o", "json").stdout)["spec"]["description"] == "six"
    assert daemon.cli("tenant", "list", "-l", "tier=gold", "-o", "name").stdout == "acme\n"
    written = daemon.cli("tenant", "show", "acme", "-o", "yaml").stdout
    assert daemon.cli("apply", "-f", "-", stdin=written).stdout == "tenant/acme unchanged\n"


def changes_and_conflicts(daemon):
    assert exit_status(daemon, "tenant", "create", "acme", "--no-wait") == 4
    assert daemon.cli("tenant", "edit", "acme", "--description", "seven").stdout == "tenant/acme changed\n"
    daemon.cli("patch", "tenant", "acme", "-p", '{"metadata":{"labels":{"tier":null}}}')
    shown = json.loads(daemon.cli("get", "tenant", "acme", "-o", "json").stdout)
    assert shown["spec"]["description"] == "seven" and not shown["metadata"].get("labels"), shown
    assert exit_status(daemon, "tenant", "delete", "acme") == 2, "it asks, and nobody is there"
    assert exit_status(daemon, "wait", "tenant", "acme", "--for", "deleted", "--timeout", "300ms") == 7
    assert daemon.cli("tenant", "delete", "acme", "--yes").stdout == "tenant/acme deleted\n"
    assert exit_status(daemon, "wait", "tenant", "acme", "--for", "deleted") == 0


def several_decide(daemon):
    def tenant(name):
        return f"kind: novacron.core/Tenant\nmetadata: {{name: {name}}}\nspec: {{description: one}}\n"

    both = tenant("shared") + "---\n" + tenant("other")
    daemon.cli("apply", "-f", "-", "--apply-set", "site", stdin=both)
    assert daemon.cli("tenant", "edit", "shared", "--description", "two").stdout == "tenant/shared changed\n"
    refused = daemon.cli("apply", "-f", "-", "--apply-set", "site", check=False, stdin=tenant("shared"))
    assert refused.returncode == 4 and "spec.description: is decided by" in refused.stderr, refused.stderr
    pruning = ("apply", "-f", "-", "--apply-set", "site", "--force-conflicts", "--prune", "--yes")
    assert "other pruned (dry run)" in daemon.cli(*pruning, "--dry-run", stdin=tenant("shared")).stdout
    assert daemon.cli(*pruning, stdin=tenant("shared")).stdout == "tenant/shared changed\ntenant/other pruned\n"
    ones = ("tenant", "list", "--where", 'spec.description == "one"', "-o", "name")
    assert daemon.cli(*ones, "--sort-by", "metadata.name desc").stdout == "shared\n"
    daemon.cli("patch", "tenant", "shared", "-p", "[{op: test, path: /spec/description, value: one}]")
    assert exit_status(daemon, "patch", "tenant", "shared", "-p", "[{op: test, path: /spec/description, value: x}]") == 4
    gone = daemon.cli("delete", "tenants", "-l", "novacron/apply-set=site", "--yes").stdout
    assert gone == "tenant/shared deleted\n", gone


def watch_sees_changes(daemon):
    daemon.cli("tenant", "create", "seen", "--no-wait")
    listed = daemon.cli("watch", "tenants", "-o", "json", "--timeout", "1s").stdout
    names = [json.loads(line)["object"]["metadata"]["name"] for line in listed.splitlines()]
    assert "seen" in names, listed
    daemon.cli("tenant", "delete", "seen", "--yes")


def blobs(daemon):
    file = daemon.path / "content"
    file.write_bytes(os.urandom(3 << 20))
    digest = daemon.cli("blob", "upload", str(file)).stdout.strip()
    assert digest.startswith("sha256:"), digest
    assert daemon.call("GET", f"/v1/blobs/{digest}")[2] == file.read_bytes()


def host(daemon):
    assert "ready" in daemon.cli("status").stdout
    assert "All is well." in daemon.cli("doctor").stdout
    assert json.loads(daemon.cli("version", "-o", "json").stdout)["host"]["version"]
    daemon.cli("events", "--timeout", "2s")


def login_over_tls(daemon):
    facts = json.loads((daemon.data / "run" / "api.json").read_text())
    url, ca = facts["urls"][0], facts["ca"]
    assert exit_status(daemon, "login", url, "--ca", ca, stdin="wrong\n") == 5
    token = daemon.post("/v1/auth/token")["token"]
    home = daemon.path / "home"
    environment = dict(os.environ, HOME=str(home), XDG_CACHE_HOME=str(home / "cache"), XDG_CONFIG_HOME=str(home / "config"))
    command = [BUILD / "bin" / "novacron", "node", "list", "-o", "name", "--server", url]
    listed = subprocess.run([*command, "--ca", ca], env=dict(environment, NOVACRON_TOKEN=token), capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0 and listed.stdout, listed
    untrusted = subprocess.run(command, env=dict(environment, NOVACRON_TOKEN=token), capture_output=True, text=True, timeout=60)
    assert untrusted.returncode == 6 and "certificate" in untrusted.stderr, untrusted


def help_without_a_host(daemon):
    daemon.stop()
    assert "--description TEXT" in daemon.cli("tenant", "create", "--help").stdout
    assert exit_status(daemon, "tenant", "list") == 6


def main():
    with folder() as path, Daemon(path) as daemon:
        for step in (nouns_and_help, objects_from_files, changes_and_conflicts, several_decide, watch_sees_changes, blobs, host,
                     login_over_tls, help_without_a_host):
            print(step.__name__, flush=True)
            step(daemon)


if __name__ == "__main__":
    main()
