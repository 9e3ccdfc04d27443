// leans on: node
// A whole agent whose relay was taken over: it proves its key and then says anything at any moment.
#include "node/agent.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/machine_script.h"
#include "tests/fuzz/made_up_mesh.h"

using namespace mig;
using namespace mig::fuzz;

namespace {

Bytes enrolled(const Bytes& certificate, const SignedText& roster) {
  Random random(seed_of("answer"));
  return encode(Enrolled{seal(write_enrol_answer({certificate, roster, {}}), mesh().agent.link_public(), random)});
}

Bytes welcome(std::uint64_t roster_version) {
  Welcome out;
  out.certificate = mesh().certificate(mesh().relay, Role::relay);
  out.session = 1;
  out.now = began;
  out.window = limits::agent_window;
  out.beat_s = 30;
  out.herd_ms = 100;
  out.roster_version = roster_version;
  out.peers = {"tcp://10.0.0.2:7447#" + mesh().other_relay.link_public().hex()};
  return encode(out);
}

}  // namespace

const std::vector<Peer>& peers_of_agent() {
  const Mesh& m = mesh();
  static const std::vector<Peer> all{
      {m.relay.link_public(),
       {enrolled(m.certificate(m.agent, Role::agent), m.roster), welcome(1), encode(Put{{m.action_object()}}), encode(Put{{m.roster_object(2)}}),
        encode(Put{{m.roster_object(1), m.action_object(), m.action_object()}}), encode(Acks{{m.key()}, {}, {}}), encode(Acks{{}, {m.key()}, {}}),
        encode(Acks{{}, {}, {{m.key(), AckCode::full, 5}}}), encode(Beat{1, began, 1000, {}}), encode(Bye{ByeCode::busy, 100, 5, {"tcp://10.0.0.3:7447#" + m.relay.link_public().hex()}, "busy"}),
        enrolled(m.certificate(m.other_relay, Role::agent), m.roster), encode(Hello{}), encode(Sync{})}}};
  return all;
}

MIG_FUZZ(agent) {
  node::AgentSetting setting;
  setting.trust = mesh().trust;
  setting.seed = seed_of("agent");
  setting.relays = {{"tcp://10.0.0.1:7447", mesh().relay.link_public()}};
  setting.joining = Joining{mesh().enroller.sign_public(), mesh().invite(Role::agent), seed_of("invited")};
  setting.name = "agent-1";
  setting.facts.name = "agent-1";
  setting.modules = {"file"};
  store::MemoryStore store;
  node::Agent machine(setting, store, seed_of("random"));
  Life(machine, store, peers_of_agent(), false, began).play(Script(input));
}
