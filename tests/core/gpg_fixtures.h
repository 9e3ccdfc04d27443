// What tests/fixtures/make_signatures wrote, and a throw-away gpg for tests that want a fresh one.
#pragma once

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "node/core/json.h"
#include "node/core/signature.h"

namespace mig::core::fixtures {

inline Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  INFO(path.string());
  REQUIRE(in.good());
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

inline std::filesystem::path folder() { return std::filesystem::path(MIG_SOURCE_DIR) / "tests/fixtures/signatures"; }
inline Bytes packet(const std::string& file) { return read_file(folder() / file); }
inline Bytes action_document() { return read_file(folder() / "action.json"); }
inline Bytes signing_text() { return "MIG Mesh action 3\n" + action_document(); }

inline const Json& manifest() {
  static const Json read = *parse_json(read_file(folder() / "manifest.json"), 1 << 20);
  return read;
}
inline WallMs now() { return *from_rfc3339(manifest()["now"].get<std::string>()); }

inline SigningKey key(const std::string& name) {
  const Json& entry = manifest()["keys"][name];
  SigningKey out;
  out.algorithm = entry["algorithm"] == "rsa" ? SigningKey::Algorithm::rsa : SigningKey::Algorithm::ed25519;
  out.fingerprint = entry["fingerprint"].get<std::string>();
  out.material = *from_hex(entry["material"].get<std::string>());
  out.exponent = *from_hex(entry["exponent"].get<std::string>());
  out.not_before = entry["created"].get<WallMs>() * 1000;
  out.not_after = entry["expires"].get<WallMs>() * 1000;
  return out;
}

/// Reads and verifies, as every caller does.
inline Status check(BytesView packet, BytesView text, const SigningKey& key, WallMs at) {
  Result<SignaturePacket> read = read_signature(packet);
  if (!read) return read.error();
  return verify_signature(*read, text, key, at);
}

/// A gpg home of its own, removed at the end with its agent.
class Gpg {
 public:
  Gpg() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mig-gpg-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    home_ = pattern;
  }
  Gpg(const Gpg&) = delete;
  Gpg& operator=(const Gpg&) = delete;
  ~Gpg() {
    (void)std::system(("GNUPGHOME=" + home_.string() + " gpgconf --kill gpg-agent 2>/dev/null").c_str());
    std::error_code ignored;
    std::filesystem::remove_all(home_, ignored);
  }
  static bool present() { return std::system("gpg --version >/dev/null 2>&1") == 0; }

  /// Runs gpg with `arguments` through the shell; its standard output. `status` gets the exit status.
  std::string run(const std::string& arguments, int* status = nullptr) const {
    std::string command = "gpg --homedir " + home_.string() +
                          " --batch --no-tty --trust-model always --no-auto-check-trustdb " + arguments + " 2>/dev/null";
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string out;
    for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) out += static_cast<char>(c);
    int ended = pclose(pipe);
    if (status != nullptr) *status = ended;
    return out;
  }
  std::filesystem::path write(const std::string& name, BytesView bytes) const {
    std::filesystem::path path = home_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  /// Makes an Ed25519 key without a passphrase and returns it as a roster would hold it.
  SigningKey make_key(const std::string& name) const {
    run("--passphrase '' --quick-gen-key '" + name + " <" + name + "@example.org>' ed25519 sign never");
    return read_key(run("--list-keys --with-colons --with-key-data " + name + "@example.org"));
  }
  Bytes sign(const std::string& name, BytesView text) const {
    write("text", text);
    run("--yes -u " + name + "@example.org --output " + (home_ / "sig").string() + " --detach-sign " +
        (home_ / "text").string());
    return read_file(home_ / "sig");
  }

 private:
  static std::string field(const std::string& line, int number) {
    std::size_t start = 0;
    for (int i = 1; i < number; ++i) start = line.find(':', start) + 1;
    return line.substr(start, line.find(':', start) - start);
  }
  static SigningKey read_key(const std::string& listing) {
    SigningKey key;
    for (std::size_t at = 0; at < listing.size(); at = listing.find('\n', at) + 1) {
      std::string line = listing.substr(at, listing.find('\n', at) - at);
      if (line.substr(0, 4) == "pub:") key.not_before = std::stoll(field(line, 6)) * 1000;
      if (line.substr(0, 4) == "fpr:" && key.fingerprint.empty()) key.fingerprint = field(line, 10);
      if (line.substr(0, 6) == "pkd:1:") key.material = from_hex(field(line, 4))->substr(1);
    }
    return key;
  }
  std::filesystem::path home_;
};

}  // namespace mig::core::fixtures
