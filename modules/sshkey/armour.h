// Keys between lines of dashes: OpenSSH's own format, PEM, PKCS#8, RFC 4716; and PuTTY's files.
#pragma once

#include "modules/sshkey/key.h"

namespace mig::modules::sshkey {

/// "-----BEGIN RSA PRIVATE KEY-----" -> "RSA PRIVATE KEY", "---- BEGIN SSH2 PUBLIC KEY ----" -> "SSH2 PUBLIC
/// KEY"; empty if the line is none, or begins something that is no key ("CERTIFICATE").
std::string_view label_of(std::string_view line);

/// All keys of the block `label`; `body` is what stands between its two lines. Errors: the trouble alone.
core::Result<std::vector<Key>> parse_block(std::string_view label, std::string_view body);

constexpr std::string_view putty_begin = "PuTTY-User-Key-File-";
/// `content` begins with putty_begin.
core::Result<Key> parse_putty(std::string_view content);

}  // namespace mig::modules::sshkey
