#!/usr/bin/env python3
"""Three daemons are one cluster: any of them takes changes, the leader may be killed at any time and nothing acknowledged is
lost, who was away catches up by the log or by a snapshot, strangers are not heard, and without a quorum nothing is changed."""

import json
import signal
import socket
import subprocess
import threading
import time

from harness import ApiError, Daemon, folder, wait_until

NODES = (1, 2, 3)
ELECTION_MS = 600
TENANTS = "/v1/tenants"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def certificate(path, name, ca=None):
    """`name`.pem and `name`.key, signed by `ca` or by itself."""
    signed = ["-CA", path / f"{ca}.pem", "-CAkey", path / f"{ca}.key", "-addext", f"subjectAltName=DNS:{name}"] if ca else []
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
            "-keyout", path / f"{name}.key", "-out", path / f"{name}.pem", *signed)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Cluster:
    def __init__(self, path):
        certificate(path, "ca")
        ports = dict(zip(NODES, free_ports(len(NODES))))
        self.daemons = {}
        for node in NODES:
            certificate(path, f"node-{node}", "ca")
            home = path / str(node)
            home.mkdir()
            peers = json.dumps([f"{other}=127.0.0.1:{port}" for other, port in ports.items() if other != node])
            self.daemons[node] = Daemon(home, f'[state]\nnode = {node}\npeers = {peers}\nlisten = "127.0.0.1:{ports[node]}"\n'
                                              f'ca = "{path}/ca.pem"\ncertificate = "{path}/node-{node}.pem"\nkey = "{path}/node-{node}.key"\n'
                                              f"heartbeat_ms = 100\nelection_ms = {ELECTION_MS}\n")
            text = self.daemons[node].config.read_text()
            self.daemons[node].config.write_text(f'node_name = "n{node}"\n' + text)

    def start(self, *nodes, timeout_s=90):
        threads = [threading.Thread(target=self.daemons[node].start, kwargs={"timeout_s": timeout_s}) for node in nodes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(self.daemons[node].alive() for node in nodes)

    def stop(self):
        for daemon in self.daemons.values():
            if daemon.alive():
                daemon.process.send_signal(signal.SIGTERM)
        for daemon in self.daemons.values():
            try:
                daemon.process.wait(30)
            finally:
                daemon.kill()

    def metric(self, node, name):
        text = self.daemons[node].get("/metrics").decode()
        return int(float(next(line.split()[1] for line in text.splitlines() if line.startswith(name + " "))))

    def leader(self, other_than=0):
        """Whom all that are alive take for the leader."""
        def agreed():
            seen = {self.metric(node, "novacron_state_leader_node") for node in NODES if self.daemons[node].alive()}
            return seen.pop() if len(seen) == 1 and not seen & {0, other_than} else 0

        return wait_until(agreed, 60, "all see one leader")

    def create(self, node, name):
        """Tries until it is acknowledged, as a client does that gets 503; one that was made after all is made."""
        def made():
            try:
                self.daemons[node].post(TENANTS, {"metadata": {"name": name}, "spec": {}})
                return True
            except ApiError as error:
                assert error.status in (409, 503), error
                return error.status == 409

        wait_until(made, 60, f"{name} is made")

    def names(self, node):
        names, token = set(), ""
        while True:
            page = self.daemons[node].get(f"{TENANTS}?limit=500&page_token={token}")
            names |= {item["metadata"]["name"] for item in page["items"]}
            token = page.get("next_page_token", "")
            if not token:
                return names


def any_node_takes_changes(cluster):
    for turn in range(9):
        writer, reader = 1 + turn % 3, 1 + (turn + 1) % 3
        cluster.create(writer, f"any-{turn}")
        assert f"any-{turn}" in cluster.names(reader), "a read sees what another node has acknowledged"
    assert {item["metadata"]["name"] for item in cluster.daemons[2].get("/v1/nodes")["items"]} == {"n1", "n2", "n3"}


def leader_is_killed(cluster):
    """Beside clients at the others, who count what was acknowledged to them."""
    acknowledged, over = set(), threading.Event()
    leader = cluster.leader()
    others = [node for node in NODES if node != leader]

    def client(node):
        number = 0
        while not over.is_set():
            cluster.create(node, f"kill-{leader}-{node}-{number}")
            acknowledged.add(f"kill-{leader}-{node}-{number}")
            number += 1

    clients = [threading.Thread(target=client, args=(node,)) for node in others]
    for thread in clients:
        thread.start()
    wait_until(lambda: len(acknowledged) > 20, 60, "some are acknowledged")
    cluster.daemons[leader].kill()
    before, killed = len(acknowledged), time.monotonic()
    new_leader = cluster.leader(other_than=leader)
    wait_until(lambda: len(acknowledged) > before + 20, 60, "changes go on")
    print(f"node {leader} killed, node {new_leader} leads, changes go on after {time.monotonic() - killed:.1f} s")
    over.set()
    for thread in clients:
        thread.join()
    for node in others:
        assert acknowledged <= cluster.names(node), f"node {node} lacks {acknowledged - cluster.names(node)}"
    cluster.start(leader)
    wait_until(lambda: cluster.metric(leader, "novacron_state_revision") == cluster.metric(new_leader, "novacron_state_revision"), 60,
               "who was killed has caught up")
    assert acknowledged <= cluster.names(leader)


def late_node_gets_snapshot(cluster):
    """What the others have in memory begins where they were started."""
    leader = cluster.leader()
    late = next(node for node in NODES if node != leader)
    cluster.daemons[late].stop()
    rest = [node for node in NODES if node != late]
    for number in range(30):
        cluster.create(leader, f"late-{number}")
    for node in rest:
        cluster.daemons[node].kill()
    cluster.start(*rest)
    cluster.create(rest[0], "late-after")
    cluster.start(late)
    assert {f"late-{number}" for number in range(30)} | {"late-after"} <= cluster.names(late)
    assert "the state of another node was taken" in cluster.daemons[late].log.read_text()


def stranger_is_not_heard(cluster, path):
    """Another authority's certificate opens nothing, and neither does a client without one."""
    certificate(path, "other-ca")
    certificate(path, "node-9", "other-ca")
    address = next(line.split('"')[1] for line in cluster.daemons[1].config.read_text().splitlines() if line.startswith("listen = \"127"))
    for identity in ([], ["-cert", path / "node-9.pem", "-key", path / "node-9.key"]):
        command = ["openssl", "s_client", "-connect", address, "-quiet", *map(str, identity)]
        done = subprocess.run(command, input="let me in\n", capture_output=True, text=True, timeout=30)
        assert "alert" in done.stderr, done.stderr
    wait_until(lambda: "a connection was turned away" in cluster.daemons[1].log.read_text(), 10, "it is said in the log")


def without_quorum(cluster):
    leader = cluster.leader()
    for node in NODES:
        if node != leader:
            cluster.daemons[node].kill()
    daemon = cluster.daemons[leader]

    def refused():
        try:
            daemon.post(TENANTS, {"metadata": {"name": "nobody"}, "spec": {}})
        except ApiError as error:
            assert error.status == 503 and error.problem["reason"].startswith("state."), error
            return error.problem["reason"] == "state.no-leader"
        raise AssertionError("acknowledged without a quorum")

    wait_until(refused, 60, "the one that is left leads no more")
    cluster.start(*(node for node in NODES if node != leader))
    cluster.create(leader, "again")
    assert "again" in cluster.names(leader)


def main():
    with folder() as path:
        cluster = Cluster(path)
        try:
            cluster.start(*NODES)
            any_node_takes_changes(cluster)
            for _ in range(2):
                leader_is_killed(cluster)
            late_node_gets_snapshot(cluster)
            stranger_is_not_heard(cluster, path)
            without_quorum(cluster)
        except BaseException:
            for node, daemon in cluster.daemons.items():
                print(f"--- node {node}", *daemon.log.read_text(errors="replace").splitlines()[-40:], sep="\n")
            raise
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
