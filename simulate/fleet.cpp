#include "simulate/fleet.h"

#include <fmt/format.h>

#include <algorithm>

#include "node/core/cancel.h"
#include "relay/notice.h"
#include "node/core/limits.h"

namespace mig::simulate {

using namespace core;

namespace {

constexpr std::size_t bootstrap_relays = 16;  // that an agent is told of
constexpr WallMs day = 24LL * 3600 * 1000;
constexpr WallMs beginning = 20'600 * day;  // 2026-05-27: simulated clocks begin here

std::vector<std::string> even_ones_find(NodeIndex node, const std::vector<Operation>& operations) {
  const bool found = node % 2 == 0;
  return std::vector<std::string>(operations.size(), fmt::format(R"({{"foundanything":{},"success":true,"elements":"{}","statistics":null,"errors":null}})", found, fleet_taint));
}

}  // namespace

Fleet::Fleet(FleetPlan plan)
    : plan_(std::move(plan)),
      world_(plan_.seed, beginning, plan_.work ? plan_.work : even_ones_find),
      person_(seed("person"), beginning - 100 * day),
      enroller_(seed("enroller")),
      membership_({}) {
  make_roster();
  for (std::size_t i = 0; i < plan_.relays; ++i) endpoints_.push_back({fmt::format("tcp://10.0.0.{}:7447", i + 1), Keys(seed("relay", i)).link_public()});
  for (std::size_t i = 0; i < plan_.relays; ++i) add_relay(i);
  for (std::size_t i = 0; i < plan_.agents; ++i) add_agent(i);
  add_investigator();
}

Seed Fleet::seed(std::string_view what, std::size_t i) const {
  return *Seed::from(blake2b(fmt::format("fleet {} {} {}", plan_.seed, what, i), Seed::size));
}

void Fleet::make_roster() {
  trust_ = {{}, "simulated", {person_.public_key()}, 1};
  trust_.mesh = mesh_id_of(trust_.roots, trust_.threshold);
  roster_.mesh = trust_.mesh;
  roster_.version = 1;
  roster_.issued = beginning - day;
  roster_.expires = beginning + 300 * day;
  roster_.investigators.push_back({"ann", person_.fingerprint(), {person_.public_key()}, true});
  roster_.access["default"].weights[person_.fingerprint()] = 1;
  roster_.access["agentdestroy"] = roster_.access["default"];
  roster_.enrollers.push_back(enroller_.sign_public());
  signed_roster_.text = canonical_json(to_json(roster_));
  signed_roster_.signatures.push_back(person_.sign(roster_signing_text(signed_roster_.text), beginning - day));
  membership_ = Membership(trust_);
  (void)membership_.adopt(signed_roster_, beginning);
}

Bytes Fleet::invite(Role role, std::size_t i) const {
  Invite invite;
  invite.id = blake2b(fmt::format("invite {} {}", static_cast<int>(role), i), 16);
  invite.role = role;
  invite.key = Keys(seed("invite", i * 4 + static_cast<std::size_t>(role))).sign_public();
  invite.not_after = beginning + day;
  return write_invite(invite, enroller_);
}

void Fleet::add_relay(std::size_t i) {
  relay::RelaySetting setting;
  setting.trust = trust_;
  setting.seed = seed("relay", i);
  setting.name = plan_.relay_names.empty() ? fmt::format("relay-{}", i + 1) : plan_.relay_names[i];
  setting.segment = i == 0 ? "hq" : "plant";
  setting.agents_max = limits::agents_per_relay;
  setting.retention_ms = plan_.retention_ms;
  setting.certificate_life_ms = plan_.certificate_life_ms;
  ids_[relays_.size()] = Keys(setting.seed).id();
  if (i == 0) {
    setting.enroller_seed = seed("enroller");
    setting.roster = signed_roster_;
  } else {
    if (!plan_.only_dialled.contains(i)) setting.dial.push_back(endpoints_[plan_.parent_of(i)]);
    setting.joining = Joining{enroller_.sign_public(), invite(Role::relay, i), seed("invite", i * 4 + static_cast<std::size_t>(Role::relay))};
  }
  for (std::size_t child : plan_.only_dialled)
    if (plan_.parent_of(child) == i) setting.dial.push_back(endpoints_[child]);
  for (auto [from, to] : plan_.more_dials)
    if (from == i) setting.dial.push_back(endpoints_[to]);
  const Endpoint own = endpoints_[i];
  relays_.push_back(world_.add({setting.name, own.address, own.key, [setting, own](store::Store& store, const Seed& random) -> std::unique_ptr<Machine> {
                                  auto machine = std::make_unique<relay::Relay>(setting, store, random);
                                  machine->reachable_at({own});
                                  return machine;
                                }}));
}

void Fleet::add_agent(std::size_t i) {
  node::AgentSetting setting;
  setting.trust = trust_;
  setting.seed = seed("agent", i);
  setting.name = plan_.agent_names.empty() ? fmt::format("agent-{}", i + 1) : plan_.agent_names[i];
  ids_[relays_.size() + agents_.size()] = Keys(setting.seed).id();
  setting.modules = {plan_.operation.module};
  setting.tags["role"] = plan_.role_of(i);
  setting.facts.name = setting.name;
  setting.facts.tags = setting.tags;
  setting.facts.environment["os"] = "linux";
  for (std::size_t r = 0; plan_.homes.empty() && r < std::min(plan_.relays, bootstrap_relays); ++r) setting.relays.push_back(endpoints_[(i + r) % plan_.relays]);
  for (std::size_t r : plan_.homes.empty() ? std::vector<std::size_t>{} : plan_.homes[i]) setting.relays.push_back(endpoints_[r]);
  setting.joining = Joining{enroller_.sign_public(), invite(Role::agent, i), seed("invite", i * 4 + static_cast<std::size_t>(Role::agent))};
  agents_.push_back(world_.add({setting.name, "", Keys(setting.seed).link_public(), [setting](store::Store& store, const Seed& random) -> std::unique_ptr<Machine> {
                                  return std::make_unique<node::Agent>(setting, store, random);
                                }}));
}

investigator::InvestigatorSetting Fleet::investigator_setting(std::size_t at) const {
  investigator::InvestigatorSetting setting;
  setting.trust = trust_;
  setting.roster = signed_roster_;
  setting.session_seed = seed("session");
  const Keys keys(setting.session_seed);
  setting.sink = *SinkId::from(blake2b(ledgers_ == 0 ? "sink" : fmt::format("sink {}", ledgers_), SinkId::size));
  const Session session{person_.fingerprint(), keys.link_public(), keys.sign_public(), setting.sink, beginning + day / 2};
  SignedText text{session_text(session), {}};
  text.signatures.push_back(person_.sign(session_signing_text(text.text), beginning - 1000));
  setting.session = pack_session(text);
  setting.relays.push_back(endpoints_[at]);
  setting.known_relays = forgotten_;
  return setting;
}

void Fleet::add_investigator() {
  investigator_ = world_.add({"mig", "", Keys(seed("session")).link_public(), [this](store::Store&, const Seed& random) -> std::unique_ptr<Machine> {
                                auto setting = investigator_setting(attach_at_);
                                // What a ledger would have kept of earlier processes.
                                for (std::size_t i = ledger_begins_; i < world_.kept().size(); ++i) {
                                  const Record& record = world_.kept()[i].second;
                                  if (auto* epoch = std::get_if<KeepEpoch>(&record)) setting.epoch = std::max(setting.epoch, epoch->epoch);
                                  if (auto* agent = std::get_if<KeepAgent>(&record)) {
                                    std::erase_if(setting.known_agents, [&](const auto& known) { return known.agent == agent->agent; });
                                    setting.known_agents.push_back({agent->agent, agent->name, agent->home, agent->online, agent->seen, agent->attributes});
                                  }
                                }
                                return std::make_unique<investigator::Investigator>(setting, random);
                              }});
}

bool Fleet::settle(Duration limit) {
  auto ready = [this](std::size_t i) { return !world_.alive(agents_[i]) || agent_machine(i).attached(); };
  std::size_t first_away = 0;  // asked after every step: begin with the one that was away last
  Instant next{};
  return world_.run(
      [&] {
        if (world_.now().at < next) return false;
        next = world_.now().at + Duration::millis(10);
        while (first_away < agents_.size() && ready(first_away)) ++first_away;
        if (first_away < agents_.size() || !mig().synced()) return false;
        for (std::size_t i = 0; i < agents_.size(); ++i)
          if (!ready(i)) return first_away = i, false;
        const auto seen = mig().relays();
        return static_cast<std::size_t>(std::count_if(seen.begin(), seen.end(), [](const auto& relay) { return relay.reachable; })) == plan_.relays;
      },
      limit);
}

Fleet::Question Fleet::question(const std::string& target, WallMs valid_ms, std::size_t attached) {
  Action action;
  std::vector<Enclosed> enclosed;
  action.name = "a question";
  action.target = target;
  action.operations.push_back(plan_.operation);
  if (attached > 0) {
    Bytes content;  // it compresses to half
    for (std::size_t i = 0; content.size() < attached; ++i) content += to_hex(blake2b(fmt::format("line {} {}", questions_, i), 32)) + "\n";
    enclosed.push_back(enclose("list.txt", content.substr(0, attached)));
    action.attachments.push_back(enclosed[0].attachment);
    action.operations[0].parameters["list"] = {{"attachment", "list.txt"}, {"as", "lines"}};
  }
  action.valid_from = (world_.now().wall - 60'000) / 1000 * 1000;
  action.expire_after = action.valid_from + 60'000 + valid_ms;
  action.mesh = trust_.mesh;
  action.nonce = blake2b(fmt::format("nonce {} {}", plan_.seed, ++questions_), 16);
  action.roster_version = 1;
  action.readers = {person_.fingerprint()};
  Random random(seed("reply key", questions_));
  const ReplyKeys keys = make_reply_keys(random);
  action.reply_key = keys.key;
  Question out{{}, {canonical_json(to_json(action)), {}}, keys.secret, std::move(enclosed)};
  out.id = action_id_of(out.signed_action.text);
  out.signed_action.signatures.push_back(person_.sign(action_signing_text(out.signed_action.text), world_.now().wall));
  return out;
}

ActionId Fleet::ask(const Question& question) {
  world_.post(investigator_, Asked{Launch{question.signed_action, question.reply_secret, question.enclosed}});
  return question.id;
}

void Fleet::stop_investigator() {
  const WallMs now = world_.now().wall / 1000 * 1000;
  Object object{ObjectKind::stop, canonical_json(to_json(StopOrder{trust_.mesh, person_.fingerprint(), now, now + day, "key lost"})), {}, {}};
  object.signatures.push_back(person_.sign(stop_signing_text(object.text), world_.now().wall));
  world_.post(investigator_, Asked{Publish{object}});
}

void Fleet::cancel(const ActionId& id, const std::string& reason) {
  Cancel cancel{id, trust_.mesh, world_.now().wall / 1000 * 1000, world_.now().wall / 1000 * 1000 + day, reason};
  Object object{ObjectKind::cancel, canonical_json(to_json(cancel)), {}, {}};
  object.signatures.push_back(person_.sign(cancel_signing_text(object.text), world_.now().wall));
  world_.post(investigator_, Asked{Publish{object}});
}

bool Fleet::run_until_complete(const ActionId& id, Duration limit) {
  return world_.run([&] { return statement(id).complete; }, limit);
}

void Fleet::restart_investigator(std::size_t at, const std::vector<Question>& questions) {
  if (world_.alive(investigator_)) {
    if (mig().copied()) ++ledgers_;  // as `mig` does: another sink, the same ledger
    world_.crash(investigator_);
  }
  attach_at_ = at;
  world_.start(investigator_);
  for (const auto& question : questions) world_.post(investigator_, Asked{follow(question)});
}

void Fleet::forget(std::size_t i) {
  forgotten_.push_back({relay_id(i), world_.name_of(relays_[i]), "", world_.now().wall, true, {}});
}

/// What a ledger would have kept of this action.
Follow Fleet::follow(const Question& question) const {
  Follow out{question.id, question.signed_action, question.reply_secret, {}, {}, {}, question.enclosed};
  const ActionKey key = key_of(question.id);
  std::map<std::pair<NodeId, std::uint64_t>, std::uint64_t> cursors;
  std::map<NodeId, Version> rows;
  for (std::size_t i = ledger_begins_; i < world_.kept().size(); ++i) {
    const Record& record = world_.kept()[i].second;
    if (auto* cursor = std::get_if<KeepCursor>(&record); cursor && cursor->action == key) {
      std::uint64_t& next = cursors[{cursor->relay, cursor->next.instance}];
      next = std::max(next, cursor->next.index);
    }
    if (auto* receipt = std::get_if<KeepReceipt>(&record); receipt && receipt->action == key)
      out.receipts.push_back({receipt->agent, receipt->part, receipt->parts, receipt->state, receipt->relay});
    if (auto* kept = std::get_if<KeepRow>(&record); kept && kept->action == key)
      if (auto row = unpack_row(kept->row)) rows[kept->relay] = std::max(rows[kept->relay], row->version);
  }
  out.rows.assign(rows.begin(), rows.end());
  for (const auto& [place, next] : cursors) out.cursors.push_back({key, place.first, {place.second, next}});
  return out;
}

std::map<BoardKey, Version> Fleet::board_of(std::size_t relay_index) const {
  std::map<BoardKey, Version> out;
  const_cast<World&>(world_).disk(relays_[relay_index]).scan("b/", [&](BytesView, BytesView value) {
    if (auto object = unpack_object(value))
      if (auto seen = relay::preview(*object)) out[seen->key] = seen->version;
    return true;
  });
  return out;
}

std::string Fleet::board_difference(std::size_t relay_index) const {
  const auto board = board_of(0), other = board_of(relay_index);
  std::map<BoardKey, std::pair<const Version*, const Version*>> both;
  for (const auto& [key, version] : board) both[key].first = &version;
  for (const auto& [key, version] : other) both[key].second = &version;
  auto text = [](const Version* version) { return version ? fmt::format("{}.{}", version->major, version->minor) : std::string("none"); };
  for (const auto& [key, versions] : both)
    if (!versions.first || !versions.second || *versions.first != *versions.second)
      return fmt::format("relay-{} holds another board than relay-1: of {}, version {} and {}", relay_index + 1, to_hex(BytesView(key).substr(0, 5)), text(versions.second), text(versions.first));
  return {};
}

std::string Fleet::lacking(const std::vector<Question>& questions) {
  for (std::size_t i = 0; i < agents_.size(); ++i)
    if (!agent_machine(i).attached()) return fmt::format("agent-{} is not attached", i + 1);
  for (std::size_t i = 1; i < relays_.size(); ++i)
    if (auto difference = board_difference(i); !difference.empty()) return difference;
  const auto homes = homes_of_agents();
  std::size_t ghosts = 0;
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    if (!has_home(agents_[i], homes[i])) return fmt::format("agent-{} is in {} registers", i + 1, homes[i]);
    ghosts += homes[i] - 1;
  }
  for (const auto& question : questions)
    if (auto without = lacking_of(question, ghosts); !without.empty()) return without;
  return {};
}

std::string Fleet::lacking_of(const Question& question, std::size_t ghosts) {
  const Statement now = statement(question.id);
  std::size_t lost = 0;
  if (const auto told = falsely_done_.find(key_of(question.id)); told != falsely_done_.end()) {
    const auto held = receipts(question.id);
    lost = static_cast<std::size_t>(std::count_if(told->second.begin(), told->second.end(), [&](const NodeId& agent) { return !held.contains(agent); }));
  }
  // What a copy of an agent has left behind, or a lie has destroyed, stands in the way of COMPLETE, and nothing else does.
  const bool excused = ghosts + lost > 0 && now.open + now.expired + now.unknown == 0 && now.relays_reporting == now.relays && now.offline + now.disputed <= ghosts + lost;
  if (now.complete ? lost > 0 && now.remarks.empty() : !excused)
    return fmt::format("{} is not complete: {} of {} answered, {} not targeted, {} open, {} offline, {} expired, {} unknown, {} disputed, {} of {} relays, {} left by copies, {} lost by a lie", question.id.brief(),
                       now.answered(), now.targeted(), now.not_targeted, now.open, now.offline, now.expired, now.unknown, now.disputed, now.relays_reporting, now.relays, ghosts, lost);
  const auto all = now.answered() + now.not_targeted + now.cancelled + now.refused;
  if (all + lost < agents_.size() || all > agents_.size() + ghosts) return fmt::format("{} says complete with {} of {} agents", question.id.brief(), all, agents_.size());
  return {};
}

std::vector<std::size_t> Fleet::homes_of_agents() {
  std::map<NodeId, std::size_t> homes;
  for (NodeIndex relay : relays_)
    world_.disk(relay).scan("r/", [&](BytesView key, BytesView) { return ++homes[*NodeId::from(key.substr(2))], true; });
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < agents_.size(); ++i) out.push_back(homes[agent_id(i)]);
  return out;
}

std::map<NodeId, State> Fleet::receipts(const ActionId& id, std::size_t* doubles) const {
  std::map<NodeId, State> out;
  for (const auto& [node, record] : world_.kept())
    if (auto* receipt = std::get_if<KeepReceipt>(&record); receipt && receipt->action == key_of(id))
      if (!out.emplace(receipt->agent, receipt->state).second && doubles) ++*doubles;
  return out;
}

std::vector<std::string> Fleet::told(std::string_view event) const {
  std::vector<std::string> out;
  for (const auto& [node, what] : world_.told())
    if (what.name == event) out.push_back(to_line(what));
  return out;
}

}  // namespace mig::simulate
