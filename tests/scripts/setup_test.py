#!/usr/bin/env python3
"""scripts/setup derives the entry for backports from what the machine has, in both forms of apt's sources."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(__file__).resolve().parents[2] / "scripts/setup"
EXPECTED = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\n"
DEB822 = """Types: deb
# the mirror
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg

Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main
"""


class Backports(unittest.TestCase):
    def entry(self, **files):
        with tempfile.TemporaryDirectory() as folder:
            sources = pathlib.Path(folder, "sources.list.d")
            sources.mkdir()
            for name, text in files.items():
                path = pathlib.Path(folder, "sources.list") if name == "list" else sources / name.replace("_", ".")
                path.write_text(text)
            environment = {**os.environ, "NOVACRON_ETC_APT": folder}
            done = subprocess.run([SETUP, "backports-entry", "bookworm"], env=environment, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_a_deb822_file_gives_mirror_and_key(self):
        self.assertEqual(self.entry(debian_sources=DEB822), EXPECTED + "Signed-By: /usr/share/keyrings/archive.gpg\n")

    def test_a_deb822_file_whose_fields_go_on_over_lines_is_read(self):
        text = "Types: deb deb-src\nURIs: http://mirror.example/debian\nSuites:\n bookworm\n bookworm-updates\nComponents: main\n"
        self.assertEqual(self.entry(debian_sources=text), EXPECTED)

    def test_one_line_gives_the_mirror(self):
        self.assertEqual(self.entry(list="deb http://mirror.example/debian bookworm main contrib\n"), EXPECTED)

    def test_one_line_with_options_gives_the_key(self):
        text = "deb [arch=amd64 signed-by=/usr/share/keyrings/archive.gpg] http://mirror.example/debian bookworm main\n"
        self.assertEqual(self.entry(other_list=text), EXPECTED + "Signed-By: /usr/share/keyrings/archive.gpg\n")

    def test_one_line_with_other_options_gives_no_key(self):
        self.assertEqual(self.entry(list="deb [arch=amd64] http://mirror.example/debian bookworm main\n"), EXPECTED)

    def test_nothing_is_added_where_backports_are_there(self):
        self.assertEqual(self.entry(debian_sources=DEB822, more_list="deb http://other.example/debian bookworm-backports main\n"), "")

    def test_commented_disabled_and_source_entries_do_not_count(self):
        disabled = DEB822.replace("Types: deb\n#", "Types: deb\nEnabled: no\n#", 1)
        text = "# deb http://mirror.example/debian bookworm main\ndeb-src http://mirror.example/debian bookworm main\n"
        self.assertEqual(self.entry(debian_sources=disabled, list=text), "")

    def test_another_vendor_s_entry_does_not_count(self):
        self.assertEqual(self.entry(list="deb http://vendor.example/apt nodistro main\n"), "")

    def test_a_machine_without_sources_gives_nothing(self):
        self.assertEqual(self.entry(), "")


if __name__ == "__main__":
    unittest.main()
