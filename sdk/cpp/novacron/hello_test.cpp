// The templates as whole plugins: what they export, need, and answer.
#include <elf.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <set>

#include "novacron/testing/host.h"

namespace {

const std::string kPlugins = NOVACRON_TEST_PLUGINS;

// The dynamic symbols and needed libraries of a shared library, from its own tables.
struct Library {
  std::set<std::string> exported;
  std::set<std::string> needed;
};

template <class T>
std::vector<T> table(const std::string& file, const Elf64_Shdr& section) {
  std::vector<T> out(section.sh_size / sizeof(T));
  file.copy(reinterpret_cast<char*>(out.data()), out.size() * sizeof(T), section.sh_offset);
  return out;
}

Library read_library(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  REQUIRE(file.size() > sizeof(Elf64_Ehdr));
  Elf64_Ehdr header;
  file.copy(reinterpret_cast<char*>(&header), sizeof(header));
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  file.copy(reinterpret_cast<char*>(sections.data()), sections.size() * sizeof(Elf64_Shdr), header.e_shoff);
  Library out;
  for (const Elf64_Shdr& section : sections) {
    const auto name = [&](uint64_t at) { return std::string(file.c_str() + sections[section.sh_link].sh_offset + at); };
    if (section.sh_type == SHT_DYNSYM) {
      for (const auto& symbol : table<Elf64_Sym>(file, section)) {
        const bool is_local = ELF64_ST_BIND(symbol.st_info) == STB_LOCAL;
        if (!is_local && symbol.st_shndx != SHN_UNDEF) out.exported.insert(name(symbol.st_name));
      }
    }
    if (section.sh_type == SHT_DYNAMIC) {
      for (const auto& entry : table<Elf64_Dyn>(file, section)) {
        if (entry.d_tag == DT_NEEDED) out.needed.insert(name(entry.d_un.d_val));
      }
    }
  }
  return out;
}

// Reads "text" of the reply by its number alone: this test has no hello contract.
std::string greet(novacron::testing::Host& host, const nc_service& greeter, const std::string& name) {
  std::string request = "\x0A";
  request += static_cast<char>(name.size());
  const auto route = host.client().connect(greeter, {});
  auto call = novacron::open_call(route, 0, request + name, {});
  const auto reply = call.wait();
  REQUIRE(reply.ok());
  return std::string(reply->substr(2));
}

size_t lines_of_code(const std::string& path) {
  std::ifstream in(NOVACRON_TEST_TEMPLATES + ("/" + path));
  REQUIRE(in.good());
  size_t lines = 0;
  for (std::string line; std::getline(in, line);) lines += line.find_first_not_of(" \t") != std::string::npos ? 1 : 0;
  return lines;
}

}  // namespace

TEST_CASE("a plugin exports its entry alone, and needs no protobuf", "[hello]") {
  for (const char* plugin : {"hello", "hello-c"}) {
    const Library library = read_library(kPlugins + "/" + plugin + "/plugin.so");
    CHECK(library.exported == std::set<std::string>{"novacron_plugin_entry_v1"});
    for (const std::string& needed : library.needed) CHECK(needed.find("proto") == std::string::npos);
  }
  CHECK(read_library(kPlugins + "/hello/plugin.so").needed.count("libc.so.6") == 1);  // the list is not simply empty
}

TEST_CASE("the templates greet, loaded as libraries", "[hello]") {
  novacron::testing::Host host;
  for (const auto& [id, answer] : {std::pair{"hello", "Hello, you!"}, std::pair{"hello-c", "Hello from C!"}}) {
    auto plugin = host.open(kPlugins + "/" + id + "/plugin.so");
    REQUIRE(plugin.ok());
    const nc_descriptor& about = *(*plugin)->table().descriptor;
    CHECK(novacron::view(about.id) == id);
    CHECK(novacron::view(about.version) == "0.1.0");
    CHECK(about.contracts_sha256.len == 64);
    REQUIRE(about.services_len == 1);
    CHECK(greet(host, *about.services[0], "you") == answer);
  }
}

TEST_CASE("a plugin in a few lines: 15 in C++, 25 in C", "[hello]") {
  CHECK(lines_of_code("cpp/hello.h") + lines_of_code("cpp/entry.cpp") <= 15);
  CHECK(lines_of_code("c/entry.c") <= 25);
}
