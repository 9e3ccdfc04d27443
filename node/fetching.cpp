#include "node/fetching.h"

#include <algorithm>

namespace mig::node {

using namespace core;

namespace {

std::vector<Hash> chunks_of(const Action& action) {
  std::vector<Hash> out;
  for (const Attachment& attachment : action.attachments) out.insert(out.end(), attachment.chunks.begin(), attachment.chunks.end());
  return out;
}

}  // namespace

Fetching::Fetching(const Action& action) : action_(key_of(action.id)), attachments_(action.attachments), fetch_(chunks_of(action)) {}

bool Fetching::take(const Bytes& chunk, Instant now) {
  const Hash hash = hash_of(chunk);
  if (!fetch_.misses(hash)) return false;
  fetch_.came(hash, now);
  chunks_[hash] = chunk;
  return true;
}

std::string Fetching::missing() const {
  std::string out;
  for (const Attachment& attachment : attachments_)
    if (std::any_of(attachment.chunks.begin(), attachment.chunks.end(), [&](const Hash& chunk) { return fetch_.misses(chunk); }))
      out += (out.empty() ? "" : ", ") + attachment.name;
  return out;
}

std::vector<Enclosed> Fetching::enclosed() const {
  std::vector<Enclosed> out;
  for (const Attachment& attachment : attachments_) {
    out.push_back({attachment, {}});
    for (const Hash& chunk : attachment.chunks) out.back().packed += chunks_.at(chunk);
  }
  return out;
}

}  // namespace mig::node
