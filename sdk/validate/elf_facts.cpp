#include "sdk/validate/elf_facts.h"

#include <gelf.h>

#include <memory>

namespace novacron::validate {
namespace {

constexpr size_t kMaxEntries = 65'536;  // of a table

Error malformed(std::string_view why) {
  return {.code = Code::kInvalidArgument, .message = "no shared library that can run here: " + std::string(why)};
}

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, EndElf>;

std::string text_at(Elf* elf, size_t section, size_t offset) {
  const char* const text = elf_strptr(elf, section, offset);
  return text == nullptr ? "" : text;
}

bool is_export(const GElf_Sym& symbol) {
  const auto binding = GELF_ST_BIND(symbol.st_info);
  const auto visibility = GELF_ST_VISIBILITY(symbol.st_other);
  return symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS && binding != STB_LOCAL &&
         (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

void read_symbols(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, ElfFacts& facts) {
  Elf_Data* const data = elf_getdata(section, nullptr);
  if (data == nullptr) return;
  GElf_Sym symbol;
  for (size_t i = 0; i < kMaxEntries && gelf_getsym(data, static_cast<int>(i), &symbol) != nullptr; ++i) {
    if (is_export(symbol)) facts.exports.push_back(text_at(elf, header.sh_link, symbol.st_name));
  }
}

void read_dynamic(Elf* elf, Elf_Scn* section, const GElf_Shdr& header, ElfFacts& facts) {
  Elf_Data* const data = elf_getdata(section, nullptr);
  if (data == nullptr) return;
  GElf_Dyn entry;
  for (size_t i = 0; i < kMaxEntries && gelf_getdyn(data, static_cast<int>(i), &entry) != nullptr; ++i) {
    if (entry.d_tag == DT_NULL) return;
    if (entry.d_tag == DT_NEEDED) facts.needed.push_back(text_at(elf, header.sh_link, entry.d_un.d_val));
    if (entry.d_tag == DT_BIND_NOW) facts.binds_now = true;
    if (entry.d_tag == DT_TEXTREL) facts.has_text_relocations = true;
    if (entry.d_tag == DT_FLAGS) {
      facts.binds_now |= (entry.d_un.d_val & DF_BIND_NOW) != 0;
      facts.has_text_relocations |= (entry.d_un.d_val & DF_TEXTREL) != 0;
    }
    if (entry.d_tag == DT_FLAGS_1) {
      facts.binds_now |= (entry.d_un.d_val & DF_1_NOW) != 0;
      facts.is_never_unloaded |= (entry.d_un.d_val & DF_1_NODELETE) != 0;
    }
  }
}

void read_segments(Elf* elf, ElfFacts& facts) {
  size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return;
  GElf_Phdr segment;
  for (size_t i = 0; i < count && i < kMaxEntries && gelf_getphdr(elf, static_cast<int>(i), &segment) != nullptr; ++i) {
    if (segment.p_type == PT_GNU_RELRO) facts.has_relro = true;
    if (segment.p_type == PT_GNU_EH_FRAME) facts.has_unwind_table = true;
    if (segment.p_type == PT_GNU_STACK) facts.has_executable_stack = (segment.p_flags & PF_X) != 0;
  }
}

}  // namespace

Result<ElfFacts> read_elf(std::string_view bytes) {
  if (elf_version(EV_CURRENT) == EV_NONE) return malformed("libelf is of another version");
  // It only reads what it is given: the mode of elf_memory().
  const ElfHandle elf(elf_memory(const_cast<char*>(bytes.data()), bytes.size()));
  GElf_Ehdr header;
  if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) {
    return malformed("no ELF file");
  }
  if (gelf_getclass(elf.get()) != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return malformed("not 64 bit, little endian");
  }
  if (header.e_type != ET_DYN) return malformed("not a shared object");
  ElfFacts facts;
  read_segments(elf.get(), facts);
  size_t names = 0;
  const bool has_names = elf_getshdrstrndx(elf.get(), &names) == 0;
  bool has_symbols = false;
  for (Elf_Scn* section = elf_nextscn(elf.get(), nullptr); section != nullptr;
       section = elf_nextscn(elf.get(), section)) {
    GElf_Shdr about;
    if (gelf_getshdr(section, &about) == nullptr) continue;
    const std::string name = has_names ? text_at(elf.get(), names, about.sh_name) : "";
    facts.is_go = facts.is_go || name == ".go.buildinfo" || name == ".note.go.buildid";
    if (about.sh_type == SHT_DYNSYM) read_symbols(elf.get(), section, about, facts);
    if (about.sh_type == SHT_DYNAMIC) read_dynamic(elf.get(), section, about, facts);
    has_symbols = has_symbols || about.sh_type == SHT_DYNSYM;
  }
  if (!has_symbols) return malformed("it has no table of dynamic symbols");
  return facts;
}

}  // namespace novacron::validate
