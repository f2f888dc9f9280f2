"""/metrics of the real daemon, read as Prometheus reads it."""

import json

from prometheus_client.parser import text_string_to_metric_families

from harness import TENANT, ApiError, Daemon, folder, wait_until

PARTS = {"process_resident_memory_bytes", "process_open_fds", "novacron_bus_published", "novacron_state_revision",
         "novacron_http_connections", "novacron_http_requests_queued", "novacron_plugin_enabled",
         "novacron_plugin_calls_queued", "novacron_worker_threads", "novacron_info"}


def scrape(daemon):
    """{metric name: [(labels, value)]} of all samples."""
    _, headers, body = daemon.call("GET", "/metrics")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers
    families = list(text_string_to_metric_families(body.decode()))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "a name is told twice"
    assert all(family.documentation for family in families)
    samples = {}
    for family in families:
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return set(names), samples


def value(samples, name, **labels):
    return sum(number for have, number in samples.get(name, []) if labels.items() <= have.items())


def requests_are_counted(daemon):
    requests = "novacron_http_request_duration_seconds_count"
    where = {"route": "/v1/tenants/{name}", "method": "GET"}
    before = scrape(daemon)[1]
    for name in ("default", "default", "none"):
        try:
            daemon.get(f"/v1/tenants/{name}")
        except ApiError as missing:
            assert missing.status == 404
    after = scrape(daemon)[1]
    assert value(after, requests, status="200", **where) - value(before, requests, status="200", **where) == 2
    assert value(after, requests, status="404", **where) - value(before, requests, status="404", **where) == 1


def histograms_add_up(samples):
    for name in ("novacron_http_request_duration_seconds", "novacron_plugin_call_duration_seconds"):
        for labels, count in samples[name + "_count"]:
            buckets = [number for have, number in samples[name + "_bucket"] if labels.items() <= have.items()]
            assert buckets == sorted(buckets) and buckets[-1] == count, (labels, buckets, count)


def plugin_calls_are_counted(daemon):
    """A machine that cannot be placed, since there is no node for it: the controller asks the placing plugin again and again."""
    daemon.post(f"{TENANT}/virtualmachines", {"metadata": {"name": "m1"}, "spec": {}})
    calls = dict(plugin="scheduling-basic", service="novacron.scheduling.v1.Scheduler")
    wait_until(lambda: value(scrape(daemon)[1], "novacron_plugin_call_duration_seconds_count", **calls) > 0, 30,
               "the plugin's calls are counted")


def main():
    with folder() as path, Daemon(path) as daemon:
        daemon.enable_plugin("scheduling-basic")
        daemon.enable_plugin("compute-controller")
        requests_are_counted(daemon)
        plugin_calls_are_counted(daemon)
        names, samples = scrape(daemon)
        assert PARTS <= names, PARTS - names
        histograms_add_up(samples)
        assert value(samples, "novacron_plugin_enabled", plugin="compute-controller") == 1
        assert value(samples, "process_resident_memory_bytes") > 1e6
        assert value(samples, "novacron_state_writable") == 1
        print(json.dumps({"names": len(names), "samples": sum(map(len, samples.values()))}))


if __name__ == "__main__":
    main()
    print("ok")
