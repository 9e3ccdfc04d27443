// leans on: core
// Replies: the header in clear, and the body as a hostile agent may seal it (first octet even: the rest is its plain text).
#include "node/core/seal.h"
#include "tests/fuzz/fuzz.h"

using namespace mig::core;

MIG_FUZZ(reply) {
  static Random random{Seed{}};
  static const ReplyKeys reader = make_reply_keys(random);
  static const Keys agent{Seed{}};
  if (input.empty()) return;
  const bool seal_it = input[0] % 2 == 0;
  input.remove_prefix(1);
  if (!seal_it) {
    (void)read_reply_header(input);
    MIG_CHECK(!verify_reply({Bytes(input), Bytes(64, 'x'), {}}, agent.sign_public()), "the agent did not sign this");
    const Bytes signature = agent.sign(domain::reply, input);
    (void)verify_reply({Bytes(input), signature, {}}, agent.sign_public());
    MIG_CHECK(!open(input, reader.key, reader.secret) , "nobody sealed this");
    return;
  }
  const Reply reply{{}, {}, seal(input, reader.key, random)};
  auto body = open_reply(reply, {}, reader.key, reader.secret);
  if (body) MIG_CHECK(body->agent == NodeId{} && body->action == ActionId{}, "of the reply it came in");
}
