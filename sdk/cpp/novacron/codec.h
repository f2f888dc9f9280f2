// The wire format, on protozero. Included by generated .nc.cpp files alone.
//
// A scalar of the wire is a trait: its C++ Value, its wire type, how a value is appended and how it is read. Encoding
// appends to a string; a nested message is written behind a one-byte length, which is widened when the message turns
// out longer.
#pragma once

#include <bit>
#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <protozero/varint.hpp>
#include <stdexcept>

#include "novacron/message.h"

namespace novacron::codec {

static_assert(std::endian::native == std::endian::little, "fixed fields are copied as they lie in memory");

/// Thrown within merge_from() and caught by decode().
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Wire : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr uint32_t key(uint32_t number, Wire wire) {
  return number << 3U | static_cast<uint32_t>(wire);
}
constexpr uint32_t varint(uint32_t number) {
  return key(number, Wire::kVarint);
}
constexpr uint32_t fixed64(uint32_t number) {
  return key(number, Wire::kFixed64);
}
constexpr uint32_t bytes(uint32_t number) {
  return key(number, Wire::kBytes);
}
constexpr uint32_t fixed32(uint32_t number) {
  return key(number, Wire::kFixed32);
}

void append_varint(std::string& out, uint64_t value);
/// True for well-formed UTF-8: no overlong form, no surrogate, nothing beyond U+10FFFF.
bool is_utf8(std::string_view text);
/// Makes room for the length of what was appended after `start`, whose byte before is a placeholder, and writes it.
void close_length(std::string& out, size_t start);

// ---- traits
// -------------------------------------------------------------------------------------------------------------

template <class T>
struct VarintScalar {
  using Value = T;
  static constexpr Wire kWire = Wire::kVarint;
  // Negative int32 and enums travel as ten bytes, sign-extended: protobuf's rule.
  static void append(std::string& out, T value) { append_varint(out, static_cast<uint64_t>(value)); }
  static T convert(uint64_t wire) { return static_cast<T>(wire); }
  static T read(protozero::pbf_reader& reader) { return convert(reader.get_uint64()); }
  static T read(const char** at, const char* end) { return convert(protozero::decode_varint(at, end)); }
};

struct Int32 : VarintScalar<int32_t> {};
struct Int64 : VarintScalar<int64_t> {};
struct Uint32 : VarintScalar<uint32_t> {};
struct Uint64 : VarintScalar<uint64_t> {};

struct Bool : VarintScalar<bool> {
  static bool read(protozero::pbf_reader& reader) { return reader.get_uint64() != 0; }
  static bool read(const char** at, const char* end) { return protozero::decode_varint(at, end) != 0; }
};

template <class E>
struct Enum : VarintScalar<E> {
  static void append(std::string& out, E value) {
    append_varint(out, static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(value))));
  }
  static E read(protozero::pbf_reader& reader) { return static_cast<E>(static_cast<int32_t>(reader.get_uint64())); }
  static E read(const char** at, const char* end) {
    return static_cast<E>(static_cast<int32_t>(protozero::decode_varint(at, end)));
  }
};

struct Sint32 : VarintScalar<int32_t> {
  static void append(std::string& out, int32_t value) { append_varint(out, protozero::encode_zigzag32(value)); }
  static int32_t convert(uint64_t wire) { return protozero::decode_zigzag32(static_cast<uint32_t>(wire)); }
  static int32_t read(protozero::pbf_reader& reader) { return convert(reader.get_uint64()); }
  static int32_t read(const char** at, const char* end) { return convert(protozero::decode_varint(at, end)); }
};

struct Sint64 : VarintScalar<int64_t> {
  static void append(std::string& out, int64_t value) { append_varint(out, protozero::encode_zigzag64(value)); }
  static int64_t read(protozero::pbf_reader& reader) { return protozero::decode_zigzag64(reader.get_uint64()); }
  static int64_t read(const char** at, const char* end) {
    return protozero::decode_zigzag64(protozero::decode_varint(at, end));
  }
};

template <class T>
struct FixedScalar {
  using Value = T;
  static constexpr Wire kWire = sizeof(T) == 4 ? Wire::kFixed32 : Wire::kFixed64;
  static void append(std::string& out, T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    out.append(raw, sizeof(T));
  }
  static T read(protozero::pbf_reader& reader) {
    if constexpr (sizeof(T) == 4) {
      return std::bit_cast<T>(reader.get_fixed32());
    } else {
      return std::bit_cast<T>(reader.get_fixed64());
    }
  }
  static T read(const char** at, const char* end) {
    if (end - *at < static_cast<ptrdiff_t>(sizeof(T))) throw Malformed("a packed list ends within an item");
    T value;
    std::memcpy(&value, *at, sizeof(T));
    *at += sizeof(T);
    return value;
  }
};

struct Fixed32 : FixedScalar<uint32_t> {};
struct Fixed64 : FixedScalar<uint64_t> {};
struct Sfixed32 : FixedScalar<int32_t> {};
struct Sfixed64 : FixedScalar<int64_t> {};
struct Float : FixedScalar<float> {};
struct Double : FixedScalar<double> {};

struct Bytes {
  using Value = std::string;
  static constexpr Wire kWire = Wire::kBytes;
  static void append(std::string& out, const std::string& value) {
    append_varint(out, value.size());
    out.append(value);
  }
  static std::string read(protozero::pbf_reader& reader) { return reader.get_string(); }
};

struct Text : Bytes {
  static std::string read(protozero::pbf_reader& reader);
};

template <class M>
struct Nested {
  using Value = M;
  static constexpr Wire kWire = Wire::kBytes;
  static void append(std::string& out, const M& message) {
    out.push_back('\0');
    const size_t start = out.size();
    message.encode_to(out);
    close_length(out, start);
  }
};

// ---- encoding: one function a shape of field
// ---------------------------------------------------------------------------

template <class S>
void put(std::string& out, uint32_t number, const typename S::Value& value) {
  append_varint(out, key(number, S::kWire));
  S::append(out, value);
}

/// A field without presence is absent when it has its default. Minus zero is not the default.
template <class S>
void put_unless_default(std::string& out, uint32_t number, const typename S::Value& value) {
  using Value = typename S::Value;
  if constexpr (std::is_floating_point_v<Value>) {
    const Value zero = 0;
    if (std::memcmp(&value, &zero, sizeof(Value)) == 0) return;
  } else if (value == Value{}) {
    return;
  }
  put<S>(out, number, value);
}

/// std::optional or Box.
template <class S, class Optional>
void put_if_set(std::string& out, uint32_t number, const Optional& value) {
  if (value) put<S>(out, number, *value);
}

template <class S>
void put_each(std::string& out, uint32_t number, const std::vector<typename S::Value>& values) {
  for (const auto& value : values) put<S>(out, number, value);
}

template <class S>
void put_packed(std::string& out, uint32_t number, const std::vector<typename S::Value>& values) {
  if (values.empty()) return;
  append_varint(out, bytes(number));
  out.push_back('\0');
  const size_t start = out.size();
  for (const auto value : values) S::append(out, value);
  close_length(out, start);
}

template <class K, class V>
void put_map(std::string& out, uint32_t number, const std::map<typename K::Value, typename V::Value>& entries) {
  for (const auto& [entry_key, entry_value] : entries) {
    append_varint(out, bytes(number));
    out.push_back('\0');
    const size_t start = out.size();
    put<K>(out, 1, entry_key);
    put<V>(out, 2, entry_value);
    close_length(out, start);
  }
}

// ---- decoding
// -----------------------------------------------------------------------------------------------------------

/// Walks the fields of one message.
class Decoder {
 public:
  Decoder(std::string_view bytes, int depth_left);

  bool next() {
    check_number();
    if (!reader_.next()) return false;
    if (reader_.wire_type() == protozero::pbf_wire_type::length_delimited) check_number();
    return true;
  }
  uint32_t key() const { return reader_.tag() << 3U | static_cast<uint32_t>(reader_.wire_type()); }

  template <class S>
  typename S::Value read() {
    return S::read(reader_);
  }

  template <class S>
  void append(std::vector<typename S::Value>& values) {
    values.push_back(S::read(reader_));
  }

  template <class S>
  void append_packed(std::vector<typename S::Value>& values) {
    const auto view = reader_.get_view();
    const char* at = view.data();
    const char* const end = at + view.size();
    while (at != end) values.push_back(S::read(&at, end));
  }

  /// A second occurrence of a message is merged into the first: protobuf's rule.
  template <class M>
  void merge(M& message) {
    const auto view = reader_.get_view();
    message.merge_from({view.data(), view.size()}, depth_left_ - 1);
  }

  template <class Optional>
  void merge_optional(Optional& message) {
    if (!message) message.emplace();
    merge(*message);
  }

  template <class M>
  void append_message(std::vector<M>& messages) {
    merge(messages.emplace_back());
  }

  template <class K, class V>
  void insert(std::map<typename K::Value, typename V::Value>& entries) {
    typename K::Value entry_key{};
    typename V::Value entry_value{};
    const auto view = reader_.get_view();
    Decoder entry({view.data(), view.size()}, depth_left_ - 1);
    while (entry.next()) {
      if (entry.key() == codec::key(1, K::kWire)) {
        entry_key = K::read(entry.reader_);
      } else if (entry.key() == codec::key(2, V::kWire)) {
        entry.read_value<V>(entry_value);
      } else {
        entry.reader_.skip();
      }
    }
    entries.insert_or_assign(std::move(entry_key), std::move(entry_value));
  }

  /// The field is one that this side does not know: it goes to `unknown_fields`.
  void keep(std::string& unknown_fields);

 private:
  template <class V>
  void read_value(typename V::Value& value) {
    if constexpr (requires { value.unknown_fields; }) {
      merge(value);
    } else {
      value = V::read(reader_);
    }
  }

  // protozero cuts keys and lengths to 32 bits; protobuf refuses longer ones.
  void check_number() const {
    const auto rest = reader_.data();
    if (rest.size() > 0 && static_cast<signed char>(*rest.data()) < 0) check_long_number();
  }
  void check_long_number() const;

  protozero::pbf_reader reader_;
  int depth_left_;
};

}  // namespace novacron::codec
