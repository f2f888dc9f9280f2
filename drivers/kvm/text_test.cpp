#include "text.h"

#include <catch2/catch.hpp>

#include <set>

using namespace novacron::kvm;

TEST_CASE("a uid is a lower-case UUID and nothing else") {
  CHECK(is_uid("11111111-2222-4333-8444-55555555555f"));
  for (const char* text : {"", "11111111-2222-4333-8444-55555555555", "11111111-2222-4333-8444-55555555555F",
                           "11111111-2222-4333-8444-5555555555555", "11111111x2222-4333-8444-555555555555",
                           "../../../etc/passwd-8444-555555555555"}) {
    CAPTURE(text);
    CHECK_FALSE(is_uid(text));
  }
}

TEST_CASE("a label cannot be a path") {
  CHECK(is_label("root"));
  CHECK(is_label("a-1"));
  CHECK(is_label(std::string(63, 'a')));
  for (const std::string& text :
       {std::string(), std::string("-a"), std::string("a-"), std::string("A"), std::string("a/b"), std::string(".."),
        std::string("a.b"), std::string("a\0b", 3), std::string(64, 'a')}) {
    CAPTURE(text);
    CHECK_FALSE(is_label(text));
  }
}

TEST_CASE("a digest is sha256 in lower-case hexadecimal") {
  CHECK(is_digest("sha256:" + std::string(64, 'a')));
  CHECK_FALSE(is_digest("sha256:" + std::string(64, 'A')));
  CHECK_FALSE(is_digest("sha256:" + std::string(63, 'a')));
  CHECK_FALSE(is_digest("sha256:" + std::string(63, 'a') + "/"));
  CHECK_FALSE(is_digest("nbd://host/" + std::string(60, 'a')));
}

TEST_CASE("plain text has what XML can hold") {
  CHECK(is_plain_text("console=ttyS0 <quiet> \"&\" größe 漢字 \xf0\x9f\x90\xa7\t"));
  for (const std::string& text :
       {std::string("a\0b", 3), std::string("a\nb"), std::string("\x1b[2J"), std::string("\x7f"), std::string("\xff"),
        std::string("\xc0\xaf"), std::string("\xed\xa0\x80"), std::string("\xf4\x90\x80\x80"), std::string("\xe2\x82"),
        std::string("\xef\xbf\xbf"), std::string("\xe0\x80\xaf")}) {
    CAPTURE(text);
    CHECK_FALSE(is_plain_text(text));
  }
}

TEST_CASE("the last lines of an engine's log are kept, without control characters") {
  CHECK(last_lines("one\ntwo\n\n  \nthree\n", 2, 100) == "two\nthree");
  CHECK(last_lines("\x1b[31mred\x1b[0m\r\n", 1, 100) == "[31mred[0m");
  CHECK(last_lines("", 3, 100).empty());
  CHECK(last_lines("abcdef", 1, 3) == "def");
  CHECK(last_lines("aé", 1, 1).empty());  // not half a character
}

TEST_CASE("every occurrence is replaced, once") {
  CHECK(replace_all("a=${uid} b=${uid}", "${uid}", "x${uid}") == "a=x${uid} b=x${uid}");
  CHECK(replace_all("none", "${uid}", "x") == "none");
}

TEST_CASE("a derived MAC address is the same for the same card, and different for others") {
  const std::string uid = "11111111-2222-4333-8444-555555555555";
  CHECK(derived_mac(uid, "eth0") == derived_mac(uid, "eth0"));
  std::set<std::string> addresses;
  for (int i = 0; i < 100; ++i) addresses.insert(derived_mac(uid, "eth" + std::to_string(i)));
  CHECK(addresses.size() == 100);
  for (const std::string& address : addresses) {
    CHECK(is_mac(address));
    CHECK(address.substr(0, 9) == "52:54:00:");
  }
}

TEST_CASE("a MAC address must be unicast") {
  CHECK(is_mac("52:54:00:12:34:56"));
  CHECK_FALSE(is_mac("53:54:00:12:34:56"));
  CHECK_FALSE(is_mac("52-54-00-12-34-56"));
  CHECK_FALSE(is_mac("52:54:00:12:34:5G"));
  CHECK_FALSE(is_mac(""));
}
