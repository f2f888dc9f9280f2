#!/usr/bin/env python3
"""The golden ABI check passes what appends, and fails, naming what moved, on everything else."""

import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = (ROOT / "sdk/abi/novacron/plugin.h").read_text()
GOLDEN = ROOT / "sdk/abi/novacron/golden/plugin-1.txt"


class Golden(unittest.TestCase):
    def check(self, *edits, options=()):
        """Runs the check on the header after edits, each (text found exactly once, replacement)."""
        text = HEADER
        for old, new in edits:
            self.assertEqual(text.count(old), 1, f"the header no longer has exactly one {old!r}: mend this test")
            text = text.replace(old, new)
        with tempfile.TemporaryDirectory() as folder:
            header, self.golden = pathlib.Path(folder, "plugin.h"), pathlib.Path(folder, "golden.txt")
            header.write_text(text)
            self.golden.write_text(GOLDEN.read_text())
            command = [ROOT / "scripts/abi-golden", "--header", header, "--golden", self.golden, *options]
            done = subprocess.run(command, capture_output=True, text=True)
            self.written = self.golden.read_text()
        return done.returncode, done.stdout + done.stderr

    def assert_passes(self, *edits, says=""):
        code, output = self.check(*edits)
        self.assertEqual(code, 0, output)
        self.assertIn(says, output)

    def assert_fails(self, *edits, naming):
        code, output = self.check(*edits)
        self.assertEqual(code, 1, output)
        self.assertIn("breaks plugins", output)
        for name in [naming] if isinstance(naming, str) else naming:
            self.assertIn(name, output)

    def test_the_header_as_it_is_equals_the_golden_file(self):
        code, output = self.check()
        self.assertEqual((code, output), (0, ""))

    def test_a_field_at_the_end_of_a_struct_passes(self):
        self.assert_passes(("  nc_str contracts_sha256;", "  nc_str contracts_sha256; nc_str license;"),
                           says="nc_descriptor.license")

    def test_a_function_at_the_end_of_a_table_passes(self):
        self.assert_passes(("} nc_host;", "  void (*trace)(void* self, nc_str span);\n} nc_host;"),
                           says="nc_host.trace")

    def test_a_new_constant_passes(self):
        self.assert_passes(("NC_LOG_ERROR = 3 }", "NC_LOG_ERROR = 3, NC_LOG_AUDIT = 4 }"), says="NC_LOG_AUDIT")

    def test_a_new_macro_and_a_higher_minor_version_pass(self):
        flag = "#define NC_PLUGIN_SANDBOX_ONLY UINT32_C(2)\n"
        self.assert_passes((flag, flag + "#define NC_PLUGIN_NEW UINT32_C(4)\n"), ("NC_ABI_MINOR 0u", "NC_ABI_MINOR 1u"))

    def test_an_insert_fails(self):
        self.assert_fails(("  nc_call call;  ", "  uint64_t priority;\n  nc_call call;  "),
                          naming=["nc_request.priority: inserted", "nc_request.call: offset 8"])

    def test_an_inserted_function_fails(self):
        self.assert_fails(("  void (*unsubscribe)", "  void (*pause)(void* self);\n  void (*unsubscribe)"),
                          naming=["nc_host.pause", "nc_host.unsubscribe"])

    def test_a_reorder_fails(self):
        self.assert_fails(("  nc_str plugin;\n  nc_str node;\n}", "  nc_str node;\n  nc_str plugin;\n}"),
                          naming=["nc_target.plugin", "nc_target.node"])

    def test_a_reorder_of_constants_fails(self):
        self.assert_fails(("NC_LOG_DEBUG = 0, NC_LOG_INFO = 1", "NC_LOG_INFO = 0, NC_LOG_DEBUG = 1"),
                          naming=["NC_LOG_DEBUG", "NC_LOG_INFO"])

    def test_an_int_that_becomes_a_long_fails(self):
        self.assert_fails(("typedef int32_t nc_code;", "typedef long nc_code;"), ("sizeof(nc_error) == 512", "1"),
                          naming=["typedef nc_code", "struct nc_error"])

    def test_an_int_that_becomes_a_long_in_a_signature_fails(self):
        self.assert_fails(("uint64_t (*now)(void* self, int32_t clock);", "uint64_t (*now)(void* self, long clock);"),
                          naming="nc_host.now")

    def test_an_unsigned_that_becomes_signed_fails(self):
        self.assert_fails(("  uint32_t overflow; ", "  int32_t overflow; "), naming="nc_interest.overflow")

    def test_a_removal_fails(self):
        self.assert_fails(("  uint64_t retry_after_ns; ", "  "),
                          naming=["nc_result.retry_after_ns: removed", "struct nc_result"])

    def test_a_removed_constant_fails(self):
        self.assert_fails(("#define NC_METHOD_LOCAL UINT32_C(32)", "#define NC_OTHER UINT32_C(32)"),
                          naming="NC_METHOD_LOCAL: removed")

    def test_a_rename_fails(self):
        self.assert_fails(("  uint32_t max_batch;", "  uint32_t max_events;"),
                          naming="nc_interest.max_batch: removed, or renamed")

    def test_a_changed_constant_fails(self):
        self.assert_fails(("NC_FDS_MAX 15u", "NC_FDS_MAX 14u"), ("sizeof(nc_fds) == 64", "sizeof(nc_fds) == 60"),
                          naming=["NC_FDS_MAX", "struct nc_fds"])

    def test_a_changed_signature_fails(self):
        self.assert_fails(("(*publish)(void* self, nc_context context,", "(*publish)(void* self, nc_call context,"),
                          naming="nc_host.publish")

    def test_a_changed_entry_fails(self):
        self.assert_fails(("entry_v1(uint32_t host_abi_minor,", "entry_v1(uint64_t host_abi_minor,"),
                          naming="function novacron_plugin_entry_v1")

    def test_even_appending_to_a_frozen_struct_fails(self):
        self.assert_fails(("  size_t len;\n} nc_str;", "  size_t len;\n  size_t capacity;\n} nc_str;"),
                          ("sizeof(nc_str) == 16", "sizeof(nc_str) == 24"),
                          naming="nc_str.capacity: added to a frozen struct")

    def test_a_new_struct_without_a_size_fails(self):
        field = "typedef struct nc_field {"
        self.assert_fails((field, "typedef struct nc_pair { uint64_t a; } nc_pair;\n" + field), naming="nc_pair: its first field")

    def test_embedding_a_struct_that_may_grow_fails(self):
        self.assert_fails(("} nc_interest;", "nc_event last; } nc_interest;"), naming="embeds nc_event")

    def test_an_update_writes_what_was_appended(self):
        code, output = self.check(("NC_LOG_ERROR = 3 }", "NC_LOG_ERROR = 3, NC_LOG_AUDIT = 4 }"), options=["--update"])
        self.assertEqual(code, 0, output)
        self.assertIn("enum NC_LOG_AUDIT: 4\n", self.written)

    def test_an_update_is_refused_when_something_moved(self):
        code, output = self.check(("NC_LOG_ERROR = 3 }", "NC_LOG_ERROR = 4 }"), options=["--update"])
        self.assertEqual(code, 1)
        self.assertIn("NC_LOG_ERROR: 3 became 4", output)
        self.assertEqual(self.written, GOLDEN.read_text())


if __name__ == "__main__":
    unittest.main()
