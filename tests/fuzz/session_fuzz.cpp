// leans on: core
// What proves who somebody is: sessions, certificates, tickets, invites, enrolment. Any bytes may claim to be one; those
// that an active investigator signed (first octet even) get as far as the parser of the document inside.
#include "node/core/identity.h"
#include "node/core/soft_key.h"
#include "tests/core/made_up_people.h"
#include "tests/fuzz/fuzz.h"

using namespace mig::core;

static void hers(const Result<VerifiedSession>& session) {
  if (session) MIG_CHECK(session->session.investigator == made_up::key_of_person("ann").fingerprint(), "a session is its signer's");
}

MIG_FUZZ(session) {
  static const Roster roster = made_up::roster();
  static const Keys keys{Seed{}};
  constexpr WallMs now = made_up::now;
  if (input.empty()) return;
  const bool sign = input[0] % 2 == 0;
  input.remove_prefix(1);
  if (sign) {
    SignedText text{Bytes(input), {}};
    text.signatures.push_back(made_up::key_of_person("ann").sign(session_signing_text(text.text), now - 1000));
    return hers(verify_session(pack_session(text), roster, now));
  }
  hers(verify_session(input, roster, now));  // only the seeds that ann did sign get as far
  MIG_CHECK(!verify_certificate(input, roster, now), "no enroller issued this");
  MIG_CHECK(!verify_ticket(input, keys.sign_public()), "no agent wrote this ticket");
  MIG_CHECK(!verify_invite(input, keys.sign_public(), now), "no enroller wrote this invite");
  (void)read_certificate(input);
  (void)read_enrol_request(input);
  (void)read_enrol_answer(input);
}
