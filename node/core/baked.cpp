#include "node/core/baked.h"

#include <algorithm>

#include "node/core/json.h"
#include "node/core/members.h"

namespace mig::core {
namespace {

constexpr std::size_t mark_bytes = 16, text_bytes = 16 * 1024;
struct Block {
  char mark[mark_bytes];
  char text[text_bytes];
};
// Volatile: what stands in the file counts, not what the compiler saw.
[[gnu::used]] const volatile Block block = {"MIG-BAKED-BLOCK",
#ifdef MIG_BAKED
#include MIG_BAKED
#else
                                            ""
#endif
};

Bytes read(const volatile char* from, std::size_t size) {
  Bytes out(size, '\0');
  std::copy(from, from + size, out.begin());
  return out;
}

}  // namespace

std::string to_text(const Baked& baked) {
  Json relays = Json::array();
  for (const auto& relay : baked.relays) relays.push_back(to_text(relay));
  return canonical_json({{"trust", to_json(baked.trust)}, {"relays", relays}, {"restrict", baked.restrictions}});
}

Result<Baked> baked_from_text(std::string_view text) {
  auto json = parse_json(text, text_bytes);
  if (!json) return json.error();
  Members in(*json, "baked");
  Baked out;
  Json trust;
  in.object("trust", trust);
  in.each("relays", 0, 64, [&](const Json& element, const std::string& subject) {
    auto relay = endpoint_from_text(element.is_string() ? element.get<std::string>() : "");
    if (!relay) return in.fail_with(invalid(subject + ": " + relay.error().text));
    out.relays.push_back(*relay);
  });
  Json restrictions;
  in.any("restrict", restrictions);
  if (!restrictions.is_string()) in.fail("restrict", "must be a text");
  if (Status ok = in.end(); !ok) return ok.error();
  out.restrictions = restrictions.get<std::string>();
  auto read = trust_from_json(trust);
  if (!read) return read.error();
  out.trust = *read;
  return out;
}

Result<std::optional<Baked>> baked() {
  Bytes text = read(block.text, text_bytes);
  text.resize(std::min(text.find('\0'), text.size()));
  if (text.empty()) return std::optional<Baked>{};
  auto out = baked_from_text(text);
  if (!out) return Error{out.error().code, "what this program was stamped with cannot be read: " + out.error().text};
  return std::optional<Baked>(*std::move(out));
}

Status stamp(Bytes& program, const Baked& baked) {
  const Bytes mark = read(block.mark, mark_bytes), text = to_text(baked);
  if (text.size() >= text_bytes) return Error{Code::too_large, "stamp: it does not fit into 16 KiB"};
  const auto at = program.find(mark);
  if (at == Bytes::npos || at + sizeof(Block) > program.size()) return invalid("stamp: this file is no program of this mesh's kind (mig-agent, mig-relay)");
  if (program.find(mark, at + 1) != Bytes::npos) return invalid("stamp: the file holds several such blocks");
  program.replace(at + mark_bytes, text_bytes, text + Bytes(text_bytes - text.size(), '\0'));
  return Done{};
}

}  // namespace mig::core
