"""Traces of the real daemon, as a collector on this machine gets them."""

import collections
import http.server
import json
import pathlib
import ssl
import subprocess
import threading

import jsonschema

from harness import BUILD, TENANT, Daemon, folder, wait_until

SCHEMA = json.loads((pathlib.Path(__file__).parent / "otlp_traces_schema.json").read_text())
MACHINES = f"{TENANT}/virtualmachines"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "Bearer collector-secret-4711"


class Collector:
    """Takes spans by OTLP/HTTP. `refusals`: (status, headers) for the first requests. `certificate`, `key`: files, for TLS."""

    def __init__(self, refusals=(), certificate=None, key=None):
        self.refusals = list(refusals)
        self.requests = []  # (path, headers, body)
        self.spans = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                collector.take(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://localhost:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def take(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        self.requests.append((request.path, dict(request.headers), body))
        status, headers = self.refusals.pop(0) if self.refusals else (200, {})
        if status == 200:
            self.spans += spans_of(body)
        request.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": "2"}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(b"{}")

    def named(self, name, **attributes):
        return [s for s in list(self.spans) if s["name"] == name and attributes.items() <= facts(s).items()]

    def trace(self, trace_id):
        return [s for s in list(self.spans) if s["traceId"] == trace_id]


def spans_of(body):
    """The spans of a request, which has to be exactly what OTLP says."""
    request = json.loads(body)
    jsonschema.Draft202012Validator(SCHEMA).validate(request)
    resources = request["resourceSpans"]
    assert {a["key"] for r in resources for a in r["resource"]["attributes"]} >= {"service.name", "service.instance.id", "host.name"}
    return [span for r in resources for scope in r["scopeSpans"] for span in scope["spans"]]


def facts(span):
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


def within(inner, outer):
    """Whether a span lies within another in time."""
    return (int(outer["startTimeUnixNano"]) <= int(inner["startTimeUnixNano"]) <= int(inner["endTimeUnixNano"])
            <= int(outer["endTimeUnixNano"]))


def child(collector, parent, name):
    """The one span of that name below `parent`, which lies within it."""
    found = [s for s in collector.trace(parent["traceId"]) if s["name"] == name and s.get("parentSpanId") == parent["spanId"]]
    assert len(found) == 1, (name, [(s["name"], s.get("parentSpanId")) for s in collector.trace(parent["traceId"])])
    assert within(found[0], parent), (found[0], parent)
    return found[0]


def settings(url, more=""):
    return f'[traces]\nendpoint = "{url}"\nheaders = {{ authorization = "{SECRET}" }}\n{more}'


def daemon_with_machines(path, url, more=""):
    return Daemon(path, settings(url, more), plugins=[BUILD / "lib/novacron/test-plugins"])


def enable_machines(daemon):
    for name in ("scheduling-basic", "fake", "compute-controller"):
        daemon.enable_plugin(name)
    wait_until(lambda: any(n.get("status", {}).get("memory_bytes") for n in daemon.get("/v1/computenodes")["items"]), 30,
               "the node offers room")


def make_machine(daemon, name, headers=None):
    daemon.post(MACHINES, {"metadata": {"name": name}, "spec": {"driver": "fake"}}, headers)
    wait_until(lambda: daemon.get(f"{MACHINES}/{name}").get("status", {}).get("phase") == "RUNNING", 30, f"{name} runs")


def the_write_is_in_the_clients_trace(daemon, collector):
    """The request, its admission and its transaction."""
    daemon.enable_plugin("doorkeeper")
    daemon.post("/v1/admissionhooks", {"metadata": {"name": "paint"},
                                       "spec": {"plugin": "doorkeeper", "kinds": ["test.doors/Door"], "stage": "MUTATE"}})
    daemon.post(f"{TENANT}/doors", {"metadata": {"name": "front"}, "spec": {}}, {"traceparent": f"00-{TRACE}-{PARENT}-01"})
    wait_until(lambda: collector.named("POST /v1/tenants/{tenant}/doors"), 20, "the request is traced")
    request, = collector.named("POST /v1/tenants/{tenant}/doors")
    assert (request["traceId"], request["parentSpanId"], request["kind"]) == (TRACE, PARENT, 2), request
    assert request["flags"] == 0x301, "its parent is remote"
    assert facts(request)["http.response.status_code"] == "201"
    admission = child(collector, request, "admission")
    admit = child(collector, admission, "novacron.core.v1.Admission/Admit")
    assert facts(admit)["novacron.callee"] == "doorkeeper"
    transaction = child(collector, request, "state transaction")
    assert int(facts(transaction)["novacron.writes"]) >= 2


def a_reading_verb_is_one_chain(daemon, collector):
    """From the client's request through the controller to the driver."""
    daemon.post(f"{MACHINES}/m1:stats", None, {"traceparent": f"00-{TRACE[::-1]}-{PARENT}-01"})
    wait_until(lambda: collector.named("POST /v1/tenants/{tenant}/virtualmachines/{name}:{verb}"), 20, "the verb is traced")
    request, = collector.named("POST /v1/tenants/{tenant}/virtualmachines/{name}:{verb}")
    assert (request["traceId"], request["parentSpanId"]) == (TRACE[::-1], PARENT)
    action = child(collector, request, "novacron.compute.v1.VirtualMachineActions/Stats")
    assert facts(action)["novacron.caller"] == "host" and facts(action)["novacron.callee"] == "compute-controller"
    driver = child(collector, action, "novacron.compute.v1.Driver/Stats")
    assert facts(driver)["novacron.caller"] == "compute-controller" and facts(driver)["novacron.callee"] == "fake"


def a_controllers_work_is_a_trace_of_its_own(daemon, collector):
    """What nobody waits for begins where the plugin does it: placing, claiming and starting, each below the plugin's task."""
    wait_until(lambda: collector.named("novacron.compute.v1.Driver/Start"), 20, "the start is traced")
    start = collector.named("novacron.compute.v1.Driver/Start")[0]
    task, = [s for s in collector.trace(start["traceId"]) if s["spanId"] == start["parentSpanId"]]
    assert task["name"] == "compute-controller task" and "parentSpanId" not in task, task
    assert within(start, task)
    schedule = collector.named("novacron.scheduling.v1.Scheduler/Schedule")[0]
    assert facts(schedule)["novacron.callee"] == "scheduling-basic"
    claim = collector.named("novacron.core.v1.Claims/Acquire")[0]
    child(collector, claim, "state transaction")
    by_id = {s["spanId"]: s for s in collector.spans}
    for span in (schedule, claim):
        above = span
        while "parentSpanId" in above:
            above = by_id[above["parentSpanId"]]
        assert above["name"] == "compute-controller task", above["name"]


def every_parent_is_there(collector):
    """Whatever names a parent of the host's has it in the same trace, and nothing is told twice."""
    spans = list(collector.spans)
    twice = [i for i, count in collections.Counter((s["traceId"], s["spanId"]) for s in spans).items() if count > 1]
    assert not twice, twice
    ids = {(s["traceId"], s["spanId"]) for s in spans}
    lost = [s["name"] for s in spans if "parentSpanId" in s and s["parentSpanId"] != PARENT
            and (s["traceId"], s["parentSpanId"]) not in ids]
    assert not lost, lost


def test_the_chain(path):
    # Twice refused: the host comes back with the same spans, the first time when it was told to.
    with Collector([(503, {"Retry-After": "1"}), (429, {})]) as collector:
        with daemon_with_machines(path, collector.url) as daemon:
            enable_machines(daemon)
            make_machine(daemon, "m1")
            the_write_is_in_the_clients_trace(daemon, collector)
            a_reading_verb_is_one_chain(daemon, collector)
            a_controllers_work_is_a_trace_of_its_own(daemon, collector)
            metrics = daemon.call("GET", "/metrics")[2].decode()
        every_parent_is_there(collector)  # also what was sent at the end
        first, second, third = (body for _, _, body in collector.requests[:3])
        assert first == second == third
        assert all(headers["authorization"] == SECRET and path == "/v1/traces" and headers["Content-Type"] == "application/json"
                   for path, headers, _ in collector.requests)
        assert "novacron_traces_requests_failed_total 2" in metrics and 'spans_total{reason="queue-full"} 0' in metrics
        everything = "".join(body.decode() for _, _, body in collector.requests)
        assert SECRET not in everything + metrics + daemon.log.read_text(), "a secret is told"


def test_sampling(path):
    with Collector() as collector:
        with daemon_with_machines(path, collector.url, "ratio = 0.0\n") as daemon:
            daemon.get("/v1/nodes")
            daemon.call("GET", "/v1/nodes", None, {"traceparent": f"00-{TRACE}-{PARENT}-00"})
            daemon.call("GET", "/v1/plugins", None, {"traceparent": f"00-{TRACE}-{PARENT}-01"})
        assert {s["name"] for s in collector.spans} == {"GET /v1/plugins"}, [s["name"] for s in collector.spans]


def make_certificate(path):
    """A certificate for localhost that is its own authority."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", path / "key.pem", "-out",
                    path / "cert.pem"], check=True, capture_output=True)
    return path / "cert.pem", path / "key.pem"


def test_tls(path):
    certificate, key = make_certificate(path)
    with Collector(certificate=certificate, key=key) as collector:
        with Daemon(path / "trusts", settings(collector.url, f'ca = "{certificate}"\n')) as daemon:
            daemon.get("/v1/nodes")
            wait_until(lambda: collector.named("GET /v1/nodes"), 20, "the request is traced")
        taken = len(collector.requests)
        with Daemon(path / "wary", settings(collector.url)) as daemon:
            daemon.get("/v1/nodes")
            wait_until(lambda: "requests_failed_total 0" not in daemon.call("GET", "/metrics")[2].decode(), 20,
                       "a collector that nobody vouches for is refused")
        assert len(collector.requests) == taken, "spans went to whom nobody vouches for"


def test_settings(path):
    for line, complaint in ((f'headers = {{ "content-length" = "{SECRET}" }}', "traces.headers"), ('endpoint = "c:4318"', "traces.endpoint"),
                            (f'headers = {{ "x-key" = "{SECRET}\\n" }}', "traces.headers"), ("ratio = 2", "traces.ratio")):
        config = path / "bad.toml"
        config.write_text(f"[traces]\n{line}\n")
        done = subprocess.run([BUILD / "bin" / "novacrond", "--check", "--config", config], capture_output=True, text=True)
        assert done.returncode != 0 and complaint in done.stdout + done.stderr, done
        assert "4711" not in done.stdout + done.stderr, "a secret is told"


def test_nothing_by_default(path):
    with Daemon(path) as daemon:
        daemon.call("GET", "/v1/nodes", None, {"traceparent": f"00-{TRACE}-{PARENT}-01"})
        assert "novacron_traces" not in daemon.call("GET", "/metrics")[2].decode()


def main():
    for test in (test_settings, test_the_chain, test_sampling, test_tls, test_nothing_by_default):
        with folder() as path:
            (path / "trusts").mkdir()
            (path / "wary").mkdir()
            test(path)


if __name__ == "__main__":
    main()
