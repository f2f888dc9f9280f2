"""Completion in the shells themselves: bash and zsh on a terminal with the tab key, fish by asking it."""

import contextlib
import os
import pty
import select
import shutil
import subprocess
import time

from harness import BUILD, Daemon, folder

PATIENCE_S = 30
TAB = "\t"


class Shell:
    """An interactive shell on a terminal of its own."""

    def __init__(self, command, environment):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)
        self.seen = ""

    def type(self, text):
        os.write(self.terminal, text.encode())

    def until(self, text, since=0):
        """Waits until the terminal shows a text behind what it showed at `since`."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen[since:]:
            left = deadline - time.monotonic()
            assert left > 0, f"not within {PATIENCE_S} s: {text!r}; seen: {self.seen[since:]!r}"
            if select.select([self.terminal], [], [], left)[0]:
                self.seen += os.read(self.terminal, 65536).decode(errors="replace")

    def run(self, line):
        """Runs a line, and waits for its end."""
        since = len(self.seen)
        self.type(line + "; echo do''ne\n")
        self.until("done", since)

    def completes(self, start, whole):
        """A tab makes `whole` of `start`. The line is dropped afterwards."""
        since = len(self.seen)
        self.type(start + TAB)
        self.until(whole, since)
        self.type("\x15")

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


def environment_of(daemon):
    home = daemon.path / "home"
    home.mkdir(exist_ok=True)
    keep = {name: value for name, value in os.environ.items() if name in ("LANG", "TMPDIR")}
    return dict(keep, HOME=str(home), PATH=f"{BUILD / 'bin'}:{os.environ['PATH']}", NOVACRON_SOCKET=daemon.socket, TERM="dumb",
                XDG_CACHE_HOME=str(home / "cache"), XDG_CONFIG_HOME=str(home / "config"), PS1="> ", PS2="")


def words_are_completed(shell):
    shell.completes("novacron plug", "novacron plugin ")
    shell.completes("novacron plugin insta", "novacron plugin install ")
    shell.completes("novacron config rel", "novacron config reload ")
    shell.completes("novacron plugin list --selec", "--selector ")
    shell.completes("novacron plugin list -o ya", "-o yaml ")
    shell.completes("novacron virtualmachines crea", "virtualmachines create ")  # from a contract


def bash(daemon):
    with contextlib.closing(Shell(["bash", "--norc", "--noprofile", "-i"], environment_of(daemon))) as shell:
        shell.run("bind 'set enable-bracketed-paste off'; source <(novacron completion bash)")
        words_are_completed(shell)


def zsh(daemon):
    environment = environment_of(daemon)
    place = daemon.path / "zsh"
    place.mkdir()
    script = subprocess.run([BUILD / "bin" / "novacron", "completion", "zsh"], env=environment, capture_output=True, text=True, timeout=30,
                            check=True).stdout
    (place / "_novacron").write_text(script)
    with contextlib.closing(Shell(["zsh", "-f", "-i"], environment)) as shell:
        shell.run(f"unsetopt zle_bracketed_paste; fpath=({place} $fpath); autoload -Uz compinit && compinit -u -D")
        words_are_completed(shell)


def fish(daemon):
    def candidates(line):
        done = subprocess.run(["fish", "--no-config", "-c", f"novacron completion fish | source; complete -C '{line}'"],
                              env=environment_of(daemon), capture_output=True, text=True, timeout=PATIENCE_S, check=True)
        return {candidate.split("\t")[0] for candidate in done.stdout.splitlines()}

    assert "plugin" in candidates("novacron plu")
    assert {"install", "list"} <= candidates("novacron plugin ")
    assert "reload" in candidates("novacron config ")
    assert "--selector" in candidates("novacron plugin list --sel")
    assert "yaml" in candidates("novacron plugin list -o ")
    assert "create" in candidates("novacron virtualmachines cre")


def main():
    with folder() as path, Daemon(path) as daemon:
        daemon.enable_plugin("scheduling-basic")
        daemon.enable_plugin("compute-controller")
        daemon.cli("api-resources")  # the schema is in the cache, from which completion answers
        for shell in (bash, zsh, fish):
            assert shutil.which(shell.__name__), f"{shell.__name__} is not installed: scripts/setup test"
            shell(daemon)


if __name__ == "__main__":
    main()
    print("ok")
