#include "node/core/codec.h"

#define MSGPACK_NO_BOOST
#include <msgpack.hpp>

namespace mig::core::codec {
namespace {

/// What msgpack::packer writes to.
struct Append {
  Bytes& out;
  void write(const char* data, std::size_t size) { out.append(data, size); }
};
using Packer = msgpack::packer<Append>;

/// Octets of the UTF-8 sequence at the start of `text`, 0 if there is none (overlong, surrogate, cut off, ...).
std::size_t sequence_length(std::string_view text) {
  auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto follows = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  unsigned first = at(0), second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

/// As sequence_length, but 0 for control characters (C0, DEL, C1) too.
std::size_t clean_length(std::string_view text) {
  unsigned first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7f) return 0;
  std::size_t length = sequence_length(text);
  bool c1 = length == 2 && first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
  return c1 ? 0 : length;
}

std::string clean_text(std::string_view text, std::size_t max) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = clean_length(text);
    if (out.size() + (length == 0 ? 1 : length) > max) break;
    if (length == 0) {
      out += '?';
      length = 1;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

/// Flattens what msgpack's parser reads. Returning false stops the parser.
class Flatten : public msgpack::null_visitor {
 public:
  Flatten(std::vector<Node>& nodes, std::size_t bytes) : nodes_(nodes), bytes_(bytes) {}
  const char* trouble = "not msgpack";

  bool visit_nil() { return leaf(Node::Kind::other); }
  bool visit_boolean(bool v) { return leaf(Node::Kind::boolean, v); }
  bool visit_positive_integer(std::uint64_t v) { return leaf(Node::Kind::integer, v); }
  bool visit_negative_integer(std::int64_t v) {
    return v < 0 ? leaf(Node::Kind::other) : leaf(Node::Kind::integer, static_cast<std::uint64_t>(v));
  }
  bool visit_float32(float) { return leaf(Node::Kind::other); }
  bool visit_float64(double) { return leaf(Node::Kind::other); }
  bool visit_ext(const char*, std::uint32_t) { return leaf(Node::Kind::other); }
  bool visit_str(const char* v, std::uint32_t size) { return leaf(Node::Kind::text, 0, {v, size}); }
  bool visit_bin(const char* v, std::uint32_t size) { return leaf(Node::Kind::octets, 0, {v, size}); }
  bool start_array(std::uint32_t n) { return open(Node::Kind::array, n, n); }
  bool start_map(std::uint32_t n) { return open(Node::Kind::map, n, std::uint64_t{n} * 2); }
  bool end_array() { return close(); }
  bool end_map() { return close(); }
  void insufficient_bytes(std::size_t, std::size_t) { trouble = "cut off"; }

 private:
  bool stop(const char* why) {
    trouble = why;
    return false;
  }
  bool leaf(Node::Kind kind, std::uint64_t number = 0, BytesView bytes = {}) {
    if (nodes_.size() >= limits::frame_values) return stop("too many values");
    nodes_.push_back({kind, static_cast<std::uint32_t>(nodes_.size() + 1), number, bytes});
    return true;
  }
  bool open(Node::Kind kind, std::uint64_t count, std::uint64_t values) {
    if (depth_ == limits::frame_depth) return stop("nested too deeply");
    // Every value takes an octet at least, so containers that claim more together cannot be honest.
    claimed_ += values;
    if (claimed_ > bytes_) return stop("claims more values than it has octets");
    if (!leaf(kind, count)) return false;
    open_[depth_++] = static_cast<std::uint32_t>(nodes_.size() - 1);
    return true;
  }
  bool close() {
    nodes_[open_[--depth_]].end = static_cast<std::uint32_t>(nodes_.size());
    return true;
  }

  std::vector<Node>& nodes_;
  std::size_t bytes_;
  std::uint64_t claimed_ = 0;
  std::size_t depth_ = 0;
  std::array<std::uint32_t, limits::frame_depth> open_{};
};

}  // namespace

void Writer::map(std::size_t entries) {
  Append append{out_};
  Packer(append).pack_map(static_cast<std::uint32_t>(entries));
}
void Writer::array(std::size_t elements) {
  Append append{out_};
  Packer(append).pack_array(static_cast<std::uint32_t>(elements));
}
void Writer::integer(std::uint64_t value) {
  Append append{out_};
  Packer(append).pack_uint64(value);
}
void Writer::boolean(bool value) {
  Append append{out_};
  value ? Packer(append).pack_true() : Packer(append).pack_false();
}
void Writer::octets(BytesView value) {
  Append append{out_};
  auto size = static_cast<std::uint32_t>(value.size());
  Packer(append).pack_bin(size).pack_bin_body(value.data(), size);
}
void Writer::text(std::string_view value, std::size_t max) {
  std::string clean = clean_text(value, max);
  Append append{out_};
  auto size = static_cast<std::uint32_t>(clean.size());
  Packer(append).pack_str(size).pack_str_body(clean.data(), size);
}

bool is_clean_text(std::string_view text) {
  while (!text.empty()) {
    std::size_t length = clean_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Result<Tree> Tree::parse(BytesView bytes, std::size_t bytes_max) {
  if (bytes.size() > bytes_max)
    return Error{Code::too_large, fmt::format("{} octets, at most {} are allowed", bytes.size(), bytes_max)};
  Tree tree;
  Flatten flatten(tree.nodes_, bytes.size());
  std::size_t end = 0;
  try {
    if (!msgpack::parse(bytes.data(), bytes.size(), end, flatten)) return invalid(flatten.trouble);
  } catch (const std::exception&) {  // the parser's own limits; ours come first, but nothing may escape
    return invalid("not msgpack");
  }
  if (end != bytes.size()) return invalid("bytes follow the end");
  return tree;
}

bool Reader::integer(std::uint32_t at, std::uint64_t min, std::uint64_t max, std::uint64_t& value) {
  const Node& node = tree[at];
  if (node.kind != Node::Kind::integer || node.number < min || node.number > max)
    return fail(fmt::format("expected an integer {}..{}", min, max));
  value = node.number;
  return true;
}

bool Reader::octets(std::uint32_t at, std::size_t min, std::size_t max, BytesView& value) {
  const Node& node = tree[at];
  if (node.kind != Node::Kind::octets) return fail("expected octets (bin)");
  if (node.bytes.size() < min || node.bytes.size() > max)
    return fail(fmt::format("{} octets, expected {}..{}", node.bytes.size(), min, max));
  value = node.bytes;
  return true;
}

bool Reader::text(std::uint32_t at, std::size_t max, BytesView& value) {
  const Node& node = tree[at];
  if (node.kind != Node::Kind::text) return fail("expected text (str)");
  if (node.bytes.size() > max) return fail(fmt::format("{} octets of text, at most {} are allowed", node.bytes.size(), max));
  if (!is_clean_text(node.bytes)) return fail("text must be UTF-8 without control characters");
  value = node.bytes;
  return true;
}

bool Reader::container(std::uint32_t at, Node::Kind kind, std::size_t max) {
  const Node& node = tree[at];
  if (node.kind != kind) return fail(kind == Node::Kind::map ? "expected a map" : "expected an array");
  if (node.number > max) return fail(fmt::format("{} entries, at most {} are allowed", node.number, max));
  return true;
}

bool Entries::open_map(Reader& in, std::uint32_t at) {
  if (!in.container(at, Node::Kind::map, limits::frame_values)) return false;
  for (std::uint32_t key = at + 1; key < in.tree[at].end; key = in.tree[key + 1].end) {
    const Node& node = in.tree[key];
    if (node.kind != Node::Kind::integer) return in.fail("a key is no small integer");
    if (node.number >= keys) continue;
    if (at_[node.number] != 0) return in.fail(fmt::format("key {} stands there twice", node.number));
    at_[node.number] = key + 1;
  }
  return true;
}

bool Entries::open_tuple(Reader& in, std::uint32_t at, std::size_t size) {
  if (!in.container(at, Node::Kind::array, limits::frame_values)) return false;
  if (in.tree[at].number != size)
    return in.fail(fmt::format("expected an array of {}, found {}", size, in.tree[at].number));
  std::uint32_t element = at + 1;
  for (unsigned i = 0; i < size; ++i) {
    at_[i] = element;
    element = in.tree[element].end;
  }
  return true;
}

Error unreadable(std::string_view name, const std::string& trouble) {
  return invalid(fmt::format("{}: {}", name, trouble));
}

}  // namespace mig::core::codec
