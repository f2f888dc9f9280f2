"""The OpenAPI document: valid by its own schema, true to what the daemon does with its examples, and enough for a generated client."""

import json
import sys
from urllib.parse import quote, urlencode

import jsonschema

import node
from harness import ApiError, Daemon, folder

METHODS = ("post", "get", "put", "patch", "delete")
# Answers without an end.
ENDLESS = {"/v1/events"}


class Document:
    """The document, with references resolved."""

    def __init__(self, document):
        self.document = document
        self.paths = document["paths"]

    def resolve(self, value):
        while "$ref" in value:
            target = self.document
            for step in value["$ref"][2:].split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            value = target
        return value

    def check(self, schema, value):
        """That a value is what a schema of the document describes."""
        whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": self.document["components"], **schema}
        jsonschema.validators.validator_for(whole)(whole).validate(value)

    def operations(self):
        """Every operation as (path, method, operation, its parameters), in the order of an object's life: one is deleted before all are."""
        rank = {"post": 0, "get": 1, "put": 2, "patch": 3, "delete": 4}
        found = [(path, method, item[method], [self.resolve(p) for p in item.get("parameters", []) + item[method].get("parameters", [])])
                 for path, item in self.paths.items() for method in METHODS if method in item]
        return sorted(found, key=lambda entry: (rank[entry[1]], entry[0].count("/") * (-1 if entry[1] == "delete" else 1)))


def body_of(operation):
    """The example of a body: (media type, value); None: it takes none, or gives none as example."""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if "example" in content:
            return media_type, content["example"]
    return None


def target_of(path, parameters):
    values = {p["name"]: p.get("example") for p in parameters if p["in"] == "path"}
    query = {p["name"]: p["example"] for p in parameters if p["in"] == "query" and "example" in p}
    for name, value in values.items():
        path = path.replace("{" + name + "}", quote(value))
    return path + ("?" + urlencode(query) if query else "")


def send(daemon, method, target, body):
    payload, headers = None, {}
    if body is not None:
        headers = {"Content-Type": body[0]}
        payload = json.dumps(body[1]).encode() if "json" in body[0] else str(body[1]).encode()
    try:
        return daemon.call(method.upper(), target, payload, headers)
    except ApiError as refused:
        return refused.status, {"Content-Type": "application/problem+json"}, refused.problem


def matching_answer(document, operation, status):
    responses = operation["responses"]
    return document.resolve(responses.get(str(status), responses["default"]))


def check_answer(document, operation, status, headers, answer):
    described = matching_answer(document, operation, status)
    media_type = headers.get("Content-Type", "").split(";")[0]
    content = described.get("content", {})
    if status in (204, 304):
        return
    assert media_type in content, f"{status} came as {media_type}, described are {list(content)}"
    if "json" in media_type and content[media_type].get("schema"):
        document.check(content[media_type]["schema"], answer)


def execute_examples(daemon, document):
    """Sends every example; each answer has to be one that is described, and a success unless the object is not for users."""
    counts = {"sent": 0, "refused": 0}
    for path, method, operation, parameters in document.operations():
        body = body_of(operation)
        is_write = method in ("post", "put", "patch")
        if path in ENDLESS or "101" in operation["responses"] or (is_write and body is None):
            continue
        status, headers, answer = send(daemon, method, target_of(path, parameters), body)
        counts["sent"] += 1
        try:
            check_answer(document, operation, status, headers, answer)
            if status >= 400:
                counts["refused"] += 1
                check_refusal(operation, answer)
        except Exception as fault:
            raise AssertionError(f"{method.upper()} {path}: {status} {answer}") from fault
    return counts


def check_refusal(operation, problem):
    kind = operation["operationId"]
    for prefix in ("create", "replace", "patch", "delete", "get"):
        kind = kind.removeprefix(prefix).removesuffix("Collection")
    assert problem["reason"] in REFUSALS.get(kind, ()), problem


# By kind: what the host says to an example of an object that is not for users to make, or that names what is not there.
REFUSALS = {
    "Operation": ("auth.denied", "resource.not-found"),
    "Contract": ("auth.denied", "field.invalid", "resource.not-found", "resource.invalid"),
    "Node": ("auth.denied", "resource.not-found"),
    "Blob": ("auth.denied", "field.invalid", "resource.not-found"),
    "Plugin": ("resource.not-found",),
}


def is_valid(path, document):
    file = path / "openapi.json"
    file.write_text(json.dumps(document))
    node.install()
    assert node.run(["node", node.FOLDER / "validate.mjs", file], 60).strip() == "3.1"
    return file


def generated_client_works(daemon, file):
    modules = node.FOLDER / "node_modules" / ".bin"
    node.run([modules / "openapi-typescript", file, "-o", node.FOLDER / "api.d.ts"], 60)
    node.run([modules / "tsc", "--project", node.FOLDER / "tsconfig.json"], 100)
    node.script("built/client.js", daemon.access())


def main():
    with folder() as path, Daemon(path) as daemon:
        daemon.enable_plugin("scheduling-basic")
        daemon.enable_plugin("compute-controller")
        raw = daemon.get("/openapi.json")
        file = is_valid(path, raw)
        print("the document is valid")
        counts = execute_examples(daemon, Document(raw))
        print(f"examples: {counts['sent']} sent, {counts['refused']} refused as described")
        assert counts["sent"] > 30, counts
        generated_client_works(daemon, file)
        print("a generated client works")


if __name__ == "__main__":
    main()
    print("ok")
    sys.exit(0)
