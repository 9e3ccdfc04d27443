// A mesh in memory for targets that step a whole machine: people, roster, certified relay, agent and investigator, and
// one valid frame of each kind that such a peer may send. Made once for a process.
#pragma once

#include <vector>

#include "node/core/links.h"
#include "node/core/message.h"
#include "node/core/soft_key.h"
#include "tests/core/made_up_people.h"

namespace mig::fuzz {

using namespace core;

constexpr WallMs began = made_up::now;

inline Seed seed_of(const char* what) { return *Seed::from(blake2b(what, Seed::size)); }

struct Mesh {
  SoftKey person = made_up::key_of_person("ann");
  Keys enroller{seed_of("enroller")}, relay{seed_of("relay")}, other_relay{seed_of("other relay")},
      agent{seed_of("agent")}, session{seed_of("session")}, invited{seed_of("invited")};
  Trust trust;
  SignedText roster, action;
  SinkId sink = *SinkId::from(blake2b("sink", SinkId::size));
  ReplyKeys reply_keys;
  Bytes packed_session;

  Mesh() {
    Random random(seed_of("reply keys"));
    reply_keys = make_reply_keys(random);
    trust = {{}, "made up", {person.public_key()}, 1};
    trust.mesh = mesh_id_of(trust.roots, trust.threshold);
    roster = signed_roster(1);
    Action asked = made_up::action();
    asked.target = "all";
    asked.mesh = trust.mesh;
    asked.roster_version = 1;
    asked.reply_key = reply_keys.key;
    asked.readers = {person.fingerprint()};
    action.text = made_up::text_of(asked);
    action.signatures.push_back(person.sign(action_signing_text(action.text), began - 1000));
    const Session is{person.fingerprint(), session.link_public(), session.sign_public(), sink, began + made_up::day / 2};
    SignedText text{session_text(is), {}};
    text.signatures.push_back(person.sign(session_signing_text(text.text), began - 1000));
    packed_session = pack_session(text);
  }

  SignedText signed_roster(std::uint64_t version) const {
    Roster out = made_up::roster();
    out.mesh = trust.mesh;
    out.version = version;
    out.issued = began - made_up::day;
    out.access["default"] = made_up::rule(1, {{"ann", 1}});
    out.enrollers.push_back(enroller.sign_public());
    SignedText signed_text{made_up::text_of(out), {}};
    signed_text.signatures.push_back(person.sign(roster_signing_text(signed_text.text), began - 1000));
    return signed_text;
  }
  Bytes certificate(const Keys& of, Role role) const {
    return issue({role, of.sign_public(), of.link_public(), role == Role::agent ? "agent-1" : "relay-2", "plant", {},
                  began - made_up::day, began + 20 * made_up::day, 1, enroller.sign_public()},
                 enroller);
  }
  Bytes invite(Role role) const {
    Invite out;
    out.id = blake2b("invite", 16);
    out.role = role;
    out.key = invited.sign_public();
    out.not_after = began + made_up::day;
    return write_invite(out, enroller);
  }
  ActionKey key() const { return key_of(action_id_of(action.text)); }
  Object action_object() const { return {ObjectKind::action, action.text, action.signatures, {}}; }
  Object roster_object(std::uint64_t version) const {
    const SignedText text = signed_roster(version);
    return {ObjectKind::roster, text.text, text.signatures, {}};
  }
  Reply reply(State state = State::answered) const {
    Random random(seed_of("reply"));
    ReplyHeader header;
    header.action = action_id_of(action.text);
    header.agent = agent.id();
    header.state = state;
    header.started = header.finished = began;
    return make_reply(header, ReplyBody{header.action, header.agent, State::found, {}, "[]"}, reply_keys.key, agent, random);
  }
};

inline const Mesh& mesh() {
  static const Mesh made;
  return made;
}

}  // namespace mig::fuzz
