// leans on: modules
// Files of keys as anybody may leave them in a home folder. The first octet says whether the file's name lists who may come in.
#include "modules/sshkey/key.h"
#include "tests/fuzz/fuzz.h"

using namespace mig;
namespace sshkey = modules::sshkey;

MIG_FUZZ(sshkey) {
  if (input.empty()) return;
  const bool authorized = (input.front() & 1) != 0;
  const core::BytesView content = input.substr(1);
  const sshkey::Found found = sshkey::parse_keys(content, authorized);
  MIG_CHECK(found.keys.empty() || authorized || sshkey::may_hold_key(content) || content.substr(0, 4096).find('\0') != content.npos,
            "the cheap look is never wrong about no");
  int line = 0;
  for (const sshkey::Key& key : found.keys) {
    MIG_CHECK(key.line >= 1 && key.line >= line, "keys come in the order of their lines");
    line = key.line;
    MIG_CHECK(core::is_utf8(key.comment) && core::is_utf8(key.half.name) && core::is_utf8(key.half.application), "texts are texts");
    for (const std::string& option : key.options) MIG_CHECK(core::is_utf8(option), "options are texts");
    if (key.half.blob.empty()) continue;
    const auto again = sshkey::parse_blob(key.half.blob);
    // Numbers out of DER may be too small for the protocol; what is read is the same key.
    if (again) MIG_CHECK(again->kind == key.half.kind && again->bits == key.half.bits, "a public half is the key it says");
    MIG_CHECK(sshkey::sha256_fingerprint(key.half.blob).size() == 7 + 43, "a fingerprint has its length");
  }
}
