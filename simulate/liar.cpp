#include "simulate/liar.h"

#include <algorithm>

#include "node/core/json.h"
#include "node/core/links.h"

namespace mig::simulate {

using namespace core;

namespace {
constexpr std::uint32_t made_up = 2;             // answers, agents
constexpr std::uint64_t another_instance = 7;    // a segment of the log that never was
constexpr std::size_t frames_remembered = 200, replay_every = 5;
}

const std::vector<std::string>& Liar::lies() {
  static const std::vector<std::string> all{"claims-answers", "invents-agents", "fakes-done", "lists-all-relays", "speaks-version-2", "drops-actions", "replays", "steals-agents"};
  return all;
}

void Liar::twist(const Input& input, Effects& effects) {
  Effects more;
  for (auto& effect : effects) {
    auto* send = std::get_if<Send>(&effect.what);
    auto message = send ? decode(send->frame) : Result<Message>(invalid("none"));
    if (!message) continue;
    if (auto frame = added(send->to, *message, send->frame)) more.push_back({Send{send->to, *frame}, false});
    if (auto* route = std::get_if<Route>(&*message))
      if (auto forged = invented(*route)) more.push_back({Send{send->to, encode(*forged)}, false});
    if (twist(*message)) send->frame = encode(*message);
  }
  for (auto& effect : more) effects.push_back(std::move(effect));
  std::erase_if(effects, [this](const Effect& effect) {
    auto* send = std::get_if<Send>(&effect.what);
    auto message = send ? decode(send->frame) : Result<Message>(invalid("none"));
    return message && dropped(send->to, *message);
  });
  if (lie_ == "fakes-done") acknowledge(input, effects);
}

bool Liar::twist(Message& message) {
  if (auto* hello = std::get_if<Hello>(&message); hello && lie_ == "speaks-version-2") return hello->protocol_low = hello->protocol_high = 2, true;
  if (auto* put = std::get_if<Put>(&message); put && lie_ == "lists-all-relays") return twist(*put);
  if (auto* route = std::get_if<Route>(&message)) return twist(*route);
  return false;
}

/// Its own record says that it is linked with everybody.
bool Liar::twist(Put& put) {
  bool any = false;
  for (auto& object : put.objects) {
    auto record = object.kind == ObjectKind::relay ? unpack_relay_record(object.text) : Result<RelayRecord>(invalid("none"));
    if (!record || record->relay != keys_.id()) continue;
    record->neighbours.clear();
    for (std::size_t i = 0; i < fleet_.relays(); ++i)
      if (fleet_.relay(i) != self_) record->neighbours.emplace_back(fleet_.relay_id(i), 1);
    object.text = pack(*record);
    object.signatures = {keys_.sign(domain::object, object.text)};
    any = true;
  }
  return any;
}

/// Its rows count answers that nobody gave, or that its log holds of agents whom nobody enrolled.
bool Liar::twist(Route& route) {
  auto routed = decode_routed(route.payload);
  auto* tally = routed ? std::get_if<Tally>(&*routed) : nullptr;
  if (!tally || (lie_ != "claims-answers" && lie_ != "invents-agents")) return false;
  for (auto& signed_row : tally->rows) {
    auto row = unpack_row(signed_row.row);
    if (!row || row->relay != keys_.id()) continue;
    row->answered += made_up;
    if (lie_ == "invents-agents") row->log.push_back({another_instance, made_up});
    signed_row.row = pack(*row);
    signed_row.signature = keys_.sign(domain::row, signed_row.row);
  }
  route.payload = encode_routed(*routed);
  return true;
}

/// Answers of two more agents in another segment of its log. All is right about them but that it certified the two itself.
std::optional<Route> Liar::invented(const Route& route) {
  auto routed = decode_routed(route.payload);
  auto* replies = routed ? std::get_if<Replies>(&*routed) : nullptr;
  if (lie_ != "invents-agents" || !replies || replies->relay != keys_.id() || replies->entries.empty()) return {};
  auto certificate = read_certificate(replies->entries[0].certificate);
  auto header = read_reply_header(replies->entries[0].reply.header);
  replies->from = {another_instance, 0};
  replies->entries.clear();
  for (char agent = 1; agent <= static_cast<char>(made_up); ++agent) {
    const Seed seed = *Seed::from(Bytes(32, agent));
    const Keys nobody(seed);
    Random random(seed);
    certificate->sign_key = nobody.sign_public();
    certificate->link_key = nobody.link_public();
    header->agent = nobody.id();
    header->state = State::not_targeted;
    replies->entries.push_back({make_reply(*header, {}, {}, nobody, random), issue(*certificate, keys_)});
  }
  Route out = route;
  out.payload = encode_routed(*routed);
  out.signature = keys_.sign(domain::route, route_signing_text(out));
  return out;
}

/// Its agents are never given an action.
bool Liar::dropped(LinkId to, const Message& message) const {
  auto* put = std::get_if<Put>(&message);
  if (lie_ != "drops-actions" || !put || std::none_of(put->objects.begin(), put->objects.end(), [](const Object& object) { return object.kind == ObjectKind::action; })) return false;
  const auto other = fleet_.world().other_end(self_, to);
  return other && fleet_.is_agent(other->first);
}

/// What it says to another relay on top of what its machine says.
std::optional<Bytes> Liar::added(LinkId to, const Message& message, const Bytes& frame) {
  const auto other = fleet_.world().other_end(self_, to);
  if (!other || !fleet_.is_relay(other->first)) return {};
  if (lie_ == "steals-agents" && std::holds_alternative<Beat>(message)) return stolen(other->first);
  if (lie_ != "replays" || (!std::holds_alternative<Put>(message) && !std::holds_alternative<Route>(message))) return {};
  said_.push_back(frame);
  if (said_.size() > frames_remembered) said_.pop_front();
  if (++turns_ % replay_every != 0) return {};
  return said_[turns_ * 31 % said_.size()];
}

std::optional<Bytes> Liar::stolen(NodeIndex from) {
  for (std::size_t i = 0; i < fleet_.agents(); ++i)
    if (auto frame = forged_handover(fleet_, self_, fleet_.agent(++turns_ % fleet_.agents()), from)) return frame;
  return {};
}

std::optional<Bytes> Liar::forged_handover(Fleet& fleet, NodeIndex thief, NodeIndex agent, NodeIndex from) {
  const Keys keys = fleet.keys_of(thief);
  const auto entry = fleet.world().disk(from).get("r/" + fleet.node_id(agent).bytes());
  auto json = entry ? parse_json(*entry, 64 * 1024) : Result<Json>(invalid("none"));
  auto certificate = from_base64(json ? json->value("certificate", "") : "");
  if (!certificate || certificate->empty()) return {};
  const WallMs now = fleet.world().now().wall;
  const Ticket ticket{fleet.node_id(agent), static_cast<std::uint64_t>(now) + 1, link_name_of(keys.link_public()), now};
  Route route;
  route.to = fleet.node_id(from);
  route.ttl = 1;
  route.payload = encode_routed(Handover{ticket.agent, write_ticket(ticket, keys), *certificate});
  return encode(route);
}

/// Tells an agent that a reader holds its answer as soon as it has come.
void Liar::acknowledge(const Input& input, Effects& effects) {
  auto* heard = std::get_if<Heard>(&input);
  auto message = heard ? decode(heard->frame) : Result<Message>(invalid("none"));
  auto* result = message ? std::get_if<ResultFrame>(&*message) : nullptr;
  if (!result || result->running) return;
  auto header = read_reply_header(result->reply.header);
  if (!header) return;
  fleet_.falsely_done(header->agent, key_of(header->action));
  effects.push_back({Send{heard->from, encode(Acks{{}, {key_of(header->action)}, {}})}, false});
}

}  // namespace mig::simulate
