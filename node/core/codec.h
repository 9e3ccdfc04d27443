// How a struct becomes msgpack and how foreign msgpack becomes a struct, from one description of its fields.
//
// A struct is described once, by Shape<T>::fields(visitor, value), and three visitors walk that description: Writing,
// Reading and Describing (for the test that holds MESSAGES.md against the code). So reader, writer and page agree.
// msgpack-cxx stays behind codec.cpp.
//
// Reading trusts nothing: a frame is first flattened into a Tree, whose size is bounded by the octets that are really
// there and never by a length they claim; then each field is fetched by its key with type, range and count checked.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "node/core/ids.h"
#include "node/core/limits.h"
#include "node/core/result.h"

namespace mig::core::codec {

// ---- octets out ----

/// Appends msgpack values to a buffer, each in its shortest form.
class Writer {
 public:
  void map(std::size_t entries);
  void array(std::size_t elements);
  void integer(std::uint64_t value);
  void boolean(bool value);
  void octets(BytesView value);
  /// Writes what every reader accepts: at most `max` octets of UTF-8, control characters and broken octets as '?'.
  void text(std::string_view value, std::size_t max);
  Bytes take() { return std::move(out_); }

 private:
  Bytes out_;
};

/// UTF-8 without control characters: a stranger's text may end on a terminal.
bool is_clean_text(std::string_view text);

// ---- octets in ----

/// One value of a frame. Text and octets look into the frame, nothing is copied.
struct Node {
  enum class Kind : std::uint8_t { integer, boolean, text, octets, array, map, other };
  Kind kind = Kind::other;         ///< other: nil, negative, float or extension; no field of ours has such a value
  std::uint32_t end = 0;           ///< index of the first node after this value
  std::uint64_t number = 0;        ///< integer, boolean: the value; array, map: how many elements, entries
  BytesView bytes;
};

/// A whole frame as nodes in reading order: a container's children follow it. REQUIRES: the frame outlives it.
class Tree {
 public:
  /// Any bytes. Refuses trailing bytes, depth over limits::frame_depth, more than limits::frame_values values.
  static Result<Tree> parse(BytesView bytes, std::size_t bytes_max = limits::frame_bytes);
  const Node& operator[](std::uint32_t index) const { return nodes_[index]; }

 private:
  std::vector<Node> nodes_;
};

// ---- descriptions ----

/// Specialised for every struct that travels: `name`, `fields(visitor, value)` and, where they apply,
/// `tuple = true` (written as an array in field order), `number` (frame type or routed kind), `valid(value)` (what
/// is wrong beyond the single fields, or nullptr) and `tidy(value)` (drops what a newer peer may say and we must ignore).
template <class T>
struct Shape;

template <class T>
concept Shaped = requires { Shape<T>::name; };
template <class T>
constexpr bool is_tuple = requires { Shape<T>::tuple; };

/// The greatest value of an enum that travels; all of ours start at 1 and have no gaps.
template <class E>
constexpr unsigned last_of = 0;

// Wrappers that tell octets from text (both are std::string) and carry the bound.
template <class S>
struct Octets {
  S& value;
  std::size_t max;
  std::size_t min;
};
template <class S>
struct Text {
  S& value;
  std::size_t max;
};
template <class L>
struct List {
  L& items;
  std::size_t max;
};
template <class L>
struct OctetsList {
  L& items;
  std::size_t max, size_max;
};
template <class L>
struct TextList {
  L& items;
  std::size_t max, size_max;
};
template <class M>
struct TextMap {
  M& items;
  std::size_t max, key_max, value_max;
};
template <class S>
Octets<S> octets(S& value, std::size_t max, std::size_t min = 0) {
  return {value, max, min};
}
template <class S>
Text<S> text(S& value, std::size_t max) {
  return {value, max};
}
template <class L>
List<L> list(L& items, std::size_t max) {
  return {items, max};
}
template <class L>
OctetsList<L> octets_list(L& items, std::size_t max, std::size_t size_max) {
  return {items, max, size_max};
}
template <class L>
TextList<L> text_list(L& items, std::size_t max, std::size_t size_max) {
  return {items, max, size_max};
}
/// Tags: both halves are text.
template <class M>
TextMap<M> text_map(M& items, std::size_t max, std::size_t key_max, std::size_t value_max) {
  return {items, max, key_max, value_max};
}

/// Wall times travel as non-negative integers up to the end of the year 9999.
constexpr std::uint64_t time_max = 253'402'300'799'999;

// ---- writing ----

template <class T>
void write(Writer& out, const T& value);

template <class T>
bool is_absent(const T& value) {
  if constexpr (std::is_arithmetic_v<T>)
    return value == T{};
  else if constexpr (requires { value.has_value(); })
    return !value.has_value();
  else if constexpr (requires { value.value.empty(); })
    return value.value.empty();
  else if constexpr (requires { value.items.empty(); })
    return value.items.empty();
  else
    return value.empty();  // an Id
}

/// How many entries Writing will write.
struct Counting {
  std::size_t entries = 0;
  template <class T>
  void must(unsigned, std::string_view, const T&) {
    ++entries;
  }
  template <class T>
  void may(unsigned, std::string_view, const T& value) {
    entries += !is_absent(value);
  }
};

struct Writing {
  Writer& out;
  bool tuple;
  template <class T>
  void must(unsigned key, std::string_view, const T& value) {
    if (!tuple) out.integer(key);
    write(out, value);
  }
  template <class T>
  void may(unsigned key, std::string_view name, const T& value) {
    if (!is_absent(value)) must(key, name, value);
  }
};

template <Shaped T>
void write_shaped(Writer& out, const T& value) {
  Counting counting;
  Shape<T>::fields(counting, value);
  if (is_tuple<T>)
    out.array(counting.entries);
  else
    out.map(counting.entries);
  Writing writing{out, is_tuple<T>};
  Shape<T>::fields(writing, value);
}

template <class T>
void write_one(Writer& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>)
    out.boolean(value);
  else if constexpr (std::is_integral_v<T>)
    out.integer(value < T{} ? 0 : static_cast<std::uint64_t>(value));
  else if constexpr (std::is_enum_v<T>)
    out.integer(static_cast<std::uint64_t>(value));
  else if constexpr (Shaped<T>)
    write_shaped(out, value);
  else
    out.octets(value.view());  // an Id
}
template <class T>
void write_one(Writer& out, const std::optional<T>& value) {
  write(out, *value);
}
template <class A, class B>
void write_one(Writer& out, const std::pair<A, B>& value) {
  out.array(2);
  write(out, value.first);
  write(out, value.second);
}
template <class S>
void write_one(Writer& out, const Octets<S>& field) {
  out.octets(field.value);
}
template <class S>
void write_one(Writer& out, const Text<S>& field) {
  out.text(field.value, field.max);
}
template <class L>
void write_one(Writer& out, const List<L>& field) {
  out.array(field.items.size());
  for (const auto& item : field.items) write(out, item);
}
template <class L>
void write_one(Writer& out, const OctetsList<L>& field) {
  out.array(field.items.size());
  for (const auto& item : field.items) out.octets(item);
}
template <class L>
void write_one(Writer& out, const TextList<L>& field) {
  out.array(field.items.size());
  for (const auto& item : field.items) out.text(item, field.size_max);
}
template <class M>
void write_one(Writer& out, const TextMap<M>& field) {
  out.map(field.items.size());
  for (const auto& [key, value] : field.items) {
    out.text(key, field.key_max);
    out.text(value, field.value_max);
  }
}
template <class T>
void write(Writer& out, const T& value) {
  write_one(out, value);
}

// ---- reading ----

/// Says where reading stands and, after a failure, what was wrong: the first trouble counts.
struct Reader {
  const Tree& tree;
  std::string trouble;

  bool fail(std::string why) {
    if (trouble.empty()) trouble = std::move(why);
    return false;
  }
  bool integer(std::uint32_t at, std::uint64_t min, std::uint64_t max, std::uint64_t& value);
  bool octets(std::uint32_t at, std::size_t min, std::size_t max, BytesView& value);
  bool text(std::uint32_t at, std::size_t max, BytesView& value);
  bool container(std::uint32_t at, Node::Kind kind, std::size_t max);
};

template <class T>
bool read(Reader& in, std::uint32_t at, T&& value);

/// Where the entries of one struct stand, by key. Position 0 means absent (it is the frame's own root).
class Entries {
 public:
  static constexpr unsigned keys = 32;
  /// Map: unknown keys are skipped, a known key twice or a key that is no small integer is refused.
  bool open_map(Reader& in, std::uint32_t at);
  bool open_tuple(Reader& in, std::uint32_t at, std::size_t size);
  std::uint32_t operator[](unsigned key) const { return at_[key]; }

 private:
  std::array<std::uint32_t, keys> at_{};
};

struct Reading {
  Reader& in;
  const Entries& entries;
  bool ok = true;

  template <class T>
  void must(unsigned key, std::string_view name, T&& value) {
    if (ok && entries[key] == 0) ok = in.fail(fmt::format("{} is missing", name));
    may(key, name, value);
  }
  template <class T>
  void may(unsigned key, std::string_view name, T&& value) {
    if (!ok || entries[key] == 0) return;
    if (!read(in, entries[key], value)) {
      ok = false;
      in.trouble = fmt::format("{}: {}", name, in.trouble);
    }
  }
};

template <Shaped T>
bool read_shaped(Reader& in, std::uint32_t at, T& value) {
  Entries entries;
  if constexpr (is_tuple<T>) {
    Counting counting;
    Shape<T>::fields(counting, value);
    if (!entries.open_tuple(in, at, counting.entries)) return false;
  } else if (!entries.open_map(in, at)) {
    return false;
  }
  Reading reading{in, entries};
  Shape<T>::fields(reading, value);
  if (!reading.ok) return false;
  if constexpr (requires { Shape<T>::valid(value); })
    if (const char* wrong = Shape<T>::valid(value)) return in.fail(wrong);
  if constexpr (requires { Shape<T>::tidy(value); }) Shape<T>::tidy(value);
  return true;
}

template <class T>
bool read_one(Reader& in, std::uint32_t at, T& value) {
  std::uint64_t number = 0;
  if constexpr (std::is_same_v<T, bool>) {
    if (in.tree[at].kind != Node::Kind::boolean) return in.fail("expected true or false");
    value = in.tree[at].number != 0;
  } else if constexpr (std::is_integral_v<T>) {
    std::uint64_t max = std::is_signed_v<T> ? time_max : static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    if (!in.integer(at, 0, max, number)) return false;
    value = static_cast<T>(number);
  } else if constexpr (std::is_enum_v<T>) {
    static_assert(last_of<T> != 0, "an enum that travels needs its greatest value");
    if (!in.integer(at, 1, last_of<T>, number)) return false;
    value = static_cast<T>(number);
  } else if constexpr (Shaped<T>) {
    return read_shaped(in, at, value);
  } else {  // an Id
    BytesView bytes;
    if (!in.octets(at, T::size, T::size, bytes)) return false;
    value = *T::from(bytes);
  }
  return true;
}
template <class T>
bool read_one(Reader& in, std::uint32_t at, std::optional<T>& value) {
  return read(in, at, value.emplace());
}
template <class A, class B>
bool read_one(Reader& in, std::uint32_t at, std::pair<A, B>& value) {
  Entries entries;
  return entries.open_tuple(in, at, 2) && read(in, entries[0], value.first) && read(in, entries[1], value.second);
}
template <class S>
bool read_one(Reader& in, std::uint32_t at, Octets<S>& field) {
  BytesView bytes;
  if (!in.octets(at, field.min, field.max, bytes)) return false;
  field.value = bytes;
  return true;
}
template <class S>
bool read_one(Reader& in, std::uint32_t at, Text<S>& field) {
  BytesView bytes;
  if (!in.text(at, field.max, bytes)) return false;
  field.value = bytes;
  return true;
}
/// Grows by what is there, one element after the other.
template <class L, class ReadItem>
bool read_list(Reader& in, std::uint32_t at, L& items, std::size_t max, ReadItem read_item) {
  if (!in.container(at, Node::Kind::array, max)) return false;
  items.clear();
  for (std::uint32_t next = at + 1; next < in.tree[at].end; next = in.tree[next].end) {
    items.push_back({});
    if (!read_item(next, items.back())) {
      in.trouble = fmt::format("[{}] {}", items.size() - 1, in.trouble);
      return false;
    }
  }
  return true;
}
template <class L>
bool read_one(Reader& in, std::uint32_t at, List<L>& field) {
  return read_list(in, at, field.items, field.max, [&](std::uint32_t i, auto& item) { return read(in, i, item); });
}
template <class L>
bool read_one(Reader& in, std::uint32_t at, OctetsList<L>& field) {
  return read_list(in, at, field.items, field.max,
                   [&](std::uint32_t i, auto& item) { return read(in, i, octets(item, field.size_max)); });
}
template <class L>
bool read_one(Reader& in, std::uint32_t at, TextList<L>& field) {
  return read_list(in, at, field.items, field.max,
                   [&](std::uint32_t i, auto& item) { return read(in, i, text(item, field.size_max)); });
}
template <class M>
bool read_one(Reader& in, std::uint32_t at, TextMap<M>& field) {
  if (!in.container(at, Node::Kind::map, field.max)) return false;
  field.items.clear();
  for (std::uint32_t key = at + 1; key < in.tree[at].end; key = in.tree[key + 1].end) {
    BytesView name, value;
    if (!in.text(key, field.key_max, name) || !in.text(key + 1, field.value_max, value)) return false;
    if (!field.items.emplace(name, value).second) return in.fail("a name stands there twice");
  }
  return true;
}
template <class T>
bool read(Reader& in, std::uint32_t at, T&& value) {
  return read_one(in, at, value);
}

// ---- whole values ----

template <Shaped T>
Bytes pack(const T& value) {
  Writer out;
  write(out, value);
  return out.take();
}

Error unreadable(std::string_view name, const std::string& trouble);

template <Shaped T>
Result<T> read_at(const Tree& tree, std::uint32_t at) {
  Reader in{tree, {}};
  T value;
  if (!read(in, at, value)) return unreadable(Shape<T>::name, in.trouble);
  return value;
}
template <Shaped T>
Result<T> unpack(BytesView bytes, std::size_t bytes_max = limits::frame_bytes) {
  auto tree = Tree::parse(bytes, bytes_max);
  if (!tree) return unreadable(Shape<T>::name, tree.error().text);
  return read_at<T>(*tree, 0);
}

}  // namespace mig::core::codec
