"""Node.js and what others published for it, as clients of the daemon. The packages are pinned in node/package-lock.json and are
installed once for a build."""

import fcntl
import json
import os
import pathlib
import shutil
import subprocess

from harness import BUILD

SOURCES = pathlib.Path(__file__).resolve().parent / "node"
FOLDER = BUILD / "tests" / "node"


def install():
    """Makes node_modules beside a copy of our scripts; the folder. Several tests may ask at once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (SOURCES / "package-lock.json").read_bytes()
        installed = FOLDER / ".installed"  # written last: what was broken off is done again
        if not installed.exists() or installed.read_bytes() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SOURCES / name, FOLDER)
            npm("ci", "--no-audit", "--no-fund", "--ignore-scripts")
            installed.write_bytes(wanted)
        for script in [*SOURCES.glob("*.mjs"), *SOURCES.glob("*.ts"), SOURCES / "tsconfig.json"]:
            if not (FOLDER / script.name).exists() or (FOLDER / script.name).read_bytes() != script.read_bytes():
                shutil.copy(script, FOLDER)
    return FOLDER


def run(command, timeout_s, **environment):
    done = subprocess.run([str(word) for word in command], cwd=FOLDER, env=dict(os.environ, **environment), text=True,
                          capture_output=True, timeout=timeout_s, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def npm(*arguments):
    """Trusts what the machine trusts; by itself Node.js has a list of its own."""
    authorities = os.environ.get("NODE_EXTRA_CA_CERTS", "/etc/ssl/certs/ca-certificates.crt")
    return run(["npm", *arguments], 100, NODE_EXTRA_CA_CERTS=authorities)


def script(name, access, *arguments, timeout_s=60):
    """Runs node/NAME against a daemon. `access`: as Daemon.access() gives it."""
    install()
    return run(["node", FOLDER / name, *arguments], timeout_s, NODE_EXTRA_CA_CERTS=access["ca"],
               NOVACRON_ACCESS=json.dumps(access))
