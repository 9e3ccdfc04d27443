// leans on: relay
// A whole relay among strangers: peers with valid papers and without, saying anything at any moment.
#include "relay/relay.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/machine_script.h"
#include "tests/fuzz/made_up_mesh.h"

using namespace mig;
using namespace mig::fuzz;

namespace {

Hello hello(Role role, Bytes proof) {
  Hello out;
  out.role = role;
  out.proof = std::move(proof);
  out.boot_nonce = 7;
  out.now = began;
  out.window = limits::agent_window;
  return out;
}

Bytes route(const Routed& routed, const NodeId& to, const SinkId& sub = {}) { return encode(Route{to, sub, 16, encode_routed(routed)}); }

Peer the_agent() {
  const Mesh& m = mesh();
  Hello first = hello(Role::agent, m.certificate(m.agent, Role::agent));
  first.ticket = write_ticket({m.agent.id(), 1, link_name_of(m.relay.link_public()), began}, m.agent);
  first.attributes = R"({"name":"agent-1","status":"online"})";
  Hello again = first;
  again.ticket = write_ticket({m.agent.id(), 2, link_name_of(m.relay.link_public()), began}, m.agent);
  again.held = {{m.key(), Journal::done}};
  again.maybe_at = {link_name_of(m.other_relay.link_public())};
  return {m.agent.link_public(),
          {encode(first), encode(again), encode(ResultFrame{{}, true, m.key()}), encode(ResultFrame{m.reply(), false, m.key()}),
           encode(ResultFrame{m.reply(State::refused), false, m.key()}), encode(Beat{1, began, 1000, {}}), encode(Want{{board_key(ObjectKind::roster, {})}}),
           encode(Bye{ByeCode::shutdown, 0, 0, {}, "bye"})}};
}

Peer the_relay() {
  const Mesh& m = mesh();
  const Bytes certificate = m.certificate(m.other_relay, Role::relay);
  RelayRecord record;
  record.relay = m.other_relay.id();
  record.instance = 1, record.n = 1, record.issued = began, record.expires = began + 60 * made_up::minute;
  record.name = "relay-2";
  record.neighbours = {{m.relay.id(), 1}};
  const Bytes text = pack(record);
  Object notice{ObjectKind::relay, text, {m.other_relay.sign(domain::object, text)}, certificate};
  Row row;
  row.action = m.key(), row.relay = m.other_relay.id(), row.version = {1, 1}, row.answered = 3, row.at = began, row.log = {{1, 3}};
  const Bytes packed_row = pack(row);
  const Bytes attach = write_ticket({m.agent.id(), 9, link_name_of(m.other_relay.link_public()), began}, m.agent);
  return {m.other_relay.link_public(),
          {encode(hello(Role::relay, certificate)), encode(Put{{notice}}), encode(Put{{m.action_object()}}), encode(Put{{m.roster_object(1), m.roster_object(2)}}),
           encode(Sync{0xffffffff, {{board_key(ObjectKind::action, m.key().view()), {0, 1}}, {board_key(ObjectKind::roster, {}), {3, 0}}}, true}),
           encode(Sync{}), encode(Want{{board_key(ObjectKind::roster, {}), board_key(ObjectKind::action, m.key().view())}}), encode(Beat{1, began, 0, {}}),
           route(Tally{{{packed_row, m.other_relay.sign(domain::row, packed_row)}}}, m.relay.id(), m.sink),
           route(Handover{m.agent.id(), attach, m.certificate(m.agent, Role::agent)}, m.relay.id()), route(Handed{m.agent.id(), 9, 1}, m.relay.id()),
           route(Replies{m.key(), m.other_relay.id(), {1, 0}, {{m.reply(), m.certificate(m.agent, Role::agent)}}}, m.relay.id(), m.sink),
           route(EnrolRouted{m.other_relay.id(), 1, {m.enroller.sign_public(), "sealed", m.agent.link_public()}}, m.relay.id()),
           route(Gone{m.sink, 1}, m.relay.id()),
           route(EnrolledRouted{first_inbound_link + 4, {"sealed"}}, m.relay.id()), encode(Verdict{board_key(ObjectKind::action, m.key().view()), VerdictCode::quota, "no"})}};
}

Peer the_investigator() {
  const Mesh& m = mesh();
  SinkRecord sink{m.sink, 1, 1, m.relay.id(), began, began + 60 * made_up::minute};
  const Bytes text = pack(sink);
  Object notice{ObjectKind::sink, text, {m.session.sign(domain::object, text)}, m.packed_session};
  const Bytes pull = pack(Pull{m.sink, 1, 1, {{m.key(), {{1, 0}}, 65536, {}}}});
  const Bytes ask = pack(Ask{m.sink, 1, m.key()});
  return {m.session.link_public(),
          {encode(hello(Role::investigator, m.packed_session)), encode(Put{{notice}}), encode(Put{{m.action_object()}}), encode(Put{{m.roster_object(2)}}),
           encode(Sync{1u << 3, {}, true}), route(SignedPull{pull, m.session.sign(domain::pull, pull)}, m.relay.id()),
           route(SignedAsk{ask, m.session.sign(domain::pull, ask)}, m.relay.id()), route(SignedPull{pull, m.session.sign(domain::pull, pull)}, m.other_relay.id())}};
}

Peer a_newcomer() {
  const Mesh& m = mesh();
  Random random(seed_of("newcomer"));
  const Keys keys(seed_of("newcomer keys"));
  const EnrolRequest request{m.invite(Role::agent), keys.sign_public(), keys.link_public(), "agent-9", "plant", {}};
  const Enrol enrol{m.enroller.sign_public(), seal(write_enrol_request(request, seed_of("invited"), keys), *link_public_of(m.enroller.sign_public()), random),
                    keys.link_public()};
  return {keys.link_public(), {encode(enrol), encode(Enrol{m.relay.sign_public(), "sealed", keys.link_public()}), encode(hello(Role::agent, "no certificate"))}};
}

}  // namespace

const std::vector<Peer>& peers_of_relay() {
  static const std::vector<Peer> all{the_agent(), the_relay(), the_investigator(), a_newcomer()};
  return all;
}

MIG_FUZZ(relay) {
  relay::RelaySetting setting;
  setting.trust = mesh().trust;
  setting.seed = seed_of("relay");
  setting.name = "relay-1";
  setting.enroller_seed = seed_of("enroller");
  setting.roster = mesh().roster;
  setting.agents_max = 2;
  store::MemoryStore store;
  relay::Relay machine(setting, store, seed_of("random"));
  Life(machine, store, peers_of_relay(), true, began).play(Script(input));
}
