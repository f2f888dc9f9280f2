#include "host/state/command.h"

#include <catch2/catch.hpp>

using namespace novacron::host;
using namespace novacron::host::state;

namespace {

Txn full_txn() {
  Txn txn;
  txn.compares.push_back(Compare::unchanged("a", 5));
  txn.compares.push_back({"b", Compare::Target::kValue, Compare::Operator::kLess, 0, std::string("v\0w", 3)});
  txn.writes.push_back(Put{"k", std::string(300, 'v'), 9});
  txn.writes.push_back(Remove{KeyRange::prefix("p/")});
  txn.otherwise.push_back(Remove{KeyRange::all()});
  return txn;
}

std::string reason(const Txn& txn) {
  auto checked = check_txn(txn);
  return checked.ok() ? "" : checked.error().reason;
}

}  // namespace

TEST_CASE("every command is decoded as it was encoded") {
  const Command commands[] = {{1, full_txn()},           {UINT64_MAX, Txn{}}, {3, GrantLease{10}},
                              {4, EndLease{UINT64_MAX}}, {5, OpenSession{}},  {6, Compact{77}}};
  for (const Command& command : commands) {
    const std::string bytes = encode_command(command);
    const auto decoded = decode_command(bytes);
    REQUIRE(decoded.ok());
    CHECK(decoded->time_ns == command.time_ns);
    CHECK(decoded->what.index() == command.what.index());
    CHECK(encode_command(*decoded) == bytes);
  }
  Command retried{7, full_txn(), {3, 99}};
  std::get<Txn>(retried.what).session = 5;
  std::get<Txn>(retried.what).sequence = 6;
  const auto again = *decode_command(encode_command(retried));
  CHECK(again.proposer == Proposer{3, 99});
  CHECK(std::get<Txn>(again.what).session == 5);
  CHECK(std::get<Txn>(again.what).sequence == 6);
  const auto txn = std::get<Txn>(decode_command(encode_command({1, full_txn()}))->what);
  CHECK(txn.compares[1].value == std::string("v\0w", 3));
  CHECK(std::get<Put>(txn.writes[0]).lease == 9);
  CHECK(std::get<Remove>(txn.writes[1]).keys == KeyRange::prefix("p/"));
}

TEST_CASE("a command that is cut, longer, or of unknown kind is refused") {
  const std::string bytes = encode_command({1, full_txn()});
  for (size_t size = 0; size < bytes.size(); ++size)
    CHECK(decode_command(std::string_view(bytes).substr(0, size)).error().reason == "state.command");
  CHECK_FALSE(decode_command(bytes + '\0').ok());
  CHECK_FALSE(decode_command(std::string("\x01\x63", 2)).ok());
  // A count that no input could hold must not make anybody allocate for it.
  CHECK_FALSE(decode_command(std::string("\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11)).ok());
}

TEST_CASE("a transaction that breaks a limit is refused, one within it is not") {
  Txn txn;
  CHECK(reason(txn).empty());
  txn.writes.assign(1, Put{"", "v"});
  CHECK(reason(txn) == "state.key");
  txn.writes.assign(1, Put{std::string(kMaxKeyBytes + 1, 'k'), "v"});
  CHECK(reason(txn) == "state.key");
  txn.writes.assign(1, Put{std::string(kMaxKeyBytes, 'k'), std::string(kMaxTxnBytes - kMaxKeyBytes, 'v')});
  CHECK(reason(txn).empty());
  std::get<Put>(txn.writes[0]).value += 'v';
  CHECK(reason(txn) == "state.txn-bytes");

  txn.writes.clear();
  for (size_t each = 0; each < kMaxTxnKeys; ++each) txn.writes.push_back(Put{"k" + std::to_string(each), ""});
  CHECK(reason(txn).empty());
  txn.compares.push_back(Compare::absent("k"));
  CHECK(reason(txn) == "state.txn-keys");

  CHECK(reason({.compares = {Compare::absent("")}, .writes = {}}) == "state.key");
  CHECK(reason({.compares = {}, .writes = {}, .session = 1}) == "state.sequence");
}

TEST_CASE("a key written twice on one side of a transaction is refused") {
  CHECK(reason({.compares = {}, .writes = {Put{"a", "1"}, Put{"a", "2"}}}) == "state.duplicate-key");
  CHECK(reason({.compares = {}, .writes = {Put{"p/a", "1"}, Remove{KeyRange::prefix("p/")}}}) == "state.duplicate-key");
  CHECK(reason({.compares = {}, .writes = {Remove{KeyRange::one("a")}, Put{"a", "1"}}}) == "state.duplicate-key");
  CHECK(reason({.compares = {}, .writes = {Put{"a", "1"}}, .otherwise = {Put{"a", "2"}}}).empty());
  CHECK(reason({.compares = {}, .writes = {Remove{KeyRange::one("a")}, Remove{KeyRange::prefix("a")}}}).empty());
}

TEST_CASE("a range holds what its kind says") {
  CHECK(KeyRange::one("a").contains("a"));
  CHECK_FALSE(KeyRange::one("a").contains("aa"));
  CHECK(KeyRange::prefix("a/").contains("a/b"));
  CHECK_FALSE(KeyRange::prefix("a/").contains("a0"));
  CHECK(KeyRange::prefix("\xff").contains("\xff\xff"));
  CHECK_FALSE(KeyRange::prefix("\xff").contains("a"));
  CHECK(KeyRange::prefix("").contains("anything"));
  CHECK(KeyRange::all().contains(std::string(1, '\0')));
  const KeyRange half{"b", "d"};
  CHECK(half.contains("b"));
  CHECK_FALSE(half.contains("d"));
}
