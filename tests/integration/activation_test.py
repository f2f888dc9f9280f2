"""Started by a supervisor as systemd does it: with sockets that listen already, and a socket to be told on how it goes."""

import contextlib
import json
import os
import signal
import socket
import threading

from harness import BUILD, Daemon, UnixConnection, folder, tls_get

PROGRAM = str(BUILD / "bin" / "novacrond")


class Supervisor:
    """Listens for the daemon, starts it by the protocol of sd_listen_fds(3), and hears what it says by sd_notify(3)."""

    def __init__(self, path):
        self.path = path
        self.tcp = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.local_path = str(path / "by-systemd.sock")
        self.local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.local.bind(self.local_path)
        self.local.listen(64)
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(path / "notify.sock"))
        self.notices.settimeout(20)
        self.pid = 0

    def start(self, config, sockets, count=None, pid_of_another=False, names="api:local"):
        environment = dict(os.environ, NOTIFY_SOCKET=str(self.path / "notify.sock"), LISTEN_FDNAMES=names,
                           LISTEN_FDS=str(len(sockets) if count is None else count))
        log = os.open(self.path / "novacrond.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                above = [os.dup2(one.fileno(), 20 + i) for i, one in enumerate(sockets)]
                for i, fd in enumerate(above):
                    os.dup2(fd, 3 + i)
                os.dup2(log, 1)
                os.dup2(log, 2)
                os.closerange(3 + len(sockets), 64)
                environment["LISTEN_PID"] = str(os.getppid() if pid_of_another else os.getpid())
                os.execve(PROGRAM, [PROGRAM, "--config", str(config)], environment)
            finally:
                os._exit(127)
        os.close(log)

    def heard(self, word):
        """Waits for a notice that says so."""
        while True:
            said = self.notices.recv(4096).decode()
            if word in said.split("\n"):
                return said

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        self.heard("STOPPING=1")
        status = os.waitpid(self.pid, 0)[1]
        self.pid = 0
        return os.waitstatus_to_exitcode(status)

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        for one in (self.tcp, self.local, self.notices):
            one.close()


def get(path, target="/version"):
    with contextlib.closing(UnixConnection(path, 20)) as connection:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def serves_what_it_was_given(supervisor, daemon):
    supervisor.start(daemon.config, [supervisor.tcp, supervisor.local])
    supervisor.heard("READY=1")
    facts = json.loads((daemon.data / "run" / "api.json").read_text())
    host, port = supervisor.tcp.getsockname()
    assert facts["urls"] == [f"https://{host}:{port}"] and facts["unix_socket"] == supervisor.local_path, facts
    assert get(supervisor.local_path)[0] == 200, "and who asks there is known by its uid"
    assert tls_get(facts["urls"][0], "/healthz", facts["ca"])[0] == 200
    assert not os.path.exists(daemon.socket), "the sockets of the settings are not used"
    names = [line for line in supervisor.path.joinpath("novacrond.log").read_text().splitlines() if "socket inherited" in line]
    assert len(names) == 2 and "name=api" in names[0] and "name=local" in names[1], names


def children_inherit_nothing(supervisor):
    for fd in (3, 4):
        info = open(f"/proc/{supervisor.pid}/fdinfo/{fd}").read()
        flags = int(next(line for line in info.splitlines() if line.startswith("flags:")).split()[1], 8)
        assert flags & os.O_CLOEXEC, (fd, info)


def says_when_it_reads_its_settings_again(supervisor):
    os.kill(supervisor.pid, signal.SIGHUP)
    said = supervisor.heard("RELOADING=1")
    assert any(line.startswith("MONOTONIC_USEC=") and int(line.split("=")[1]) > 0 for line in said.split("\n")), said
    supervisor.heard("READY=1")


def connections_wait_while_it_is_restarted(supervisor, daemon):
    """None of those who come meanwhile is refused: they are answered by the next run."""
    assert supervisor.end() == 0
    assert os.path.exists(supervisor.local_path), "the path is the supervisor's"
    answers = []
    clients = [threading.Thread(target=lambda: answers.append(get(supervisor.local_path)[0])) for _ in range(8)]
    for client in clients:
        client.start()
    supervisor.start(daemon.config, [supervisor.tcp, supervisor.local])
    supervisor.heard("READY=1")
    for client in clients:
        client.join()
    assert answers == [200] * 8, answers
    assert supervisor.end() == 0


def one_kind_of_socket_alone_leaves_the_other_to_the_settings(supervisor, daemon):
    supervisor.start(daemon.config, [supervisor.local], names="")
    supervisor.heard("READY=1")
    facts = json.loads((daemon.data / "run" / "api.json").read_text())
    assert facts["unix_socket"] == supervisor.local_path and len(facts["urls"]) == 1, facts
    assert facts["urls"][0] != "https://%s:%d" % supervisor.tcp.getsockname()
    assert supervisor.end() == 0


def sockets_of_another_process_are_left_alone(supervisor, daemon):
    supervisor.start(daemon.config, [supervisor.local], pid_of_another=True)
    supervisor.heard("READY=1")
    assert json.loads((daemon.data / "run" / "api.json").read_text())["unix_socket"] == daemon.socket
    assert supervisor.end() == 0


def what_is_no_listening_socket_is_refused(supervisor, daemon):
    log = supervisor.path / "novacrond.log"

    def refused(sockets, word, **options):
        supervisor.start(daemon.config, sockets, **options)
        status = os.waitstatus_to_exitcode(os.waitpid(supervisor.pid, 0)[1])
        supervisor.pid = 0
        assert status == 1 and word in log.read_text().splitlines()[-1], (status, log.read_text()[-500:])

    refused([supervisor.notices], "the inherited descriptor 3: it is no listening stream socket")
    with socket.socket() as idle:
        refused([idle], "the inherited descriptor 3: it is no listening stream socket")
    with open("/dev/null", "rb") as nothing:
        refused([nothing], "the inherited descriptor 3: it is no listening stream socket")
    refused([supervisor.local], "descriptor 4 of $LISTEN_FDS is not open", count=2)
    refused([supervisor.local], "$LISTEN_FDS must be a number", count="many")
    refused([supervisor.local], "$LISTEN_FDS must be a number", count=65)


def main():
    with folder() as path:
        daemon = Daemon(path)  # for its settings
        with contextlib.closing(Supervisor(path)) as supervisor:
            serves_what_it_was_given(supervisor, daemon)
            children_inherit_nothing(supervisor)
            says_when_it_reads_its_settings_again(supervisor)
            connections_wait_while_it_is_restarted(supervisor, daemon)
            one_kind_of_socket_alone_leaves_the_other_to_the_settings(supervisor, daemon)
            sockets_of_another_process_are_left_alone(supervisor, daemon)
            what_is_no_listening_socket_is_refused(supervisor, daemon)


if __name__ == "__main__":
    main()
    print("ok")
