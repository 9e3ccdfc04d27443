// leans on: core
// Frames and everything packed inside them. What is read and written again reads the same.
#include "node/core/agent_facts.h"
#include "node/core/json.h"
#include "node/core/limits.h"
#include "node/core/message.h"
#include "tests/fuzz/fuzz.h"

using namespace mig::core;

namespace {

void routed(BytesView payload) {
  auto read = decode_routed(payload);
  if (!read) return;
  const Bytes written = encode_routed(*read);
  auto again = decode_routed(written);
  MIG_CHECK(again && encode_routed(*again) == written, "a payload written again reads the same");
  if (auto* tally = std::get_if<Tally>(&*read))
    for (const auto& row : tally->rows) (void)unpack_row(row.row);
  if (auto* pull = std::get_if<SignedPull>(&*read)) (void)unpack_pull(pull->pull);
  if (auto* ask = std::get_if<SignedAsk>(&*read)) (void)unpack_ask(ask->ask);
  if (auto* replies = std::get_if<Replies>(&*read))
    for (const auto& entry : replies->entries) (void)read_reply_header(entry.reply.header);
}

void attributes(BytesView text) {
  if (auto json = parse_json(text, limits::attributes_bytes)) (void)facts_from_json(*json);
}

void object(const Object& object) {
  const Bytes packed = pack_object(object);
  auto again = unpack_object(packed);
  MIG_CHECK(again && pack_object(*again) == packed, "an object packed again reads the same");
  (void)unpack_relay_record(object.text);
  (void)unpack_sink_record(object.text);
}

}  // namespace

MIG_FUZZ(message) {
  auto message = decode(input);
  if (message && !std::holds_alternative<Unknown>(*message)) {
    const Bytes written = encode(*message);
    auto again = decode(written);
    MIG_CHECK(again && encode(*again) == written, "a frame written again reads the same");
    if (auto* route = std::get_if<Route>(&*message)) routed(route->payload);
    if (auto* put = std::get_if<Put>(&*message))
      for (const auto& one : put->objects) object(one);
    if (auto* hello = std::get_if<Hello>(&*message)) attributes(hello->attributes);
  }
  routed(input);
  if (auto one = unpack_object(input)) object(*one);
  (void)unpack_relay_record(input);
  (void)unpack_sink_record(input);
  (void)unpack_row(input);
  (void)unpack_pull(input);
  (void)unpack_ask(input);
  (void)unpack_log_entry(input);
}
