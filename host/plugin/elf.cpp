#include "host/plugin/elf.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "host/base/file.h"

namespace novacron::host::plugin {
namespace {

constexpr size_t kMaxSections = 4'096;
constexpr size_t kMaxSymbols = 65'536;
constexpr size_t kMaxLibraries = 256;  ///< looked at for one plugin
constexpr size_t kMaxLibraryBytes = 512 * 1'024 * 1'024;

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
constexpr const char* kMachineFolder = "x86_64-linux-gnu";
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
constexpr const char* kMachineFolder = "aarch64-linux-gnu";
#else
#error "say which ELF machine this is"
#endif

Error malformed(std::string_view why) {
  return {Code::kInvalidArgument, "the library is no shared library that can run here: " + std::string(why),
          "plugin.library"};
}

/// Reads structs and strings by offset, never beyond the file.
class Image final {
 public:
  explicit Image(std::string_view bytes) : bytes_(bytes) {}

  template <class T>
  bool read(uint64_t offset, T& out) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return false;
    std::memcpy(&out, bytes_.data() + offset, sizeof(T));
    return true;
  }

  /// "" where there is none.
  std::string text(uint64_t offset) const {
    if (offset >= bytes_.size()) return "";
    const std::string_view rest = bytes_.substr(offset, 4'096);
    const size_t end = rest.find('\0');
    return end == std::string_view::npos ? "" : std::string(rest.substr(0, end));
  }

 private:
  const std::string_view bytes_;
};

Result<std::vector<Elf64_Shdr>> read_sections(const Image& image) {
  Elf64_Ehdr header;
  if (!image.read(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return malformed("no ELF file");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return malformed("not 64 bit, little endian");
  }
  if (header.e_machine != kMachine) return malformed("made for another machine");
  if (header.e_type != ET_DYN) return malformed("not a shared object");
  if (header.e_shnum == 0 || header.e_shnum > kMaxSections || header.e_shentsize != sizeof(Elf64_Shdr)) {
    return malformed("its sections were stripped or are malformed");
  }
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  for (size_t i = 0; i < sections.size(); ++i) {
    if (!image.read(header.e_shoff + i * sizeof(Elf64_Shdr), sections[i])) return malformed("sections beyond its end");
  }
  return sections;
}

bool is_export(const Elf64_Sym& symbol) {
  const unsigned binding = ELF64_ST_BIND(symbol.st_info);
  const unsigned visibility = ELF64_ST_VISIBILITY(symbol.st_other);
  return symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS && binding != STB_LOCAL &&
         (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

Status read_symbols(const Image& image, const Elf64_Shdr& table, const Elf64_Shdr& strings, ElfFacts& facts) {
  const uint64_t count = table.sh_size / sizeof(Elf64_Sym);
  if (count > kMaxSymbols) return malformed("more than 65,536 symbols");
  for (uint64_t i = 0; i < count; ++i) {
    Elf64_Sym symbol;
    if (!image.read(table.sh_offset + i * sizeof(Elf64_Sym), symbol)) return malformed("symbols beyond its end");
    if (is_export(symbol)) facts.exports.push_back(image.text(strings.sh_offset + symbol.st_name));
  }
  return {};
}

void split_search(const std::string& path, std::vector<std::string>& out) {
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    if (end > begin) out.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
}

Status read_dynamic(const Image& image, const Elf64_Shdr& table, const Elf64_Shdr& strings, ElfFacts& facts) {
  const uint64_t count = table.sh_size / sizeof(Elf64_Dyn);
  for (uint64_t i = 0; i < std::min<uint64_t>(count, kMaxSections); ++i) {
    Elf64_Dyn entry;
    if (!image.read(table.sh_offset + i * sizeof(Elf64_Dyn), entry))
      return malformed("a dynamic section beyond its end");
    if (entry.d_tag == DT_NULL) return {};
    const auto text = [&] { return image.text(strings.sh_offset + entry.d_un.d_val); };
    if (entry.d_tag == DT_NEEDED) facts.needed.push_back(text());
    if (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH) split_search(text(), facts.search);
  }
  return {};
}

bool is_forbidden(std::string_view library) {
  return library.starts_with("libprotobuf") || library.starts_with("libgrpc") || library.starts_with("libgo.so");
}

std::string with_origin(std::string path, const std::filesystem::path& origin) {
  for (const char* variable : {"$ORIGIN", "${ORIGIN}"}) {
    const size_t at = path.find(variable);
    if (at != std::string::npos) path.replace(at, std::strlen(variable), origin.string());
  }
  return path;
}

std::filesystem::path find_library(const std::string& name, const ElfFacts& by, const std::filesystem::path& origin) {
  std::vector<std::string> folders;
  for (const std::string& folder : by.search) folders.push_back(with_origin(folder, origin));
  for (const char* root : {"/usr/local/lib", "/lib", "/usr/lib"}) {
    folders.push_back(std::string(root) + '/' + kMachineFolder);
    folders.emplace_back(root);
  }
  for (const std::string& folder : folders) {
    std::error_code error;
    auto candidate = std::filesystem::path(folder) / name;
    if (std::filesystem::is_regular_file(candidate, error)) return candidate;
  }
  return {};
}

}  // namespace

Result<ElfFacts> read_elf(std::string_view bytes) {
  const Image image(bytes);
  const auto sections = TRY(read_sections(image));
  ElfFacts facts;
  bool has_symbols = false, has_dynamic = false;
  Elf64_Ehdr header;
  const bool has_names = image.read(0, header) && header.e_shstrndx < sections.size();
  for (const Elf64_Shdr& section : sections) {
    if (has_names) {
      const std::string name = image.text(sections[header.e_shstrndx].sh_offset + section.sh_name);
      facts.is_go = facts.is_go || name == ".go.buildinfo" || name == ".note.go.buildid";
    }
    if (section.sh_type != SHT_DYNSYM && section.sh_type != SHT_DYNAMIC) continue;
    if (section.sh_link >= sections.size()) return malformed("a table without its strings");
    const Elf64_Shdr& strings = sections[section.sh_link];
    bool& is_known = section.sh_type == SHT_DYNAMIC ? has_dynamic : has_symbols;
    if (std::exchange(is_known, true)) return malformed("two tables of one kind");
    if (section.sh_type == SHT_DYNAMIC) {
      TRY_STATUS(read_dynamic(image, section, strings, facts));
    } else {
      TRY_STATUS(read_symbols(image, section, strings, facts));
    }
  }
  if (!has_symbols) return malformed("it has no table of dynamic symbols");
  return facts;
}

std::string forbidden_dependency(const ElfFacts& facts, const std::filesystem::path& origin) {
  struct Pending {
    ElfFacts facts;
    std::filesystem::path origin;
  };
  std::vector<Pending> pending{{facts, origin}};
  std::set<std::string> seen;
  while (!pending.empty()) {
    const Pending next = std::move(pending.back());
    pending.pop_back();
    for (const std::string& name : next.facts.needed) {
      if (is_forbidden(name)) return name;
      if (seen.size() >= kMaxLibraries || !seen.insert(name).second) continue;
      const auto path = find_library(name, next.facts, next.origin);
      if (path.empty()) continue;
      const auto bytes = read_file(path.string(), kMaxLibraryBytes);
      if (!bytes.ok()) continue;
      auto found = read_elf(*bytes);
      if (found.ok()) pending.push_back({std::move(found).value(), path.parent_path()});
    }
  }
  return "";
}

}  // namespace novacron::host::plugin
