#include "investigator/draft.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/core/check.h"
#include "node/core/limits.h"

namespace mig::investigator {
namespace {

using core::Action;
using core::Result;

constexpr core::WallMs minute_ms = 60'000;

// MIG's tools did the same: a minute before now, so that clocks a little behind take it, and a minute after.
core::Status fill_window(Action& draft, const Completion& how) {
  core::WallMs now = wall_now() / 1000 * 1000;
  if (draft.valid_from == 0) draft.valid_from = now - minute_ms;
  if (draft.expire_after == 0) {
    core::WallMs begin = std::max(draft.valid_from, now - minute_ms);
    draft.expire_after = begin + how.lifetime_ms + 2 * minute_ms;
  }
  if (draft.expire_after <= now)
    return core::invalid(fmt::format("expireafter: {} has passed; leave validfrom and expireafter out, or choose a "
                                     "later time", core::to_rfc3339(draft.expire_after)));
  return core::Done{};
}

core::Status fill_keys(Action& draft, const Home& home, const Gpg& gpg, const Completion& how,
                       core::LinkSecret& secret) {
  if (draft.readers.empty()) draft.readers = how.readers;
  if (draft.readers.empty()) draft.readers.push_back(home.config().key);
  std::sort(draft.readers.begin(), draft.readers.end());
  draft.readers.erase(std::unique(draft.readers.begin(), draft.readers.end()), draft.readers.end());
  core::Random random(fresh_seed());
  core::ReplyKeys keys = core::make_reply_keys(random);
  auto wrapped = gpg.encrypt(keys.secret.view(), draft.readers);
  if (!wrapped) return wrapped.error();
  draft.reply_key = keys.key;
  draft.reply_key_wrapped = core::to_base64(*wrapped);
  draft.nonce = random.bytes(16);
  secret = keys.secret;
  return core::Done{};
}

/// A text or a list: the longest below `value`, with its key; keys of lists count as their list's.
struct Longest {
  core::Json* value = nullptr;
  std::string key;
  std::size_t size = 1024;                       // what is shorter gains nothing
};
void look_for_longest(core::Json& value, const std::string& key, Longest& out) {
  if (value.is_object())
    for (auto it = value.begin(); it != value.end(); ++it) look_for_longest(it.value(), it.key(), out);
  if (!value.is_array() && !value.is_string()) return;
  if (const std::size_t size = core::compact_json(value).size(); size > out.size) out = {&value, key, size};
}

/// False: nothing in it is long.
bool move_out_longest(Action& draft, std::vector<core::Enclosed>& enclosed) {
  Longest longest;
  for (core::Operation& operation : draft.operations) look_for_longest(operation.parameters, operation.module, longest);
  if (longest.value == nullptr || enclosed.size() == core::limits::attachments) return false;
  const bool text = longest.value->is_string();
  const std::string name = fmt::format("{}-{}", longest.key.substr(0, 64), enclosed.size() + 1);
  enclosed.push_back(core::enclose(name, text ? longest.value->get<std::string>() : core::compact_json(*longest.value)));
  *longest.value = {{"attachment", name}};
  if (!text) (*longest.value)["as"] = "json";
  draft.attachments.push_back(enclosed.back().attachment);
  return true;
}

}  // namespace

void attach(Action& draft, const std::vector<core::Enclosed>& enclosed) {
  draft.attachments.clear();
  for (const core::Enclosed& one : enclosed) draft.attachments.push_back(one.attachment);
}

Result<Complete> complete(Action draft, std::vector<core::Enclosed> enclosed, const Home& home, const Gpg& gpg, const Completion& how) {
  if (draft.name.empty()) return core::invalid("name: an action needs one");
  if (draft.operations.empty()) return core::invalid("operations: an action needs at least one");
  draft.target = home.target_of(draft.target);
  if (core::Status window = fill_window(draft, how); !window) return window.error();
  if (draft.description.is_null()) draft.description = core::Json::object();
  if (draft.threat.is_null()) draft.threat = core::Json::object();
  draft.mesh = home.trust().mesh;
  draft.roster_version = home.roster().version;
  core::LinkSecret secret;
  if (core::Status keys = fill_keys(draft, home, gpg, how, secret); !keys) return keys.error();
  attach(draft, enclosed);
  core::Bytes text = core::canonical_json(core::to_json(draft));
  while (text.size() > core::limits::action_bytes && move_out_longest(draft, enclosed)) text = core::canonical_json(core::to_json(draft));
  if (text.size() > core::limits::action_bytes)
    return core::Error{core::Code::too_large, fmt::format("operations: the action would take {} bytes, and {} are the most that is signed; ask in parts, or a machine at a time with -t local",
                                                          text.size(), core::limits::action_bytes)};
  auto parsed = core::parse_action(text);
  if (!parsed) return parsed.error();
  return Complete{*parsed, text, secret, std::move(enclosed)};
}

Result<core::LinkSecret> reply_secret(const Action& action, const Gpg& gpg) {
  auto wrapped = core::from_base64(action.reply_key_wrapped);
  if (!wrapped) return core::invalid("replykey: its wrapped half is not base64");
  auto plain = gpg.decrypt(*wrapped);
  if (!plain) return plain.error();
  auto secret = core::LinkSecret::from(*plain);
  if (!secret) return core::invalid("replykey: what was wrapped is no key");
  return secret;
}

core::Status add_signature(core::SignedText& action, const Home& home, const Gpg& gpg) {
  auto signature = gpg.sign(core::action_signing_text(action.text), home.config().key);
  if (!signature) return signature.error();
  auto fresh = core::read_signature(*signature);
  MIG_CHECK(fresh, "the door to gpg lets no unreadable signature pass");
  auto by_her = [&](const core::Bytes& packet) {
    auto read = core::read_signature(packet);
    if (!read) return false;
    if (read->issuer == fresh->issuer) return true;
    const core::SigningKey* key = nullptr;
    const core::Investigator* person = home.roster().by_key(read->issuer, &key);
    return person != nullptr && person->fingerprint == home.config().key;
  };
  auto& all = action.signatures;
  all.erase(std::remove_if(all.begin(), all.end(), by_her), all.end());
  if (all.size() >= core::limits::signatures)
    return core::Error{core::Code::too_large,
                       fmt::format("pgpsignatures: an action carries at most {}", core::limits::signatures)};
  all.push_back(*signature);
  return core::Done{};
}

}  // namespace mig::investigator
