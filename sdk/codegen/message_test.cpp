// How generated structs behave: presence, oneof, names, limits.
#include <catch2/catch.hpp>

#include "novacron/any.h"
#include "novacron/codec.h"
#include "novacron/testdata/v1/everything.nc.h"

using namespace novacron::testdata::v1;

namespace {

std::string nested_tree(int levels) {
  std::string bytes;
  for (int i = 0; i < levels; ++i) {
    std::string outer{'\x12'};  // Tree.left
    novacron::codec::append_varint(outer, bytes.size());
    bytes = outer + bytes;
  }
  return bytes;
}

}  // namespace

TEST_CASE("a message nested deeper than the limit is refused", "[codec]") {
  CHECK(novacron::decode<Tree>(nested_tree(novacron::kMaxMessageDepth)).ok());
  const auto too_deep = novacron::decode<Tree>(nested_tree(novacron::kMaxMessageDepth + 1));
  REQUIRE_FALSE(too_deep.ok());
  CHECK(too_deep.error().code == novacron::Code::kInvalidArgument);
  CHECK(too_deep.error().reason == "message.malformed");
}

TEST_CASE("free-form JSON nested deeper than the limit is refused", "[codec]") {
  novacron::Value value;
  for (int i = 0; i < novacron::kMaxMessageDepth / 2; ++i) {
    novacron::Value outer;
    outer.mutable_list_value().values.push_back(std::move(value));
    value = std::move(outer);
  }
  const std::string deepest = novacron::encode(value);
  CHECK(novacron::decode<novacron::Value>(deepest).ok());
  novacron::ListValue list;
  list.values.push_back(std::move(value));
  CHECK_FALSE(novacron::decode<novacron::ListValue>(novacron::encode(list)).ok());
}

TEST_CASE("an Any gives back what was packed, and nothing else", "[codec]") {
  const novacron::Any any = novacron::pack(Older{.f_int32 = 7});
  CHECK(any.type_url == "type.googleapis.com/novacron.testdata.v1.Older");
  CHECK(novacron::unpack<Older>(any)->f_int32 == 7);
  CHECK_FALSE(novacron::holds<Scalars>(any));
  CHECK(novacron::unpack<Scalars>(any).error().reason == "any.other-type");
  CHECK_FALSE(novacron::holds<Older>(novacron::Any{.type_url = "novacron.testdata.v1.Older"}));
}

TEST_CASE("a string that is not UTF-8 is refused, bytes are not", "[codec]") {
  for (const char* bad : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80"}) {
    Scalars message;
    message.f_string = bad;
    CHECK_FALSE(novacron::decode<Scalars>(novacron::encode(message)).ok());
    message = {.f_bytes = bad};
    CHECK(novacron::decode<Scalars>(novacron::encode(message)).ok());
  }
}

TEST_CASE("a group is refused", "[codec]") {
  CHECK_FALSE(novacron::decode<Scalars>("\x0B\x0C").ok());
}

TEST_CASE("a key or length beyond 32 bits is refused, not cut", "[codec]") {
  const std::string length_of_2_to_32 = "\x80\x80\x80\x80\x10";
  CHECK_FALSE(novacron::decode<Scalars>("\x72" + length_of_2_to_32).ok());
  CHECK_FALSE(novacron::decode<Nothing>("\x72" + length_of_2_to_32).ok());
  CHECK_FALSE(novacron::decode<Nothing>(std::string("\x88\x80\x80\x80\x10\x01")).ok());
}

TEST_CASE("presence: an optional default is written, a plain one is not", "[codec]") {
  CHECK(novacron::encode(Scalars{}).empty());
  CHECK(novacron::encode(Optionals{}).empty());
  const auto read = novacron::decode<Optionals>(novacron::encode(Optionals{.f_uint32 = 0, .f_string = ""}));
  REQUIRE(read.ok());
  CHECK(read->f_uint32 == 0U);
  CHECK(read->f_string == "");
  CHECK_FALSE(read->f_int32.has_value());
}

TEST_CASE("an empty nested message is present", "[codec]") {
  const auto read = novacron::decode<WellKnown>(novacron::encode(WellKnown{.empty = novacron::Empty{}}));
  REQUIRE(read.ok());
  CHECK(read->empty.has_value());
  CHECK_FALSE(read->timestamp.has_value());
}

TEST_CASE("a oneof has one alternative at a time, and the last one read counts", "[codec]") {
  Choices choices;
  CHECK(choices.text() == nullptr);
  choices.choice.emplace<Choices::kOtherText>("other");
  CHECK(choices.text() == nullptr);
  REQUIRE(choices.other_text() != nullptr);
  CHECK(*choices.other_text() == "other");
  choices.mutable_inner().mutable_number() = 7;
  CHECK(choices.other_text() == nullptr);
  const auto read = novacron::decode<Choices>(novacron::encode(choices));
  REQUIRE(read.ok());
  CHECK(*read == choices);
  Choices last;
  last.mutable_raw() = "last";
  const auto both = novacron::decode<Choices>(novacron::encode(choices) + novacron::encode(last));
  REQUIRE(both.ok());
  CHECK(*both == last);
}

TEST_CASE("a message read twice is merged", "[codec]") {
  const std::string twice = novacron::encode(WellKnown{.timestamp = novacron::Timestamp{.seconds = 1}}) +
                            novacron::encode(WellKnown{.timestamp = novacron::Timestamp{.nanos = 2}});
  const auto read = novacron::decode<WellKnown>(twice);
  REQUIRE(read.ok());
  CHECK(read->timestamp->seconds == 1);
  CHECK(read->timestamp->nanos == 2);
}

TEST_CASE("a box copies its value", "[codec]") {
  Tree tree{.label = "root", .left = Tree{.label = "left"}};
  Tree copy = tree;
  copy.left->label = "changed";
  CHECK(tree.left->label == "left");
  CHECK_FALSE(copy == tree);
  copy.left = tree.left;
  CHECK(copy == tree);
  copy.left.reset();
  CHECK_FALSE(copy.left.has_value());
}

TEST_CASE("an enum of another contract's number is kept, and has no name", "[codec]") {
  const auto read = novacron::decode<Scalars>(novacron::encode(Scalars{.f_color = static_cast<Color>(77)}));
  REQUIRE(read.ok());
  CHECK(static_cast<int>(read->f_color) == 77);
  CHECK(to_string(read->f_color) == "UNRECOGNIZED");
  CHECK(to_string(Color::kBrightGreen) == "BRIGHT_GREEN");
  CHECK(to_string(Clash::kClashOne) == "CLASH_ONE");
  CHECK(to_string(Imported::Kind::k2d) == "2D");
}

TEST_CASE("lengths at the edges of a varint are right", "[codec]") {
  for (const size_t size : {126U, 127U, 128U, 16'383U, 16'384U, 2'097'151U, 2'097'152U}) {
    WellKnown outer;
    outer.field_mask = novacron::FieldMask{.paths = {std::string(size, 'x')}};
    const auto read = novacron::decode<WellKnown>(novacron::encode(outer));
    REQUIRE(read.ok());
    CHECK(*read == outer);
  }
}

TEST_CASE("a service's table says what the options say", "[codec]") {
  const nc_service& service = EverythingService::kDescriptor;
  REQUIRE(service.methods_len == 5);
  CHECK(novacron::view(service.name) == "novacron.testdata.v1.Everything");
  CHECK(novacron::view(service.methods[4]->name) == "Delete");
  CHECK(service.methods[0]->flags == (NC_METHOD_FAST | NC_METHOD_IDEMPOTENT));
  CHECK(service.methods[0]->default_timeout_ns == 1'500'000'000);
  CHECK(service.methods[1]->flags == (NC_METHOD_CONCURRENT | NC_METHOD_SERVER_STREAM | NC_METHOD_LOCAL));
  CHECK(service.methods[2]->flags == NC_METHOD_CLIENT_STREAM);
  CHECK(service.methods[3]->flags == (NC_METHOD_CLIENT_STREAM | NC_METHOD_SERVER_STREAM));
}

TEST_CASE("times turn into nanoseconds and back", "[codec]") {
  CHECK(novacron::Timestamp::from_ns(1'500'000'007).to_ns() == 1'500'000'007);
  CHECK(novacron::Timestamp{.seconds = -1}.to_ns() == 0);
  CHECK(novacron::Duration::from_ns(-1'500'000'007).to_ns() == -1'500'000'007);
  CHECK(novacron::Duration{.seconds = INT64_MAX}.to_ns() == INT64_MAX);
  CHECK(novacron::Duration{.seconds = INT64_MIN}.to_ns() == INT64_MIN);
}
