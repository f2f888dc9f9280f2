// Checks and small transformations of text that comes from users or from engines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace novacron::kvm {

/// A UUID as the host makes them: 36 characters, lower-case hexadecimal.
bool is_uid(std::string_view text);
/// An RFC 1123 label: what may name a disk, a card, and so a file.
bool is_label(std::string_view text);
/// "sha256:" and 64 lower-case hexadecimal digits.
bool is_digest(std::string_view text);
/// UTF-8 without control characters other than tab: what XML 1.0 and a command line can hold.
bool is_plain_text(std::string_view text);

/// The last `max_lines` lines that are not empty, at most `max_bytes`, without control characters.
std::string last_lines(std::string_view text, size_t max_lines, size_t max_bytes);
/// Every `from` becomes `to`.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
/// A unicast address in QEMU's range 52:54:00, the same for the same machine and card at each start.
std::string derived_mac(std::string_view uid, std::string_view card);
/// A unicast MAC address, "52:54:00:12:34:56".
bool is_mac(std::string_view text);

}  // namespace novacron::kvm
