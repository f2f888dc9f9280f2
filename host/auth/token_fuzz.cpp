// Bearer tokens from anybody: none is taken that this host has not signed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "host/auth/token.h"

using namespace novacron::host;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::unique_ptr<auth::Tokens> make_tokens() {
  std::string folder = (std::filesystem::temp_directory_path() / "novacron-fuzz-XXXXXX").string();
  require(::mkdtemp(folder.data()) != nullptr);
  auto tokens = auth::Tokens::create({.key_file = folder + "/key"});
  require(tokens.ok());
  std::filesystem::remove_all(folder);
  return *std::move(tokens);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto tokens = make_tokens();
  static const auto real = tokens->issue({"user:alice", "", {"viewer"}}, 3'600);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  require(real.ok() && tokens->verify(real->text).ok());
  require(!tokens->verify(text).ok());
  // The bytes as the claims of a token whose signature is real, but for others.
  const size_t first = real->text.find('.'), second = real->text.rfind('.');
  const std::string forged = real->text.substr(0, first + 1) + std::string(text) + real->text.substr(second);
  require(!tokens->verify(forged).ok());
  return 0;
}
