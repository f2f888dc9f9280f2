"""The units for systemd: valid by its own judgement, no more exposed than agreed, and of one mind with the program's defaults."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = ROOT / "host" / "daemon"
PROGRAM = pathlib.Path(os.environ["NOVACRON_BUILD"]) / "bin" / "novacrond"
MAX_EXPOSURE_TENTHS = 52  # of 100; it only goes down


def lines(name, key):
    return [line.split("=", 1)[1] for line in (UNITS / name).read_text().splitlines() if line.startswith(key + "=")]


def default_of(name):
    shown = subprocess.run([PROGRAM, "--check", "--show"], capture_output=True, text=True, timeout=30, check=True).stdout
    line = next(line for line in shown.splitlines() if line.startswith(name + " = "))
    return json.loads(line.split(" = ", 1)[1].rsplit("  # ", 1)[0])


def systemd_finds_nothing(folder):
    for name in ("novacrond.service", "novacrond.socket"):
        text = (UNITS / name).read_text()
        (folder / name).write_text(text.replace("/usr/sbin/novacrond", str(PROGRAM)))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *map(str, sorted(folder.iterdir()))], capture_output=True, text=True,
                          timeout=60, env=dict(os.environ, SYSTEMD_UNIT_PATH=f"{folder}:"))
    assert done.returncode == 0 and not done.stderr.strip(), done


def exposure_only_shrinks(folder):
    done = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={MAX_EXPOSURE_TENTHS}",
                           str(folder / "novacrond.service")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout.splitlines()[-1:] + [done.stderr]


def sockets_are_the_defaults_of_the_settings():
    assert lines("novacrond.socket", "ListenStream") == [*default_of("api.listen"), default_of("api.unix_socket")]
    assert default_of("data_folder") == "/var/lib/" + lines("novacrond.service", "StateDirectory")[0]


def there_is_time_to_end():
    needed_ms = default_of("api.shutdown_ms") + default_of("plugins.shutdown_ms")
    assert int(lines("novacrond.service", "TimeoutStopSec")[0]) * 1000 > needed_ms


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nc-units-"))
    try:
        systemd_finds_nothing(folder)
        exposure_only_shrinks(folder)
    finally:
        shutil.rmtree(folder)
    sockets_are_the_defaults_of_the_settings()
    there_is_time_to_end()


if __name__ == "__main__":
    main()
    print("ok")
