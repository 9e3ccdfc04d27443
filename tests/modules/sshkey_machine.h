// A made-up machine for the tests of sshkey, and what ssh-keygen says.
#pragma once

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <array>
#include <cstdio>
#include <string>

#include "made_up_root.h"
#include "modules/sshkey/key.h"
#include "modules/sshkey/sshkey.h"
#include "modules/sshkey/wire.h"

namespace mig::test::keys {

using core::Json;
using modules::Answer;
using modules::Budget;
using modules::Host;

// Public keys out of RFC 8032 §7.1 and a made-up point; their fingerprints are what ssh-keygen -l says.
inline const std::string alice =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
inline const std::string alice_md5 = "cf:07:be:9d:68:ae:65:54:6d:a0:93:c3:6f:bd:0d:82",
                         alice_sha = "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8";

/// What a program prints, and nothing if it fails or is not there.
inline std::string shell(const std::string& command) {
  std::string out;
  FILE* pipe = popen(("exec 2>/dev/null </dev/null; " + command).c_str(), "r");
  std::array<char, 4096> block{};
  for (std::size_t got; (got = fread(block.data(), 1, block.size(), pipe)) > 0;)
    out.append(block.data(), got);
  return pclose(pipe) == 0 ? out : "";
}

inline bool no_keygen() {
  if (!shell("command -v ssh-keygen").empty()) return false;
  WARN("left out: ssh-keygen is not installed (Debian: openssh-client)");
  return true;
}

/// A machine without people: /home and /root stand in it, so nothing of the real one is read.
struct Machine {
  MadeUpRoot root;
  Machine() {
    root.folder("/home");
    root.folder("/root");
  }
  Answer ask(const Json& parameters = Json::object(), double seconds = 60, std::size_t bytes = 0) const {
    Budget budget(seconds, bytes);
    return modules::run("sshkey", parameters, Host{.root = root.path()}, budget);
  }
  Json answer(const Json& parameters = Json::object()) const {
    return Json::parse(ask(parameters).to_json());
  }
  bool keygen(const std::string& where, const std::string& how) const {
    return std::system(fmt::format("mkdir -p $(dirname {0}) && ssh-keygen -q -C me@here -f {0} {1} "
                                   ">/dev/null 2>&1 </dev/null",
                                   root.path(where), how)
                           .c_str()) == 0;
  }
};

inline Json whole(Json keys, Json errors = nullptr) {
  const bool found = !keys.is_null();
  return {{"foundanything", found},
          {"success", true},
          {"elements", {{"keys", std::move(keys)}}},
          {"statistics", nullptr},
          {"errors", std::move(errors)}};
}

inline Json alice_row(const std::string& path, int line, const std::string& type = "public") {
  return {{"path", path},
          {"line", line},
          {"type", type},
          {"format", "line"},
          {"kind", "ED25519"},
          {"bits", 256},
          {"encrypted", false},
          {"fingerprint_md5", alice_md5},
          {"fingerprint_sha256", alice_sha}};
}

/// The fingerprint ssh-keygen gives for the public key in `file`.
inline std::string keygens(const std::string& file, const std::string& digest) {
  std::string line = shell(fmt::format("ssh-keygen -l -E {} -f {}", digest, file));
  line = line.substr(line.find(' ') + 1);
  line = line.substr(0, line.find(' '));
  return digest == "md5" ? line.substr(4) : line;
}

inline Json generated_row(const Machine& machine, const std::string& path, const std::string& format,
                          const std::string& kind, int bits, bool encrypted) {
  Json out = {{"path", path}, {"line", 1}, {"type", "private"}, {"format", format}, {"encrypted", encrypted}};
  if (!kind.empty()) out["kind"] = kind;
  if (bits == 0) return out;
  out["bits"] = bits;
  out["fingerprint_md5"] = keygens(machine.root.path(path + ".pub"), "md5");
  out["fingerprint_sha256"] = keygens(machine.root.path(path + ".pub"), "sha256");
  return out;
}

inline std::string wire(std::initializer_list<std::string_view> texts) {
  std::string out;
  for (std::string_view text : texts) modules::sshkey::put_text(out, text);
  return out;
}

inline std::string armoured(const std::string& label, const std::string& octets) {
  return fmt::format("-----BEGIN {0}-----\n{1}\n-----END {0}-----\n", label, core::to_base64(octets));
}

}  // namespace mig::test::keys
