#!/usr/bin/env python3
"""Each rule of lint is broken in a tree of its own, and says so; a tree without a fault passes every rule."""

import pathlib
import subprocess
import tempfile
import unittest

LINT = pathlib.Path(__file__).resolve().parent / "lint"
PLUGIN = "plugins/compute/controller"
CLEAN = {
    ".clang-format": "BasedOnStyle: Google\n",
    "host/bus/bus.h": "#pragma once\n\nint deliver();\n",
    "host/bus/bus.cpp": '#include "host/bus/bus.h"\n\nint deliver() { return 1; }\n',
    "host/bus/host_plugin.cpp": '#include "novacron/core/v1/state.pb.h"\n#include "novacron/plugin.h"\n',
    "sdk/abi/novacron/plugin.h": "/* The ABI. */\n",
    "sdk/cpp/novacron/sdk.h": "#pragma once\n",
    f"{PLUGIN}/plugin.json": "{}\n",
    f"{PLUGIN}/README.md": "# Controller of virtual machines\n",
    f"{PLUGIN}/CMakeLists.txt": "novacron_add_plugin(controller)\n",
    f"{PLUGIN}/entry.cpp": '#include "novacron/plugin.h"\n',
    f"{PLUGIN}/controller.h": "#pragma once\n",
    f"{PLUGIN}/controller_test.cpp": f'#include "{PLUGIN}/controller.h"\n\n#include "novacron/sdk.h"\n',
    "plugins/compute/other/other.h": "#pragma once\n",
    "drivers/kvm/kvm.h": "#pragma once\n",
    "scripts/run": "#!/usr/bin/env bash\necho \"$1\"\n",
}


def function_of(lines):
    return "int f() {\n" + "  g();\n" * (lines - 2) + "}\n"


class Lint(unittest.TestCase):
    def lint(self, *rules, changed):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**CLEAN, **changed}.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                if text is not None:
                    path.write_text(text)
            done = subprocess.run([LINT, *rules, "--root", folder], capture_output=True, text=True)
            ratchet = pathlib.Path(folder, "tests/lint/ratchet.txt")
            self.ratchet = ratchet.read_text() if ratchet.exists() else ""
        return done.returncode, done.stdout + done.stderr

    def assert_clean(self, *rules, **changed):
        code, output = self.lint(*rules, changed=changed["files"] if changed else {})
        self.assertEqual(code, 0, output)

    def assert_breaks(self, rule, path, text, says):
        """The rule itself finds it, names the place and says what to do; and nothing but the rule needs to look."""
        code, output = self.lint(rule, changed={path: text})
        self.assertEqual(code, 1, output)
        self.assertIn(f"[{rule}]", output)
        self.assertIn(path.rsplit("/", 1)[0], output)
        self.assertIn(says, output)
        self.assertIn("Instead: ", output)

    def test_a_tree_without_a_fault_passes_every_rule(self):
        self.assert_clean()

    def test_the_host_may_not_include_a_plugin(self):
        self.assert_breaks("dependencies", "host/bus/bad.cpp", f'#include "{PLUGIN}/controller.h"\n',
                           "the host includes")

    def test_the_host_may_not_include_a_driver_by_a_relative_path(self):
        self.assert_breaks("dependencies", "host/bus/bad.cpp", '#include "../../drivers/kvm/kvm.h"\n',
                           "the host includes")

    def test_the_host_may_not_include_the_cpp_layer_of_the_sdk(self):
        self.assert_breaks("dependencies", "host/bus/bad.cpp", '#include "novacron/sdk.h"\n', "the host includes")

    def test_the_host_may_not_include_the_contract_of_a_capability(self):
        self.assert_breaks("dependencies", "host/bus/bad.cpp", '#include "novacron/compute/v1/compute.pb.h"\n',
                           "the host includes")

    def test_a_plugin_may_not_include_the_host(self):
        self.assert_breaks("dependencies", f"{PLUGIN}/bad.cpp", '#include "host/bus/bus.h"\n', "a capability includes")

    def test_a_plugin_may_not_include_another(self):
        self.assert_breaks("dependencies", f"{PLUGIN}/bad.cpp", '#include "plugins/compute/other/other.h"\n',
                           "a capability includes")

    def test_a_driver_may_not_include_a_plugin(self):
        self.assert_breaks("dependencies", "drivers/kvm/bad.h", f'#include "{PLUGIN}/controller.h"\n',
                           "a capability includes")

    def test_a_plugin_may_not_link_the_host(self):
        link = "target_link_libraries(controller novacron_bus)\n"
        self.assert_breaks("dependencies", f"{PLUGIN}/CMakeLists.txt", link, "links novacron_bus")

    def test_the_sdk_may_not_include_the_host(self):
        self.assert_breaks("dependencies", "sdk/cpp/bad.h", '#include "host/bus/bus.h"\n', "the SDK includes")

    def test_no_capability_is_named_in_the_host(self):
        for text in ("// starts a VM\n", "int vm_count;\n", "class KvmDriver;\n", "// a virtual machine\n", "int VirtualMachines;\n"):
            with self.subTest(text):
                self.assert_breaks("words", "host/bus/bad.h", text, "names the capability")

    def test_part_of_another_word_is_no_capability(self):
        self.assert_clean("words", files={"host/bus/good.h": "// reschedulable, an LVM volume\n"})

    def test_an_exception_lets_one_word_of_one_file_through(self):
        allowed = {"tests/lint/exceptions.txt": "words host/bus/good.h: container: the standard library's sense\n"}
        self.assert_clean("words", files={"host/bus/good.h": "// any container\n", **allowed})

    def test_an_exception_that_is_not_needed_is_a_finding(self):
        code, output = self.lint("words", changed={"tests/lint/exceptions.txt": "words host/bus/bus.h: vm: gone since\n"})
        self.assertEqual(code, 1)
        self.assertIn("not needed any more", output)

    def test_an_exception_without_a_reason_is_refused(self):
        code, output = self.lint("words", changed={"tests/lint/exceptions.txt": "words host/bus/bus.h: vm\n"})
        self.assertNotEqual(code, 0)
        self.assertIn("cannot read", output)

    def test_heavy_headers_stay_out_of_headers(self):
        for include in ("boost/asio/post.hpp", "boost/beast.hpp", "nlohmann/json.hpp", "spdlog/spdlog.h", "google/protobuf/message.h",
                        "libvirt/libvirt.h", "novacron/core/v1/state.pb.h"):
            with self.subTest(include):
                self.assert_breaks("heavy-headers", "host/bus/bad.h", f"#include <{include}>\n", include)

    def test_a_forward_header_is_light(self):
        self.assert_clean("heavy-headers", files={"host/bus/good.h": "#include <nlohmann/json_fwd.hpp>\n"})

    def test_a_function_of_forty_lines_is_the_longest(self):
        self.assert_clean("length", files={"host/bus/good.cpp": function_of(40)})
        self.assert_breaks("length", "host/bus/bad.cpp", function_of(41), "f has 41 lines, 40 are allowed")

    def test_a_long_method_with_a_lambda_in_it_is_found(self):
        body = "  run([&] {\n" + "    g(\"}\");\n" * 39 + "  });\n"
        text = "namespace a {\nclass C {\n  int run_all(int n) const override {\n" + body + "  }\n};\n}  // namespace a\n"
        self.assert_breaks("length", "host/bus/bad.cpp", text, "run_all has 43 lines")

    def test_a_long_class_is_no_long_function(self):
        self.assert_clean("length", files={"host/bus/good.h": "class C {\n" + "  int f();\n" * 60 + "};\n"})

    def test_a_file_of_five_hundred_lines_is_the_longest(self):
        self.assert_breaks("length", "host/bus/bad.h", "int a;\n" * 501, "file has 501 lines")

    def test_the_ratchet_lets_through_what_was_long_before(self):
        files = {"host/bus/old.cpp": function_of(50), "tests/lint/ratchet.txt": "host/bus/old.cpp f 50\n"}
        self.assert_clean("length", files=files)

    def test_the_ratchet_holds_what_was_reached(self):
        files = {"host/bus/old.cpp": function_of(45), "tests/lint/ratchet.txt": "host/bus/old.cpp f 50\n"}
        code, output = self.lint("length", changed=files)
        self.assertEqual(code, 1)
        self.assertIn("--tighten", output)
        self.lint("--tighten", changed=files)
        self.assertEqual(self.ratchet, "host/bus/old.cpp f 45\n")

    def test_the_ratchet_does_not_let_grow(self):
        self.assertEqual(self.lint("length", changed={"host/bus/old.cpp": function_of(51),
                                                      "tests/lint/ratchet.txt": "host/bus/old.cpp f 50\n"})[0], 1)

    def test_formatting_is_checked(self):
        self.assert_breaks("format", "host/bus/bad.cpp", "int  f( ){return 1;}\n", "clang-format")

    def test_scripts_are_checked(self):
        self.assert_breaks("shell", "scripts/bad", "#!/usr/bin/env bash\necho $1\n", "SC2086")

    def test_a_tab_and_a_trailing_blank_are_found(self):
        self.assert_breaks("whitespace", "host/bus/bad.h", "\tint a;\n", "a tab")
        self.assert_breaks("whitespace", "docs/bad.md", "text \n", "blanks at the end")

    def test_a_file_ends_with_one_newline(self):
        self.assert_breaks("whitespace", "host/bus/bad.h", "int a;", "one newline")
        self.assert_breaks("whitespace", "host/bus/bad.h", "int a;\n\n", "one newline")

    def test_a_plugin_has_all_its_files(self):
        self.assert_breaks("plugin-folder", "drivers/kvm/plugin.json", "{}\n", "the plugin has no entry.cpp")

    def test_a_plugin_leaves_its_build_to_the_sdk(self):
        self.assert_breaks("plugin-folder", f"{PLUGIN}/CMakeLists.txt", "set(a b)\n" * 11, "more than 10 lines")

    def test_abi_code_is_in_entry_only(self):
        for header in ("novacron/plugin.h", "novacron/entry.h"):
            self.assert_breaks("plugin-folder", f"{PLUGIN}/bad.cpp", f'#include "{header}"\n', "outside entry.cpp")

    def test_an_unknown_rule_is_refused(self):
        code, output = self.lint("no-such-rule", changed={})
        self.assertNotEqual(code, 0)
        self.assertIn("no rule no-such-rule", output)


if __name__ == "__main__":
    unittest.main()
