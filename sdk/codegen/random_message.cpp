#include "sdk/codegen/random_message.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <string>

namespace novacron::codegen {
namespace {

namespace pb = google::protobuf;
using Field = pb::FieldDescriptor;

// Small, large and extreme in equal parts: varints of every length, negative numbers, the ends of the range.
uint64_t number(Random& random) {
  constexpr std::array<uint64_t, 6> kExtremes{0, 1, UINT64_MAX, INT64_MAX, uint64_t{1} << 63U, uint64_t{1} << 31U};
  if (random() % 4 == 0) return kExtremes[random() % kExtremes.size()];
  return random() >> (random() % 64);
}

// No NaN: it is unequal to itself. Everything else, minus zero and infinity too.
template <class Real, class Raw>
Real real(Random& random) {
  const Real value = std::bit_cast<Real>(static_cast<Raw>(random()));
  constexpr std::array<Real, 4> kPlain{Real(0), -Real(0), Real(1), Real(-0.5)};
  return value != value || random() % 4 == 0 ? kPlain[random() % kPlain.size()] : value;
}

std::string text(Random& random) {
  constexpr std::array<const char*, 6> kPieces{"a", "Z", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\n"};
  std::string out;
  const size_t length = random() % 8 == 0 ? random() % 400 : random() % 8;
  for (size_t i = 0; i < length; ++i) out += kPieces[random() % kPieces.size()];
  return out;
}

std::string raw_bytes(Random& random) {
  std::string out(random() % 8 == 0 ? random() % 400 : random() % 8, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

int enum_number(const pb::EnumDescriptor* type, Random& random) {
  if (random() % 4 == 0) return static_cast<int>(number(random));  // one that the contract does not know
  return type->value(static_cast<int>(random() % static_cast<uint64_t>(type->value_count())))->number();
}

// Calls `set` with a random value of the field's C++ type.
template <class Set>
void with_scalar(const Field* field, Random& random, Set&& set) {
  switch (field->cpp_type()) {
    case Field::CPPTYPE_INT32:
      return set.Int32(static_cast<int32_t>(number(random)));
    case Field::CPPTYPE_INT64:
      return set.Int64(static_cast<int64_t>(number(random)));
    case Field::CPPTYPE_UINT32:
      return set.UInt32(static_cast<uint32_t>(number(random)));
    case Field::CPPTYPE_UINT64:
      return set.UInt64(number(random));
    case Field::CPPTYPE_DOUBLE:
      return set.Double(real<double, uint64_t>(random));
    case Field::CPPTYPE_FLOAT:
      return set.Float(real<float, uint32_t>(random));
    case Field::CPPTYPE_BOOL:
      return set.Bool(random() % 2 == 0);
    case Field::CPPTYPE_ENUM:
      return set.EnumValue(enum_number(field->enum_type(), random));
    default:
      return set.String(field->type() == Field::TYPE_BYTES ? raw_bytes(random) : text(random));
  }
}

struct Setter {
  pb::Message& message;
  const Field* field;
  const pb::Reflection& reflection;

#define NOVACRON_SET(Kind, Type)                    \
  void Kind(const Type& value) const {              \
    if (field->is_repeated()) {                     \
      reflection.Add##Kind(&message, field, value); \
    } else {                                        \
      reflection.Set##Kind(&message, field, value); \
    }                                               \
  }
  NOVACRON_SET(Int32, int32_t)
  NOVACRON_SET(Int64, int64_t)
  NOVACRON_SET(UInt32, uint32_t)
  NOVACRON_SET(UInt64, uint64_t)
  NOVACRON_SET(Double, double)
  NOVACRON_SET(Float, float)
  NOVACRON_SET(Bool, bool)
  NOVACRON_SET(EnumValue, int)
  NOVACRON_SET(String, std::string)
#undef NOVACRON_SET
};

// Whether the last entry of a map has the key of one before it.
bool repeats_key(const pb::Message& message, const Field* map) {
  const pb::Reflection& reflection = *message.GetReflection();
  const int last = reflection.FieldSize(message, map) - 1;
  const auto key = [&](int i) {
    std::string out;
    pb::TextFormat::PrintFieldValueToString(reflection.GetRepeatedMessage(message, map, i),
                                            map->message_type()->map_key(), -1, &out);
    return out;
  };
  for (int i = 0; i < last; ++i) {
    if (key(i) == key(last)) return true;
  }
  return false;
}

void fill_field(pb::Message& message, const Field* field, Random& random, int depth) {
  const pb::Reflection& reflection = *message.GetReflection();
  const uint64_t count = field->is_repeated() ? random() % 4 : 1;
  for (uint64_t i = 0; i < count; ++i) {
    if (field->message_type() == nullptr) {
      with_scalar(field, random, Setter{message, field, reflection});
    } else if (depth > 0) {
      fill_randomly(
          field->is_repeated() ? *reflection.AddMessage(&message, field) : *reflection.MutableMessage(&message, field),
          random, depth - 1);
      if (field->is_map() && repeats_key(message, field)) reflection.RemoveLast(&message, field);
    }
  }
}

}  // namespace

uint64_t test_seed() {
  if (const char* given = std::getenv("NOVACRON_TEST_SEED")) return std::strtoull(given, nullptr, 10);
  return std::random_device{}();
}

void fill_randomly(pb::Message& message, Random& random, int depth) {
  const pb::Descriptor* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    if (random() % 2 == 0) fill_field(message, type->field(i), random, depth);
  }
}

}  // namespace novacron::codegen
