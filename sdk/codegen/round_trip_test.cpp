// The generated codec against protobuf's own, on random messages.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <memory>

#include "google/protobuf/any.nc.h"
#include "google/protobuf/struct.nc.h"
#include "novacron/testdata/v1/everything.nc.h"
#include "novacron/well_known.h"
#include "sdk/codegen/random_message.h"

using namespace novacron::testdata::v1;
using novacron::codegen::fill_randomly;
using novacron::codegen::Random;
using novacron::codegen::test_seed;

namespace {

namespace pb = google::protobuf;

constexpr int kMessagesPerType = 10'000;

// protobuf's view of the test contract, from its descriptor set: its generated classes would have the names of ours.
class Reference {
 public:
  Reference() {
    std::ifstream file(NOVACRON_TEST_CONTRACTS, std::ios::binary);
    pb::FileDescriptorSet set;
    REQUIRE(set.ParseFromIstream(&file));
    for (const auto& proto : set.file()) REQUIRE(pool_.BuildFile(proto) != nullptr);
  }

  template <class M>
  std::unique_ptr<pb::Message> make() {
    const pb::Descriptor* type = pool_.FindMessageTypeByName(std::string(M::kFullName));
    REQUIRE(type != nullptr);
    return std::unique_ptr<pb::Message>(factory_.GetPrototype(type)->New());
  }

 private:
  pb::DescriptorPool pool_;
  pb::DynamicMessageFactory factory_;
};

std::string serialize(const pb::Message& message) {
  std::string out;
  {
    pb::io::StringOutputStream stream(&out);
    pb::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    REQUIRE(message.SerializeToCodedStream(&coded));
  }
  return out;
}

// From protobuf to ours and back: the same bytes, which is more than the same message.
template <class M>
void round_trip() {
  Reference reference;
  const uint64_t seed = test_seed();
  INFO("NOVACRON_TEST_SEED=" << seed << " " << M::kFullName);
  Random random(seed);
  const auto message = reference.make<M>();
  for (int i = 0; i < kMessagesPerType; ++i) {
    message->Clear();
    fill_randomly(*message, random, 3);
    const std::string bytes = serialize(*message);
    const auto ours = novacron::decode<M>(bytes);
    if (!ours.ok()) FAIL("message " << i << " was refused: " << ours.error().message);
    if (novacron::encode(*ours) != bytes) FAIL("message " << i << " changed: " << message->ShortDebugString());
    const M copy = *ours;
    if (!(copy == *ours)) FAIL("message " << i << " is unequal to its copy: " << message->ShortDebugString());
  }
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::string mutated(std::string bytes, Random& random) {
  const uint64_t times = 1 + random() % 4;
  for (uint64_t i = 0; i < times && !bytes.empty(); ++i) {
    const size_t at = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes[at] = static_cast<char>(random());
        break;
      case 2:
        bytes.insert(at, 1, static_cast<char>(random()));
        break;
      default:
        bytes.erase(at, 1 + random() % 3);
    }
  }
  return bytes;
}

// What is accepted of broken input is something that protobuf accepts too, and is stable.
template <class M>
void survives_broken_input() {
  Reference reference;
  const uint64_t seed = test_seed();
  INFO("NOVACRON_TEST_SEED=" << seed << " " << M::kFullName);
  Random random(seed);
  const auto message = reference.make<M>();
  int refused = 0;
  for (int i = 0; i < kMessagesPerType; ++i) {
    message->Clear();
    fill_randomly(*message, random, 3);
    const auto ours = novacron::decode<M>(mutated(serialize(*message), random));
    if (!ours.ok()) {
      ++refused;
      if (ours.error().reason != "message.malformed") FAIL(ours.error().message);
      continue;
    }
    const std::string again = novacron::encode(*ours);
    if (!message->ParseFromString(again)) FAIL("message " << i << " is none for protobuf: " << hex(again));
    const auto stable = novacron::decode<M>(again);
    if (!stable.ok() || novacron::encode(*stable) != again) FAIL("message " << i << " changes with each round");
  }
  CHECK(refused > 0);
}

}  // namespace

TEMPLATE_TEST_CASE("random messages have the same bytes in protobuf", "[codec]", Scalars, Optionals, Lists,
                   UnpackedLists, Maps, Choices, WellKnown, FreeForm, Wrappers, Tree, Keywords, Imported, Older,
                   Nothing, novacron::Timestamp, novacron::Duration, novacron::Empty, novacron::FieldMask,
                   novacron::Struct, novacron::Value, novacron::ListValue, novacron::Any) {
  round_trip<TestType>();
}

TEMPLATE_TEST_CASE("broken input is refused, or read as protobuf could", "[codec]", Scalars, Optionals, Lists,
                   UnpackedLists, Maps, Choices, WellKnown, FreeForm, Wrappers, Tree, Keywords) {
  survives_broken_input<TestType>();
}

TEST_CASE("a packed list is read where an unpacked one is written, and the other way round", "[codec]") {
  Reference reference;
  const uint64_t seed = test_seed();
  INFO("NOVACRON_TEST_SEED=" << seed);
  Random random(seed);
  const auto packed = reference.make<Lists>();
  const auto unpacked = reference.make<UnpackedLists>();
  for (int i = 0; i < 1'000; ++i) {
    packed->Clear();
    fill_randomly(*packed, random, 2);
    const std::string bytes = serialize(*packed);
    REQUIRE(unpacked->ParseFromString(bytes));
    const auto ours_unpacked = novacron::decode<UnpackedLists>(bytes);
    REQUIRE(ours_unpacked.ok());
    REQUIRE(novacron::encode(*ours_unpacked) == serialize(*unpacked));
    const auto ours_packed = novacron::decode<Lists>(serialize(*unpacked));
    REQUIRE(ours_packed.ok());
    REQUIRE(novacron::encode(*ours_packed) == bytes);
  }
}

TEST_CASE("fields of a newer contract are kept and written back", "[codec]") {
  Reference reference;
  const uint64_t seed = test_seed();
  INFO("NOVACRON_TEST_SEED=" << seed);
  Random random(seed);
  const auto newer = reference.make<Scalars>();
  for (int i = 0; i < 1'000; ++i) {
    newer->Clear();
    fill_randomly(*newer, random, 2);
    const std::string bytes = serialize(*newer);
    auto older = novacron::decode<Older>(bytes);
    REQUIRE(older.ok());
    newer->Clear();
    REQUIRE(newer->ParseFromString(novacron::encode(*older)));
    REQUIRE(serialize(*newer) == bytes);
  }
}
