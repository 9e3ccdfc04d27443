// The board and its repair: what comes in is verified, pinned, flooded; digests find what got lost.
#include <algorithm>

#include "relay/inside.h"

namespace mig::relay {

using namespace core;

namespace {
constexpr std::size_t put_bytes = 64 * 1024;      // objects are bundled up to this
constexpr std::size_t digests_per_frame = 4000;   // about 36 octets each

/// The action a key of the board belongs to, if it is one or the draft of one: what may have attachments.
std::optional<ActionKey> may_have_chunks(const BoardKey& key) {
  if (key[0] != static_cast<char>(ObjectKind::action) && key[0] != static_cast<char>(ObjectKind::draft)) return {};
  auto action = ActionKey::from(BytesView(key).substr(1));
  return action ? std::optional<ActionKey>(*action) : std::nullopt;
}

/// The action that is pinned with a notice, or with a draft of it.
const Action* action_of(const Notice& notice) {
  if (auto* admission = std::get_if<Admission>(&notice.content)) return &admission->action;
  auto* draft = std::get_if<DraftNotice>(&notice.content);
  return draft ? &draft->action : nullptr;
}
}

void Relay::Inside::take(Link& link, const Put& put) {
  const LinkId id = link.id;
  for (const Object* object : in_order_of_effect(put)) {
    Link* still = links_.find(id);  // an object may end the session
    if (!still) return;
    take(*still, *object);
  }
}

void Relay::Inside::take(Link& link, const Object& object) {
  if (object.kind == ObjectKind::chunk) return take_chunk(link.id, object.text);
  const bool asks = link.role == Role::investigator;
  auto seen = preview(object);
  auto verdict = [&](const BoardKey& key, VerdictCode code, const std::string& text) {
    if (asks) links_.send(link.id, 1, Verdict{key, code, text}, *out_, "v" + key);
    if (code != VerdictCode::stored)
      tell(asks ? Level::warning : Level::info, "refused", {{"from", link.name}, {"why", text}});
  };
  if (!seen) return verdict(board_key(object.kind, hash_of(object.text).view()), VerdictCode::bad, seen.error().text);
  if (object.kind == ObjectKind::relay && seen->key == board_key(ObjectKind::relay, keys_.id().view())) return take_own(object, seen->version);
  if (object.kind == ObjectKind::roster) {
    auto taken = take_roster(object, &link);
    if (!taken) return verdict(seen->key, VerdictCode::refused, taken.error().text);
    return asks ? promise_verdict(link.id, seen->key) : void();
  }
  if (!board_.wants(seen->key, seen->version)) {
    if (asks && board_.find(seen->key)) {
      if (auto action = may_have_chunks(seen->key)) chunks_.prefer(*action, link.id);
      promise_stored(link.id, seen->key);
    }
    if (asks && object.kind == ObjectKind::sink) give(link, {seen->key});  // somebody else speaks for this sink
    return;
  }
  if (board_.full(object.text.size())) return verdict(seen->key, VerdictCode::quota, "the board is full");
  if (asks && (object.kind == ObjectKind::action || object.kind == ObjectKind::draft) && !may_inject(link.investigator))
    return verdict(seen->key, VerdictCode::quota, "too many actions in a short time: 20 at once, then 10 a minute");
  auto notice = verify_notice(object, membership_, now_.wall);
  if (!notice && notice.error().code == Code::later && !asks) {
    links_.send(link.id, 1, Want{{board_key(ObjectKind::roster, {})}}, *out_, "want-roster");
    return;
  }
  if (!notice) return verdict(seen->key, VerdictCode::refused, notice.error().text);
  if (auto* sink = std::get_if<SinkNotice>(&notice->content); sink && asks && sink->session.investigator != link.investigator)
    return verdict(seen->key, VerdictCode::refused, "a sink may only be announced by its investigator");
  if (const Action* action = action_of(*notice); action && !chunks_.room(*action))
    return verdict(seen->key, VerdictCode::quota, "this relay has no room for its attachments beside those of other actions");
  pin(*notice, object, &link);
  if (asks) promise_stored(link.id, seen->key);
  // Behind the verdict: who stops herself hears that it is stored.
  if (object.kind == ObjectKind::stop) promise([this](bool) { rights_changed(); });
}

void Relay::Inside::own_record(const Version& version) {
  if (!presence_.seen_elsewhere(version, now_)) return;
  tell(Level::alarm, "store_was_lost", {{"what", "a neighbour holds a newer record of this relay than its store did"}});
  books_.reset(presence_.instance(), presence_.reset_at(), now_);
}

/// A record in our name, shown by a neighbour. A fight is believed only of what our own key has signed.
void Relay::Inside::take_own(const Object& object, const Version& version) {
  auto record = unpack_relay_record(object.text);
  if (!record || object.signatures.size() != 1 || !verify(domain::object, object.text, object.signatures[0], keys_.sign_public())) return;
  const auto rival = presence_.rival_in(*record, now_.at);
  if (rival == Presence::Rival::stronger) return stand_aside(ByeCode::dup_id, "two machines have this relay's identity");
  if (rival == Presence::Rival::weaker) tell(Level::alarm, "cloned", {{"relay", setting_.name}, {"what", "another machine has this relay's identity; the other one is to stand aside"}});
  own_record(version);
}

/// Held is not yet stored: the disk may have refused it when it came first.
void Relay::Inside::promise_verdict(LinkId to, const BoardKey& key) {
  promise([this, to, key](bool ok) {
    links_.send(to, 1, Verdict{key, ok ? VerdictCode::stored : VerdictCode::quota, ok ? "" : "this relay's disk is full or failing"}, *out_, "v" + key);
  });
}

/// An action is not stored before its attachments are.
void Relay::Inside::promise_stored(LinkId to, const BoardKey& key) {
  if (auto action = may_have_chunks(key); !action || chunks_.complete(*action)) return promise_verdict(to, key);
  unsettled_.insert({to, key});
}

void Relay::Inside::take_chunk(LinkId from, BytesView chunk) {
  auto waiting = chunks_.take(chunk, from, now_.at);
  if (!waiting) return tell(Level::debug, "ignored", {{"what", "a chunk that nobody asked for"}});
  for (LinkId to : *waiting) give_chunk(to, chunk);
  for (const auto& [to, key] : std::exchange(unsettled_, {})) promise_stored(to, key);
}

/// In the class of bulk data: over its cap a frame is dropped, and asked for again.
void Relay::Inside::give_chunk(LinkId to, BytesView chunk) {
  links_.send(to, 3, Put{{{ObjectKind::chunk, Bytes(chunk), {}, {}}}}, *out_, "chunks");
}

void Relay::Inside::ask_for_chunks() {
  if (chunks_.wake() == Instant::never()) return;
  std::vector<LinkId> neighbours;
  for (const auto& [id, link] : links_.peers()) neighbours.push_back(id);
  for (auto& [to, want] : chunks_.ask(now_.at, neighbours)) links_.send(to, 2, want, *out_);
}

/// `from`: nullptr when it is our own or comes from our store.
void Relay::Inside::pin(const Notice& notice, const Object& object, const Link* from) {
  if (!board_.wants(notice.key, notice.version)) return;
  const bool fresh = from != nullptr || object.kind == ObjectKind::relay;
  board_.pin(notice.key, {object, notice.version, notice.expires}, fresh);
  if (from) flood(notice.key, object, from);
  if (const Action* action = action_of(notice)) {
    chunks_.open(*action);
    if (from) chunks_.prefer(key_of(action->id), from->id);
  }
  if (std::holds_alternative<StopNotice>(notice.content)) return take_stop(notice, object, from == nullptr);
  if (auto* admission = std::get_if<Admission>(&notice.content)) {
    board_.drop(board_key(ObjectKind::draft, admission->action.id.view()));
    if (from) tell(Level::info, "action", {{"action", admission->action.id.brief()}, {"name", admission->action.name}, {"from", from->name}});
    books_.open(*admission, {object.text, object.signatures}, cancel_of(admission->action.id, admission->signers), sinks_, now_);
  } else if (auto* cancel = std::get_if<CancelAdmission>(&notice.content)) {
    if (from) tell(Level::info, "cancel", {{"action", cancel->cancel.action.brief()}, {"from", from->name}});
    cancels_[cancel->cancel.action][notice.key] = cancel->by;
    Account* account = books_.find(key_of(cancel->cancel.action));
    if (auto order = account ? cancel_of(cancel->cancel.action, account->signers) : std::nullopt) books_.cancel(*account, *order, now_);
  } else if (auto* relay = std::get_if<RelayNotice>(&notice.content)) {
    relays_[relay->record.relay] = relay->certificate;
    const auto held = map_.records().find(relay->record.relay);
    const bool changed = held == map_.records().end() || held->second.neighbours != relay->record.neighbours ||
                         held->second.instance != relay->record.instance;
    map_.put(relay->record);
    if (changed) way_opened();
  } else if (auto* sink = std::get_if<SinkNotice>(&notice.content)) {
    if (auto departed = departed_.find(sink->record.sink); departed != departed_.end()) {
      if (sink->record.relay == keys_.id() && sink->record.epoch <= departed->second) return;
      departed_.erase(departed);
    }
    auto held = sinks_.find(sink->record.sink);
    const bool anew = held == sinks_.end() || held->second.record.epoch != sink->record.epoch || held->second.record.relay != sink->record.relay;
    sinks_[sink->record.sink] = *sink;
    sinks_[sink->record.sink].until = now_.at + limits::sink_life;
    if (anew) books_.reader(*sink, now_);
  }
}

/// The cancel of an action, by someone who may, if there is one: it may have come before the action.
std::optional<Object> Relay::Inside::cancel_of(const ActionId& action, const std::vector<Fingerprint>& signers) const {
  if (auto held = cancels_.find(action); held != cancels_.end())
    for (const auto& [key, by] : held->second)
      if (const Pinned* pinned = board_.find(key); pinned && may_cancel(by, signers, *membership_.roster())) return pinned->object;
  return {};
}

void Relay::Inside::way_opened() {
  chunks_.way_opened();
  books_.hurry(now_);
  outbox_.hurry(now_.at);
}

void Relay::Inside::publish_own_record() {
  auto record = presence_.due(now_);
  if (!record) return;
  Object object{ObjectKind::relay, pack(*record), {}, membership_.certificate()};
  object.signatures.push_back(keys_.sign(domain::object, object.text));
  const BoardKey key = board_key(ObjectKind::relay, keys_.id().view());
  const Version version{record->instance, record->n};
  if (!board_.wants(key, version)) return;
  map_.put(*record);
  way_opened();
  relays_[keys_.id()] = *read_certificate(membership_.certificate());
  board_.pin(key, {object, version, record->expires}, true);
  // Its version is on disk before anyone sees it: a later boot must know what it has said.
  // A newer one that a repair has shown in between must not be followed by this one.
  promise([this, key, object, version](bool ok) {
    const Pinned* held = board_.find(key);
    if (ok && held && held->version == version) flood(key, object, nullptr);
  });
}

/// To every other relay link, and to investigators what concerns them.
void Relay::Inside::flood(const BoardKey& key, const Object& object, const Link* from) {
  if (object.kind == ObjectKind::sink)  // she hears that somebody speaks for her sink elsewhere
    if (const Link* reader = links_.find_sink(*SinkId::from(BytesView(key).substr(1))); reader && reader != from) links_.send(reader->id, 1, Put{{object}}, *out_, key);
  const LinkId source = from ? from->id : 0;
  std::vector<LinkId> to;
  const bool shown = object.kind == ObjectKind::relay || object.kind == ObjectKind::roster ||
                     object.kind == ObjectKind::stop || object.kind == ObjectKind::draft;
  for (const auto& [id, link] : links_.peers())
    if (id != source && (link->role == Role::relay || shown)) to.push_back(id);
  for (LinkId id : to) links_.send(id, 1, Put{{object}}, *out_, key);
}

void Relay::Inside::sync(Link& link, std::uint32_t kinds) {
  synced_at_[link.id] = now_.at;
  const auto digests = board_.digests(kinds);
  std::size_t at = 0;
  do {
    Sync frame;
    frame.kinds = kinds;
    const std::size_t end = std::min(digests.size(), at + digests_per_frame);
    frame.digests.assign(digests.begin() + static_cast<std::ptrdiff_t>(at), digests.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
    frame.last = at == digests.size();
    links_.send(link.id, 1, frame, *out_);
  } while (at < digests.size());
}

void Relay::Inside::take(Link& link, const Sync& sync_frame) {
  auto& collected = syncing_[link.id];
  if (collected.size() + sync_frame.digests.size() > limits::board_objects) return bye(link.id, ByeCode::quota, "a digest of more than the board can hold");
  collected.insert(collected.end(), sync_frame.digests.begin(), sync_frame.digests.end());
  if (!sync_frame.last) return;
  std::map<BoardKey, Version> theirs;
  for (auto& digest : std::exchange(collected, {})) theirs[digest.key] = digest.version;
  const BoardKey own = board_key(ObjectKind::relay, keys_.id().view());
  if (auto mine = theirs.find(own); mine != theirs.end()) own_record(mine->second);
  std::vector<BoardKey> lacking;
  for (const auto& digest : board_.digests(sync_frame.kinds)) {
    auto it = theirs.find(digest.key);
    // Of two rosters of one version both ends see both: that is how a fork comes to light.
    const bool fork = it != theirs.end() && digest.key == board_key(ObjectKind::roster, {}) && it->second.major == digest.version.major && it->second != digest.version;
    if (it == theirs.end() || it->second < digest.version || fork) lacking.push_back(digest.key);
  }
  give(link, lacking);
  if (link.role == Role::investigator) sync(link, sync_frame.kinds);
  link.synced = true;
  way_opened();
}

void Relay::Inside::take(Link& link, const Want& want) {
  for (const auto& key : want.keys) {
    if (key[0] != static_cast<char>(ObjectKind::chunk)) continue;
    if (auto chunk = chunks_.find(key))
      give_chunk(link.id, *chunk);
    else
      chunks_.awaited(key, link.id);
  }
  if (link.role != Role::agent) return give(link, want.keys);
  // Agents may ask for the roster and for chunks alone: actions are offered to them.
  if (std::find(want.keys.begin(), want.keys.end(), board_key(ObjectKind::roster, {})) != want.keys.end())
    give(link, {board_key(ObjectKind::roster, {})});
}

void Relay::Inside::give(Link& link, const std::vector<BoardKey>& keys) {
  Put put;
  std::size_t bytes = 0;
  for (const auto& key : keys) {
    const Pinned* pinned = board_.find(key);
    if (!pinned) continue;
    if (bytes + pinned->object.text.size() > put_bytes && !put.objects.empty()) {
      links_.send(link.id, 1, std::exchange(put, {}), *out_);
      bytes = 0;
    }
    bytes += pinned->object.text.size() + pinned->object.author.size() + 1024;
    put.objects.push_back(pinned->object);
  }
  if (!put.objects.empty()) links_.send(link.id, 1, put, *out_);
}

void Relay::Inside::expire() {
  for (auto sink = sinks_.begin(); sink != sinks_.end();) {
    const auto& [id, notice] = *sink++;
    if (notice.until <= now_.at) forget_reader(id);
  }
  if (now_.wall < board_.next_expiry()) return;
  for (const auto& key : board_.expire(now_.wall)) gone(key);
}

/// What followed from a notice that stands on the board no more.
void Relay::Inside::gone(const BoardKey& key) {
    if (key[0] == static_cast<char>(ObjectKind::relay)) {
      const NodeId relay = *NodeId::from(BytesView(key).substr(1));
      map_.erase(relay);
      relays_.erase(relay);
    } else if (key[0] == static_cast<char>(ObjectKind::sink)) {
      const SinkId sink = *SinkId::from(BytesView(key).substr(1));
      departed_.erase(sink);
      forget_reader(sink);
    } else if (key[0] == static_cast<char>(ObjectKind::action) ||
               (key[0] == static_cast<char>(ObjectKind::draft) && !board_.find(board_key(ObjectKind::action, BytesView(key).substr(1))))) {
      chunks_.forget(*ActionKey::from(BytesView(key).substr(1)));
    } else if (key[0] == static_cast<char>(ObjectKind::cancel)) {
      for (auto& [action, held] : cancels_) held.erase(key);
      std::erase_if(cancels_, [](const auto& entry) { return entry.second.empty(); });
    }
}

bool Relay::Inside::may_inject(const Fingerprint& investigator) {
  Tokens& tokens = tokens_.try_emplace(investigator, Tokens{static_cast<double>(limits::inject_burst), now_.at}).first->second;
  tokens.left = std::min<double>(limits::inject_burst, tokens.left + static_cast<double>((now_.at - tokens.at).us) * limits::inject_per_minute / 60e6);
  tokens.at = now_.at;
  if (tokens.left < 1) return false;
  tokens.left -= 1;
  return true;
}

}  // namespace mig::relay
