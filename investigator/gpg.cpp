#include "investigator/gpg.h"

#include <fmt/format.h>
#include <gpgme.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "investigator/key_packets.h"
#include "node/core/public_key.h"

namespace mig::investigator {
namespace {

using core::Bytes;
using core::BytesView;
using core::Error;
using core::Fingerprint;
using core::Result;

struct Release {
  void operator()(gpgme_ctx_t context) const { gpgme_release(context); }
  void operator()(gpgme_data_t data) const { gpgme_data_release(data); }
  void operator()(gpgme_key_t key) const { gpgme_key_unref(key); }
};
using Context = std::unique_ptr<gpgme_context, Release>;
using Data = std::unique_ptr<gpgme_data, Release>;
using Key = std::unique_ptr<_gpgme_key, Release>;

std::string words_of(gpgme_error_t error) {
  char text[256] = "";
  gpgme_strerror_r(error, text, sizeof text);
  return text;
}

Error trouble(const std::string& subject, gpgme_error_t error) {
  switch (gpgme_err_code(error)) {
    case GPG_ERR_CANCELED:
    case GPG_ERR_FULLY_CANCELED:
      return core::refused(subject + ": cancelled at the passphrase prompt");
    case GPG_ERR_BAD_PASSPHRASE:
      return core::refused(subject + ": wrong passphrase");
    case GPG_ERR_NO_PIN_ENTRY:
      return {core::Code::world, subject + ": gpg-agent has no pinentry to ask for the passphrase; install pinentry-tty "
                                           "or set pinentry-program in gpg-agent.conf"};
    case GPG_ERR_NO_AGENT:
      return {core::Code::world, subject + ": gpg-agent does not start; try `gpgconf --launch gpg-agent` (a GNUPGHOME "
                                           "path over 80 characters is too long for its socket)"};
    default:
      return {core::Code::world, fmt::format("{}: {}", subject, words_of(error))};
  }
}

Result<Context> context(const std::string& home) {
  gpgme_ctx_t raw = nullptr;
  if (gpgme_error_t error = gpgme_new(&raw)) return trouble("gpg", error);
  Context made(raw);
  gpgme_set_armor(raw, 0);
  gpgme_set_textmode(raw, 0);
  if (!home.empty()) {
    gpgme_error_t error = gpgme_ctx_set_engine_info(raw, GPGME_PROTOCOL_OpenPGP, nullptr, home.c_str());
    if (error) return trouble("gnupg_home " + home, error);
  }
  return made;
}

Data data_from(BytesView bytes) {
  gpgme_data_t raw = nullptr;
  gpgme_data_new_from_mem(&raw, bytes.data(), bytes.size(), 0);
  return Data(raw);
}

Data data_for_output() {
  gpgme_data_t raw = nullptr;
  gpgme_data_new(&raw);
  return Data(raw);
}

Bytes taken(Data data) {
  std::size_t size = 0;
  char* memory = gpgme_data_release_and_get_mem(data.release(), &size);
  Bytes out(memory == nullptr ? "" : memory, memory == nullptr ? 0 : size);
  gpgme_free(memory);
  return out;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

bool usable(const gpgme_subkey_t key) { return !key->revoked && !key->expired && !key->disabled && !key->invalid; }

bool signs(const gpgme_key_t key) {
  if (key->revoked || key->expired || key->disabled || key->invalid) return false;
  for (gpgme_subkey_t sub = key->subkeys; sub != nullptr; sub = sub->next)
    if (sub->can_sign && usable(sub)) return true;
  return false;
}

std::string user_of(const gpgme_key_t key) { return key->uids != nullptr && key->uids->uid ? key->uids->uid : ""; }

std::string list_of(const std::vector<PersonKey>& keys) {
  if (keys.empty()) return "there is no secret key that can sign; make one: gpg --quick-gen-key 'Name <mail>' ed25519 sign";
  std::string out = "there are:";
  for (const PersonKey& key : keys) out += fmt::format("\n  {}  {}", key.fingerprint, key.user);
  return out;
}

Result<Key> public_key(gpgme_ctx_t context, const Fingerprint& fingerprint) {
  gpgme_key_t raw = nullptr;
  gpgme_error_t error = gpgme_get_key(context, fingerprint.c_str(), &raw, 0);
  if (gpgme_err_code(error) == GPG_ERR_EOF || gpgme_err_code(error) == GPG_ERR_INV_VALUE)
    return Error{core::Code::not_found,
                 fmt::format("key {}: gpg does not have it; import it with `gpg --import FILE`", fingerprint)};
  if (error) return trouble("key " + fingerprint, error);
  return Key(raw);
}

core::Status still_good(const gpgme_key_t key, const Fingerprint& fingerprint) {
  const char* what = key->revoked ? "revoked" : key->disabled ? "disabled" : key->invalid ? "invalid" : nullptr;
  if (what != nullptr) return core::refused(fmt::format("key {}: it is {}", fingerprint, what));
  if (key->expired)
    return core::refused(fmt::format("key {}: it has expired; its owner can extend it: gpg --quick-set-expire {} 1y",
                                     fingerprint, fingerprint));
  return core::Done{};
}

Result<Bytes> exported(gpgme_ctx_t context, const Fingerprint& fingerprint) {
  Data out = data_for_output();
  gpgme_error_t error = gpgme_op_export(context, fingerprint.c_str(), GPGME_EXPORT_MODE_MINIMAL, out.get());
  if (error) return trouble("export of key " + fingerprint, error);
  return taken(std::move(out));
}

/// The signing keys gpg holds good, with the values of their packets.
Result<std::vector<core::SigningKey>> match(const gpgme_key_t key, const std::vector<KeyPacket>& packets) {
  std::vector<core::SigningKey> keys;
  std::string unfit;
  core::WallMs person_ends = static_cast<core::WallMs>(key->subkeys->expires) * 1000;
  for (gpgme_subkey_t sub = key->subkeys; sub != nullptr; sub = sub->next) {
    if (!sub->can_sign || !usable(sub) || sub->fpr == nullptr) continue;
    for (const KeyPacket& packet : packets) {
      if (packet.fingerprint != sub->fpr) continue;
      auto signing = signing_key_of(packet);
      core::Status fit = signing ? core::check_material(*signing) : core::Status(signing.error());
      if (!fit) {
        unfit = fit.error().text;
        continue;
      }
      signing->not_after = static_cast<core::WallMs>(sub->expires) * 1000;
      // A subkey does not outlive its primary key.
      if (person_ends != 0 && (signing->not_after == 0 || person_ends < signing->not_after))
        signing->not_after = person_ends;
      keys.push_back(std::move(*signing));
      break;
    }
  }
  if (!keys.empty()) return keys;
  std::string fingerprint = key->subkeys->fpr;
  return Error{core::Code::unsupported,
               !unfit.empty() ? unfit : fmt::format("key {}: nothing of it can sign; add a subkey: gpg --quick-add-key "
                                                    "{} ed25519 sign", fingerprint, fingerprint)};
}

// GPGME tells gpg a terminal only when stdout is one, and ours often is a file.
void tell_terminal() {
  if (std::getenv("GPG_TTY") != nullptr) return;
  for (int fd : {2, 0}) {
    char name[128];
    if (isatty(fd) && ttyname_r(fd, name, sizeof name) == 0) {
      setenv("GPG_TTY", name, 0);
      return;
    }
  }
}

bool older_than_2_1(const char* version) {
  int major = 0, minor = 0;
  if (std::sscanf(version, "%d.%d", &major, &minor) != 2) return true;
  return major < 2 || (major == 2 && minor < 1);
}

}  // namespace

Result<Gpg> Gpg::open(const std::string& gnupg_home) {
  gpgme_check_version(nullptr);
  tell_terminal();
  if (gpgme_engine_check_version(GPGME_PROTOCOL_OpenPGP))
    return Error{core::Code::world, "gpg: not found on this machine; install the package gnupg (2.1 or newer)"};
  gpgme_engine_info_t info = nullptr;
  gpgme_get_engine_info(&info);
  while (info != nullptr && info->protocol != GPGME_PROTOCOL_OpenPGP) info = info->next;
  if (info == nullptr || info->version == nullptr || older_than_2_1(info->version))
    return Error{core::Code::unsupported, fmt::format("gpg: version {} is too old; 2.1 or newer is needed",
                                                      info && info->version ? info->version : "?")};
  struct stat found {};
  if (!gnupg_home.empty() && (stat(gnupg_home.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)))
    return core::invalid(fmt::format("gnupg_home {}: no such directory", gnupg_home));
  return Gpg(gnupg_home);
}

Result<std::vector<PersonKey>> Gpg::secret_keys() const {
  auto with = context(home_);
  if (!with) return with.error();
  std::vector<PersonKey> keys;
  gpgme_error_t error = gpgme_op_keylist_start(with->get(), nullptr, 1);
  while (!error) {
    gpgme_key_t raw = nullptr;
    error = gpgme_op_keylist_next(with->get(), &raw);
    if (error) break;
    Key key(raw);
    if (signs(raw)) keys.push_back({raw->subkeys->fpr, user_of(raw)});
  }
  if (gpgme_err_code(error) != GPG_ERR_EOF) return trouble("list of secret keys", error);
  return keys;
}

Result<PersonKey> Gpg::secret_key(const std::string& word) const {
  auto keys = secret_keys();
  if (!keys) return keys.error();
  std::string hex = upper(word);
  hex.erase(std::remove(hex.begin(), hex.end(), ' '), hex.end());
  if (hex.rfind("0X", 0) == 0) hex.erase(0, 2);
  bool is_hex = hex.size() >= 16 && hex.find_first_not_of("0123456789ABCDEF") == std::string::npos;
  std::vector<PersonKey> matching;
  for (const PersonKey& key : *keys) {
    bool same = is_hex ? key.fingerprint.size() >= hex.size() && key.fingerprint.ends_with(hex)
                       : !word.empty() && upper(key.user).find(upper(word)) != std::string::npos;
    if (same) matching.push_back(key);
  }
  if (matching.size() == 1) return matching[0];
  if (matching.empty())
    return Error{core::Code::not_found, fmt::format("key '{}': no secret key is called so; {}", word, list_of(*keys))};
  return core::invalid(fmt::format("key '{}': several fit, give the fingerprint; {}", word, list_of(matching)));
}

Result<PersonKey> Gpg::person(const std::string& word) const {
  auto with = context(home_);
  if (!with) return with.error();
  std::vector<PersonKey> found;
  gpgme_error_t error = gpgme_op_keylist_start(with->get(), word.c_str(), 0);
  while (!error) {
    gpgme_key_t raw = nullptr;
    error = gpgme_op_keylist_next(with->get(), &raw);
    if (error) break;
    Key key(raw);
    found.push_back({raw->subkeys->fpr, user_of(raw)});
  }
  if (gpgme_err_code(error) != GPG_ERR_EOF) return trouble("list of keys", error);
  if (found.size() == 1) return found[0];
  if (found.empty()) return Error{core::Code::not_found, fmt::format("key '{}': gpg does not have it; import it with `gpg --import FILE`", word)};
  return core::invalid(fmt::format("key '{}': several fit, give the fingerprint; {}", word, list_of(found)));
}

Result<std::vector<Fingerprint>> Gpg::import(BytesView keys) const {
  auto with = context(home_);
  if (!with) return with.error();
  Data in = data_from(keys);
  if (gpgme_error_t error = gpgme_op_import(with->get(), in.get())) return trouble("import", error);
  std::vector<Fingerprint> out;
  for (auto* one = gpgme_op_import_result(with->get())->imports; one != nullptr; one = one->next)
    if (one->result == GPG_ERR_NO_ERROR && one->fpr != nullptr) out.emplace_back(one->fpr);
  if (out.empty()) return core::invalid("there is no OpenPGP key in it");
  return out;
}

Result<std::vector<core::SigningKey>> Gpg::signing_keys(const Fingerprint& primary) const {
  auto with = context(home_);
  if (!with) return with.error();
  auto key = public_key(with->get(), primary);
  if (!key) return key.error();
  if (core::Status good = still_good(key->get(), primary); !good) return good.error();
  auto bytes = exported(with->get(), primary);
  if (!bytes) return bytes.error();
  auto packets = read_key_packets(*bytes);
  if (!packets) return packets.error();
  return match(key->get(), *packets);
}

Result<Bytes> Gpg::sign(BytesView text, const Fingerprint& primary) const {
  auto with = context(home_);
  if (!with) return with.error();
  gpgme_key_t raw = nullptr;
  if (gpgme_get_key(with->get(), primary.c_str(), &raw, 1)) {
    auto keys = secret_keys();
    return Error{core::Code::not_found, fmt::format("key {}: its secret half is not here; {}", primary,
                                                    keys ? list_of(*keys) : keys.error().text)};
  }
  Key key(raw);
  if (core::Status good = still_good(raw, primary); !good) return good.error();
  gpgme_signers_add(with->get(), raw);
  Data in = data_from(text), out = data_for_output();
  if (gpgme_error_t error = gpgme_op_sign(with->get(), in.get(), out.get(), GPGME_SIG_MODE_DETACH))
    return trouble("signing with " + primary, error);
  Bytes packet = taken(std::move(out));
  // What agents will refuse must not leave here.
  auto read = core::read_signature(packet);
  if (!read)
    return Error{read.error().code, fmt::format("gpg made a signature that agents refuse: {} (look for digest-algo or "
                                                "compliance options in gpg.conf)", read.error().text)};
  return packet;
}

Result<Bytes> Gpg::encrypt(BytesView secret, const std::vector<Fingerprint>& readers) const {
  auto with = context(home_);
  if (!with) return with.error();
  if (readers.empty()) return core::invalid("encryption: no reader is named");
  std::vector<Key> keys;
  std::vector<gpgme_key_t> raw;
  for (const Fingerprint& reader : readers) {
    auto key = public_key(with->get(), reader);
    if (!key) return Error{key.error().code, "reader: " + key.error().text};
    if (core::Status good = still_good(key->get(), reader); !good) return good.error();
    if (!(*key)->can_encrypt)
      return core::invalid(fmt::format("reader {} ({}): the key has no encryption subkey; its owner can add one: gpg "
                                       "--quick-add-key {} cv25519 encr", reader, user_of(key->get()), reader));
    raw.push_back(key->get());
    keys.push_back(std::move(*key));
  }
  raw.push_back(nullptr);
  Data in = data_from(secret), out = data_for_output();
  auto flags = static_cast<gpgme_encrypt_flags_t>(GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_COMPRESS |
                                                  GPGME_ENCRYPT_NO_ENCRYPT_TO);
  if (gpgme_error_t error = gpgme_op_encrypt(with->get(), raw.data(), flags, in.get(), out.get()))
    return trouble("encryption to the readers", error);
  return taken(std::move(out));
}

Result<Bytes> Gpg::decrypt(BytesView message) const {
  auto with = context(home_);
  if (!with) return with.error();
  Data in = data_from(message), out = data_for_output();
  gpgme_error_t error = gpgme_op_decrypt(with->get(), in.get(), out.get());
  if (gpgme_err_code(error) == GPG_ERR_NO_SECKEY || gpgme_err_code(error) == GPG_ERR_DECRYPT_FAILED)
    return core::refused("decryption: none of the readers' secret keys is here; only a reader of the action can do this");
  if (gpgme_err_code(error) == GPG_ERR_NO_DATA) return core::invalid("decryption: this is no OpenPGP message");
  if (error) return trouble("decryption", error);
  return taken(std::move(out));
}

Result<Fingerprint> Gpg::make_key(const std::string& user) const {
  auto with = context(home_);
  if (!with) return with.error();
  constexpr unsigned plain = GPGME_CREATE_NOPASSWD | GPGME_CREATE_NOEXPIRE;
  gpgme_error_t error = gpgme_op_createkey(with->get(), user.c_str(), "ed25519", 0, 0, nullptr, GPGME_CREATE_SIGN | plain);
  if (error) return trouble("making a key for " + user, error);
  Fingerprint fingerprint = gpgme_op_genkey_result(with->get())->fpr;
  auto key = public_key(with->get(), fingerprint);
  if (!key) return key.error();
  error = gpgme_op_createsubkey(with->get(), key->get(), "cv25519", 0, 0, GPGME_CREATE_ENCR | plain);
  if (error) return trouble("making an encryption key for " + user, error);
  return fingerprint;
}

Result<Gpg::Checked> Gpg::check(BytesView text, BytesView signature) const {
  auto with = context(home_);
  if (!with) return with.error();
  Data signed_text = data_from(text), packet = data_from(signature);
  gpgme_error_t error = gpgme_op_verify(with->get(), packet.get(), signed_text.get(), nullptr);
  Checked checked;
  if (gpgme_err_code(error) == GPG_ERR_NO_DATA || gpgme_err_code(error) == GPG_ERR_BAD_DATA) {
    checked.why = "this is no signature";
    return checked;
  }
  if (error) return trouble("checking a signature", error);
  gpgme_verify_result_t result = gpgme_op_verify_result(with->get());
  if (result == nullptr || result->signatures == nullptr) {
    checked.why = "this is no signature";
    return checked;
  }
  gpgme_signature_t first = result->signatures;
  std::string by = first->fpr != nullptr ? first->fpr : "?";
  if (first->next != nullptr) {
    checked.why = "several signatures in one";
  } else if (first->status) {
    checked.why = fmt::format("{} (key {})", words_of(first->status), by);
  } else {
    checked.valid = true;
  }
  if (auto key = public_key(with->get(), by)) {
    checked.primary = (*key)->subkeys->fpr;
    checked.user = user_of(key->get());
  }
  return checked;
}

}  // namespace mig::investigator
