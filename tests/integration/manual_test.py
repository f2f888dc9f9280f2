"""Manual pages: one for every command, those of contracts too, and mandoc finds nothing in them."""

import pathlib
import subprocess

from harness import BUILD, Daemon, folder


def lint(pages):
    """What mandoc has to say from its level "warning" on. The pages have no date, so that builds are repeatable."""
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *map(str, pages)], capture_output=True, text=True, timeout=60)
    found = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert done.returncode <= 2 and not found, found[:20] or done


def shown(page):
    """The page as man(1) would show it, without its emphasis."""
    out = subprocess.run(["mandoc", "-T", "utf8"], input=page, capture_output=True, text=True, timeout=30, check=True).stdout
    return subprocess.run(["col", "-b", "-x"], input=out, capture_output=True, text=True, timeout=30, check=True).stdout


def of_the_host_alone(path):
    pages = path / "own"
    subprocess.run([BUILD / "bin" / "novacron", "man", "--own", "--all", pages], env={"HOME": str(path)}, timeout=60, check=True)
    names = {page.name for page in pages.iterdir()}
    assert {"novacron.1", "novacron-plugin.1", "novacron-plugin-install.1", "novacron-config-reload.1", "novacron-node-cordon.1",
            "novacron-support-bundle.1", "novacron-completion-bash.1"} <= names, sorted(names)
    assert not any("virtualmachine" in name for name in names), "that is of a contract"
    lint(sorted(pages.iterdir()))
    text = shown((pages / "novacron.1").read_text())
    for word in ("NAME", "--timeout DURATION", "FLAGS OF EVERY COMMAND", "EXIT STATUS", "doctor", "novacron-plugin(1)"):
        assert word in text, (word, text[:3000])
    built = BUILD / "man" / "man1" / "novacron.1"
    assert built.read_text() == (pages / "novacron.1").read_text(), "what is installed is the same"
    assert {page.name for page in built.parent.glob("*.1")} == names


def of_the_daemon(path):
    page = BUILD / "man" / "man8" / "novacrond.8"
    lint([page])
    text = shown(page.read_text())
    for word in ("--config FILE", "--check", "api.listen", '["127.0.0.1:8443"]', "SIGHUP", "LISTEN_FDS", "NOVACROND__API__LISTEN"):
        assert word in text, (word, text)
    helped = subprocess.run([BUILD / "bin" / "novacrond", "--help"], capture_output=True, text=True, timeout=30, check=True).stdout
    for option in (word for word in helped.replace(",", " ").split() if word.startswith("--")):
        assert option in text, option


def of_contracts(path, daemon):
    page = daemon.cli("man", "vm", "create").stdout
    text = shown(page)
    for word in ("novacron-vm-create", "novacron vm create NAME", "--cpu N", "--memory SIZE", "EXAMPLES"):
        assert word in text, (word, text)
    pages = path / "all"
    daemon.cli("man", "--all", str(pages))
    assert (pages / "novacron-vm-console.1").exists()
    lint(sorted(pages.iterdir()))
    done = daemon.cli("man", "vm", "crate", check=False)
    assert done.returncode == 2 and "create" in done.stderr, done


def main():
    with folder() as path, Daemon(path) as daemon:
        of_the_host_alone(path)
        of_the_daemon(path)
        daemon.enable_plugin("scheduling-basic")
        daemon.enable_plugin("compute-controller")
        of_contracts(pathlib.Path(path), daemon)


if __name__ == "__main__":
    main()
    print("ok")
