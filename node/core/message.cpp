#include "node/core/message.h"

#include "node/core/message_fields.h"

namespace mig::core {
namespace {

using codec::Shape;
using codec::Tree;

/// A frame and a routed payload have one form: [number, map].
template <class Variant>
Bytes encode_numbered(const Variant& message) {
  codec::Writer out;
  out.array(2);
  std::visit(
      [&out](const auto& held) {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, Unknown>) {
          out.integer(held.type);
          out.map(0);
        } else {
          out.integer(Shape<T>::number);
          codec::write(out, held);
        }
      },
      message);
  return out.take();
}

template <class Variant, class T>
bool read_if(std::uint64_t number, const Tree& tree, std::uint32_t at, std::optional<Result<Variant>>& out) {
  if constexpr (!std::is_same_v<T, Unknown>) {
    if (Shape<T>::number != number) return false;
    auto value = codec::read_at<T>(tree, at);
    if (value)
      out.emplace(Variant(*std::move(value)));
    else
      out.emplace(value.error());
    return true;
  }
  return false;
}

/// Nothing if no alternative has this number.
template <class Variant, std::size_t... I>
std::optional<Result<Variant>> read_numbered(std::uint64_t number, const Tree& tree, std::uint32_t at,
                                             std::index_sequence<I...>) {
  std::optional<Result<Variant>> out;
  (read_if<Variant, std::variant_alternative_t<I, Variant>>(number, tree, at, out) || ...);
  return out;
}
template <class Variant>
std::optional<Result<Variant>> read_numbered(std::uint64_t number, const Tree& tree, std::uint32_t at) {
  return read_numbered<Variant>(number, tree, at, std::make_index_sequence<std::variant_size_v<Variant>>());
}

struct Numbered {
  Tree tree;
  std::uint64_t number = 0;
  std::uint32_t map = 2;  ///< where the map stands: after the array and the number
};
Result<Numbered> open_numbered(std::string_view what, BytesView bytes) {
  auto tree = Tree::parse(bytes);
  if (!tree) return Error{tree.error().code, fmt::format("{}: {}", what, tree.error().text)};
  codec::Reader in{*tree, {}};
  std::uint64_t number = 0;
  if ((*tree)[0].kind != codec::Node::Kind::array || (*tree)[0].number != 2)
    return invalid(fmt::format("{}: expected an array of number and map", what));
  if (!in.integer(1, 0, 0xffffffff, number)) return invalid(fmt::format("{}: number: {}", what, in.trouble));
  return Numbered{*std::move(tree), number};
}

}  // namespace

Bytes encode(const Message& message) { return encode_numbered(message); }

Result<Message> decode(BytesView frame) {
  auto opened = open_numbered("frame", frame);
  if (!opened) return opened.error();
  auto message = read_numbered<Message>(opened->number, opened->tree, opened->map);
  if (!message) return Message(Unknown{static_cast<std::uint32_t>(opened->number)});
  return *std::move(message);
}

Bytes route_signing_text(const Route& route) { return route.to.bytes() + route.sub.bytes() + route.payload; }

Bytes encode_routed(const Routed& routed) { return encode_numbered(routed); }

Result<Routed> decode_routed(BytesView payload) {
  auto opened = open_numbered("routed payload", payload);
  if (!opened) return opened.error();
  auto routed = read_numbered<Routed>(opened->number, opened->tree, opened->map);
  if (!routed) return Error{Code::unsupported, fmt::format("routed payload: kind {} is unknown here", opened->number)};
  return *std::move(routed);
}

std::string_view name_of(const Message& message) {
  return std::visit(
      [](const auto& held) -> std::string_view {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, Unknown>)
          return "UNKNOWN";
        else
          return Shape<T>::name;
      },
      message);
}

std::string_view to_text(ByeCode code) {
  static constexpr std::string_view texts[] = {"shutdown", "busy",     "reset",     "superseded", "stale_seq",
                                               "dup_link", "dup_id",   "self",      "bad_cert",   "bad_proto",
                                               "bad_object", "timeout", "quota", "rebalance"};
  auto index = static_cast<std::size_t>(code) - 1;
  return index < std::size(texts) ? texts[index] : "unknown";
}

}  // namespace mig::core
