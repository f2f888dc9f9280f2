"""A machine made, watched, stopped and deleted with curl alone, by what the host's OpenAPI document says."""

import json
import subprocess
import sys

from compute import Site
from harness import wait_until

MESSAGE = "novacron.compute.v1.VirtualMachine"


class Curl:
    """curl with what a user holds: the host's URL, its CA and a token."""

    def __init__(self, url, ca, token):
        self.url, self.options = url, ["--cacert", ca, "-H", f"Authorization: Bearer {token}"]

    def __call__(self, method, path, body=None):
        """(status, JSON or None)"""
        command = ["curl", "-sS", "-X", method, "-w", "\n%{http_code}", *self.options, self.url + path]
        if body is not None:
            command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        text, status = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.rsplit("\n", 1)
        return int(status), json.loads(text) if text else None


def log_in(site):
    """The local administrator asks for a token at the socket."""
    facts = json.loads((site.daemon.data / "run/api.json").read_text())
    answer = subprocess.run(["curl", "-fsS", "--unix-socket", site.daemon.socket, "-H", "Content-Type: application/json",
                             "-d", '{"ttl": "10m"}', "http://localhost/v1/auth/token"],
                            capture_output=True, text=True, timeout=30, check=True).stdout
    return Curl(facts["urls"][0], facts["ca"], json.loads(answer)["token"])


class Document:
    """The OpenAPI document, asked as a programmer asks it."""

    def __init__(self, document):
        self.document = document

    def schema(self, schema):
        """With its reference followed."""
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def collection(self, message):
        """The path to which an object of the message is posted."""
        found = [path for path, item in self.document["paths"].items()
                 if item.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
                 .get("schema", {}).get("$ref", "").endswith("/" + message)]
        assert len(found) == 1, found
        return found[0]

    def field(self, message, path):
        """The schema of a field, which the document must know."""
        schema = self.document["components"]["schemas"][message]
        for name in path.split("."):
            schema = self.schema(self.schema(schema)["properties"][name])
        return schema


def main():
    with Site() as site:
        curl = log_in(site)
        status, document = curl("GET", "/openapi.json")
        assert status == 200 and document["openapi"].startswith("3.1"), document.get("openapi")
        document = Document(document)
        collection = document.collection(MESSAGE)
        assert collection + "/{name}" in document.document["paths"], collection
        machines = collection.format(tenant="default")
        memory = document.field(MESSAGE, "spec.memory_bytes")["oneOf"][1]["examples"][0]
        phases = document.field(MESSAGE, "status.phase")["enum"]
        for field in ("metadata.name", "spec.cpus", "spec.boot.kernel", "spec.boot.initrd", "spec.boot.command_line"):
            document.field(MESSAGE, field)

        wanted = {"metadata": {"name": "by-curl"},
                  "spec": {"cpus": 1, "memory_bytes": memory, "stop_grace_ns": "1s",
                           "boot": {"kernel": site.kernel, "initrd": site.initrd, "command_line": "console=ttyS0 quiet"}}}
        status, made = curl("POST", machines, wanted)
        assert status == 201, (status, made)

        def phase():
            return curl("GET", f"{machines}/by-curl")[1].get("status", {}).get("phase")

        assert "RUNNING" in phases and "STOPPED" in phases, phases
        wait_until(lambda: phase() == "RUNNING", 30, "the machine runs")
        assert site.libvirtd.running() == [made["metadata"]["uid"]]
        assert collection + "/{name}:stop" in document.document["paths"]
        status, answer = curl("POST", f"{machines}/by-curl:stop", {})
        assert status in (200, 202), (status, answer)
        wait_until(lambda: phase() == "STOPPED", 30, "the machine is stopped")
        status, answer = curl("DELETE", f"{machines}/by-curl")
        assert status in (200, 202, 204), (status, answer)
        site.wait_gone("by-curl")
        assert site.libvirtd.domains() == []
    return 0


if __name__ == "__main__":
    sys.exit(main())
