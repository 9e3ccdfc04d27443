// Attachments: what an action is about but does not fit into it, such as rule sets, lists of hashes, documents.
//
// The content is compressed (zstd) and cut into chunks; the signed action names each by its hash, so that whoever holds
// the action can tell a true chunk from any other bytes. A parameter takes an attachment's content in its place:
// {"attachment": NAME} as text, with "as": "lines" as a list of its lines, with "as": "json" as the JSON it is.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "node/core/ids.h"
#include "node/core/json.h"

namespace mig::core {

struct Attachment {
  std::string name;
  std::uint64_t size = 0;                  ///< of the content, unpacked
  std::vector<Hash> chunks;                ///< of limits::chunk_bytes each, the last one shorter
};

/// An attachment with what it is about: its chunks, verified, one behind the other.
struct Enclosed {
  Attachment attachment;
  Bytes packed;
};

Enclosed enclose(std::string name, BytesView content);
std::vector<Bytes> chunks_of(BytesView packed);
/// Errors: it does not unpack, or to another size than the action states (then nothing larger is ever held).
Result<Bytes> content_of(const Enclosed& enclosed);
/// One hash that stands for the whole content, for people: of the chunks' hashes, one behind the other.
Hash hash_of(const Attachment& attachment);

struct Reference {
  std::string name;
  enum class As { text, lines, json } as = As::text;
};
/// Every place below `parameters` that names an attachment; ends at the first error. Errors: a place that is no
/// reference, though it looks like one.
Status each_reference(Json& parameters, const std::function<Status(Json& place, const Reference& reference)>& visit);
/// Puts the contents in their places. Errors name the attachment.
Status fill_in(Json& parameters, const std::vector<Enclosed>& enclosed);

}  // namespace mig::core
