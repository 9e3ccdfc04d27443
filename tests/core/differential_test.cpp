// Mutated signatures, judged by this reader and by a real gpg: what gpg refuses is never accepted here.
// MIG_DIFFERENTIAL says how many (120), MIG_SEED draws them.
#include <catch2/catch.hpp>

#include <set>

#include "node/core/random.h"
#include "tests/core/gpg_fixtures.h"

using namespace mig::core;
namespace fixtures = mig::core::fixtures;

namespace {

struct Base {
  std::string file;
  Bytes packet;
};

/// As a roster would: by the key that the packet names.
Status check(BytesView packet) {
  auto read = read_signature(packet);
  if (!read) return read.error();
  for (const auto& item : fixtures::manifest()["keys"].items())
    if (item.value()["fingerprint"] == read->issuer) return verify_signature(*read, fixtures::signing_text(), fixtures::key(item.key()), fixtures::now());
  return invalid("signature: unknown key");
}

/// Every signature of the fixtures, the good ones three times as often.
std::vector<Base> bases() {
  std::vector<Base> out;
  for (const auto& entry : fixtures::manifest()["cases"]) {
    const std::string file = entry["file"];
    const Base base{file, fixtures::packet(file)};
    // Whether a key may sign at all is settled when it is put into the roster; the reader is not asked.
    if (file == "authentication.sig" || file == "encryption.sig") continue;
    for (int copies = entry["verdict"] == "good" ? 3 : 1; copies > 0; --copies) out.push_back(base);
  }
  return out;
}

Bytes damage(Bytes packet, const std::vector<Base>& all, Random& random) {
  const std::size_t size = packet.size(), at = random.below(size);
  const auto any = [&] { return static_cast<char>(random.below(256)); };
  switch (random.below(11)) {
    case 9: break;  // as it was
    case 8: {  // the part that is not signed: it may change as it likes
      const std::size_t body = static_cast<unsigned char>(packet[0]) == 0x88 ? 2 : 3, counted = body + 4;
      if (counted + 2 > size) break;
      const std::size_t unhashed = counted + 2 + static_cast<unsigned char>(packet[counted]) * 256 + static_cast<unsigned char>(packet[counted + 1]);
      if (unhashed + 12 <= size) packet[unhashed + random.below(12)] = any();
      break;
    }
    case 0: packet[at] = any(); break;
    case 1: packet[at] = static_cast<char>(packet[at] ^ (1 << random.below(8))); break;
    case 2: packet[random.below(std::min<std::size_t>(size, 40))] = any(); break;  // headers and subpackets
    case 3: packet.resize(at); break;
    case 4: packet += any(); break;
    case 5: packet.insert(at, 1, any()); break;
    case 6: packet.erase(at, 1); break;
    case 7: {  // the beginning of one, the end of another
      const Bytes& other = all[random.below(all.size())].packet;
      packet = packet.substr(0, at) + (at < other.size() ? other.substr(at) : "");
      break;
    }
    default:
      for (int times = 0; times < 4; ++times) packet[random.below(packet.size())] = any();
  }
  return packet;
}

bool gpg_accepts(const fixtures::Gpg& gpg, const std::string& packet, const std::string& text, std::string& said) {
  said = gpg.run("--faked-system-time 20260301T120500! --status-fd 1 --verify " + packet + " " + text);
  for (const char* bad : {"BADSIG", "ERRSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG", "NODATA", "UNEXPECTED"})
    if (said.find(bad) != std::string::npos) return false;
  return said.find("GOODSIG") != std::string::npos;
}

/// Where this reader is stricter than gpg, and nowhere else: pieces of its reasons.
const std::vector<std::string> stricter = {
    "made with SHA-1", "made with SHA-224", "made with RIPEMD", "made with MD5", "made with DSA", "made with ECDSA", "RSA with", "in the future by this clock",
    "made in text mode", "ASCII armor", "not an OpenPGP packet",  // armor with damage gpg looks over
    "something follows the packet", "octets left over", "the packet ends too early", "a packet of indeterminate length", "a packet whose length", "an integer is longer than it says",
    "names two issuers", "given twice", "is marked critical", "a subpacket is cut or empty", "does not name its key by fingerprint", "issuer key id is not 8 octets", "issuer fingerprint is not",
    "does not fit the text",  // the two check octets, which gpg does not look at for Ed25519
};

std::string stricter_for(const std::string& reason) {
  for (const auto& piece : stricter)
    if (reason.find(piece) != std::string::npos) return piece;
  return "";
}

}  // namespace

TEST_CASE("what gpg refuses is never accepted, however a signature is damaged", "[differential]") {
  if (!fixtures::Gpg::present()) {
    WARN("skipped: there is no gpg on this machine");
    return;
  }
  const char* wanted = std::getenv("MIG_DIFFERENTIAL");
  const char* seed = std::getenv("MIG_SEED");
  const int rounds = wanted ? std::atoi(wanted) : 120;
  fixtures::Gpg gpg;
  gpg.run("--import " + (fixtures::folder() / "people.asc").string());
  const std::string text = gpg.write("signed", fixtures::signing_text()).string();
  Random random(*Seed::from(Bytes(32, static_cast<char>(seed ? std::atoi(seed) : 1))));
  const auto all = bases();
  int both = 0, neither = 0, ours_alone = 0;
  std::map<std::string, int> gpg_alone;
  for (int round = 0; round < rounds; ++round) {
    const Base& base = all[random.below(all.size())];
    const Bytes packet = damage(base.packet, all, random);
    const Status checked = check(packet);
    std::string said;
    const bool theirs = gpg_accepts(gpg, gpg.write("packet.sig", packet).string(), text, said);
    if (checked && !theirs) {
      ++ours_alone;
      FAIL_CHECK("round " << round << ", from " << base.file << ": gpg refuses what is accepted here: " << to_hex(packet) << "\n" << said);
    }
    if (!checked && theirs) ++gpg_alone[checked.error().text.substr(0, 90)];
    both += checked && theirs;
    neither += !checked && !theirs;
  }
  std::string listed;
  for (const auto& [reason, times] : gpg_alone) {
    listed += "\n  " + std::to_string(times) + " x " + reason;
    INFO("gpg accepts what is refused here, for a reason that is not on the list: " << reason);
    CHECK(stricter_for(reason) != "");
  }
  CHECK(ours_alone == 0);
  CHECK(both > 0);
  if (wanted) WARN(rounds << " signatures: " << both << " accepted by both, " << neither << " by neither, " << ours_alone << " here alone, by gpg alone for these reasons:" << listed);
}
