#include "node/journal.h"

#include "node/core/json.h"
#include "node/core/limits.h"

namespace mig::node {
namespace {

using namespace core;

constexpr WallMs kept_after_ms = 10 * 60 * 1000;

Bytes entry_key(const ActionKey& key) { return "j/" + key.bytes(); }
Bytes part_prefix(const ActionKey& key) { return "p/" + key.bytes(); }
Bytes part_key(const ActionKey& key, std::uint16_t part) {
  return part_prefix(key) + static_cast<char>(part >> 8) + static_cast<char>(part & 255);
}

Bytes write_entry(const JournalEntry& e) {
  return compact_json({{"id", e.id.hex()},
                       {"state", static_cast<int>(e.state)},
                       {"reply_key", e.reply_key.hex()},
                       {"disclose", static_cast<int>(e.disclose)},
                       {"started", e.started},
                       {"result_by", e.result_by},
                       {"parts", e.parts},
                       {"outcome", static_cast<int>(e.outcome)}});
}

std::optional<JournalEntry> read_entry(BytesView text) {
  auto json = parse_json(text, 4096);
  if (!json) return {};
  try {
    JournalEntry e;
    e.id = *ActionId::from(*from_hex(json->at("id").get<std::string>()));
    e.state = static_cast<core::Journal>(json->at("state").get<int>());
    e.reply_key = *LinkPublic::from(*from_hex(json->at("reply_key").get<std::string>()));
    e.disclose = static_cast<Disclose>(json->at("disclose").get<int>());
    e.started = json->at("started").get<WallMs>();
    e.result_by = json->at("result_by").get<WallMs>();
    e.parts = json->at("parts").get<std::uint16_t>();
    e.outcome = static_cast<State>(json->at("outcome").get<int>());
    return e;
  } catch (const std::exception&) {  // our own file, damaged: the record is as good as lost
    return {};
  }
}

}  // namespace

Journal::Journal(store::Store& store) : store_(store) {
  store.scan("j/", [&](BytesView, BytesView value) {
    if (auto entry = read_entry(value)) entries_[key_of(entry->id)] = *entry;
    return true;
  });
}

const JournalEntry* Journal::find(const ActionKey& key) const {
  auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : &it->second;
}

void Journal::start(const Action& action, WallMs now) {
  JournalEntry entry;
  entry.id = action.id;
  entry.reply_key = action.reply_key;
  entry.disclose = action.disclose;
  entry.started = now;
  entry.result_by = action.result_by();
  entries_[key_of(action.id)] = entry;
  write(key_of(action.id));
}

void Journal::finish(const ActionKey& key, State outcome, const std::vector<Reply>& replies) {
  auto it = entries_.find(key);
  if (it == entries_.end()) return;
  it->second.state = core::Journal::done;
  it->second.outcome = outcome;
  it->second.parts = static_cast<std::uint16_t>(replies.size());
  for (std::uint16_t part = 0; part < replies.size(); ++part)
    store_.put(part_key(key, part), encode(ResultFrame{replies[part], false, key}));
  write(key);
}

void Journal::stored(const ActionKey& key) {
  auto it = entries_.find(key);
  if (it == entries_.end() || it->second.state != core::Journal::done) return;
  it->second.state = core::Journal::stored;
  write(key);
}

void Journal::confirmed(const ActionKey& key) {
  auto it = entries_.find(key);
  if (it == entries_.end() || it->second.state == core::Journal::started) return;
  if (it->second.state == core::Journal::confirmed) return;
  it->second.state = core::Journal::confirmed;
  drop_frames(key);
  write(key);
}

std::vector<Bytes> Journal::frames(const ActionKey& key) const {
  std::vector<Bytes> out;
  store_.scan(part_prefix(key), [&](BytesView, BytesView value) {
    out.emplace_back(value);
    return true;
  });
  return out;
}

std::vector<Held> Journal::held() const {
  std::vector<Held> out;
  for (const auto& [key, entry] : entries_) out.push_back({key, entry.state});
  return out;
}

void Journal::purge(WallMs now) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    if (now > it->second.result_by + kept_after_ms) {
      drop_frames(it->first);
      store_.erase(entry_key(it->first));
      it = entries_.erase(it);
    } else {
      ++it;
    }
  }
}

void Journal::write(const ActionKey& key) { store_.put(entry_key(key), write_entry(entries_.at(key))); }

void Journal::drop_frames(const ActionKey& key) {
  std::vector<Bytes> keys;
  store_.scan(part_prefix(key), [&](BytesView name, BytesView) {
    keys.emplace_back(name);
    return true;
  });
  for (const auto& name : keys) store_.erase(name);
}

}  // namespace mig::node
