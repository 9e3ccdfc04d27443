#include <algorithm>

#include "node/core/message_fields.h"

namespace mig::core {

BoardKey board_key(ObjectKind kind, BytesView id) {
  BoardKey key(1, static_cast<char>(kind));
  if (kind != ObjectKind::roster) key += id.substr(0, 16);
  return key;
}

std::vector<const Object*> in_order_of_effect(const Put& put) {
  std::vector<const Object*> out;
  for (const Object& object : put.objects) out.push_back(&object);
  auto rank = [](const Object* object) {
    return object->kind == ObjectKind::roster ? 0 : object->kind == ObjectKind::stop ? 1 : object->kind == ObjectKind::cancel ? 2 : 3;
  };
  std::stable_sort(out.begin(), out.end(), [&](const Object* a, const Object* b) { return rank(a) < rank(b); });
  return out;
}

Version version_of_roster(std::uint64_t version, BytesView text) {
  std::uint64_t mark = 0;
  for (unsigned char octet : blake2b(text, 32).substr(0, 8)) mark = mark << 8 | octet;
  return {version, mark};
}

Bytes pack_object(const Object& object) { return codec::pack(object); }
Result<Object> unpack_object(BytesView bytes) {
  auto object = codec::unpack<Object>(bytes);
  if (object && !codec::is_known_kind(object->kind))
    return Error{Code::unsupported, fmt::format("object: kind {} is unknown here", static_cast<int>(object->kind))};
  return object;
}

Bytes pack(const RelayRecord& record) { return codec::pack(record); }
Result<RelayRecord> unpack_relay_record(BytesView text) { return codec::unpack<RelayRecord>(text); }
Bytes pack(const SinkRecord& record) { return codec::pack(record); }
Result<SinkRecord> unpack_sink_record(BytesView text) { return codec::unpack<SinkRecord>(text); }
Bytes pack(const Row& row) { return codec::pack(row); }
Result<Row> unpack_row(BytesView text) { return codec::unpack<Row>(text); }
Bytes pack(const Pull& pull) { return codec::pack(pull); }
Result<Pull> unpack_pull(BytesView text) { return codec::unpack<Pull>(text); }
Bytes pack(const Ask& ask) { return codec::pack(ask); }
Result<Ask> unpack_ask(BytesView text) { return codec::unpack<Ask>(text); }
Bytes pack(const LogEntry& entry) { return codec::pack(entry); }
Result<LogEntry> unpack_log_entry(BytesView bytes) { return codec::unpack<LogEntry>(bytes); }

}  // namespace mig::core
