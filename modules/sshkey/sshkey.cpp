#include "modules/sshkey/sshkey.h"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>

#include <memory>
#include <set>

#include "modules/host_files.h"
#include "modules/sshkey/key.h"
#include "modules/walk.h"
#include "node/core/time.h"

namespace mig::modules::sshkey {
namespace {

using core::Json;
using core::Type;

constexpr std::size_t file_size_max = 1 << 20, files_max = 1000, errors_max = 100;
constexpr int depth_usual = 8;

// --- what it is asked and what it answers ---

core::Status check_path(std::string_view path) {
  if (path.starts_with('/') && path.find('\0') == path.npos) return core::Done{};
  return core::invalid(fmt::format("'{}' is not a full path; write one like /home", path));
}

core::Schema make_parameters() {
  core::Schema out{
      "sshkey", "SSH keys on a machine and who may come in with them, told by their fingerprints.", {}, {}};
  out.fields.push_back({.name = "paths",
                        .type = Type::texts,
                        .help = "look below this folder, or at this file; without one below /root and /home",
                        .flag = "path",
                        .example = "/etc/ssh",
                        .check = check_path});
  out.fields.push_back(
      {.name = "maxdepth",
       .type = Type::integer,
       .help = "levels of folders to look into; 1 is the folder's own files, 0 is the same as 8",
       .flag = "maxdepth",
       .fallback = depth_usual,
       .low = 0,
       .high = 1000});
  out.examples.push_back({"mig sshkey", "keys of the people and of root on every machine"});
  out.examples.push_back({"mig sshkey -path /etc/ssh -maxdepth 1", "the keys of the machines themselves"});
  return out;
}

std::shared_ptr<const core::Schema> certificate_schema() {
  core::Schema out{"sshkey_certificate",
                   "What a certificate says about the key in it; whether its signature fits is not asked.",
                   {},
                   {}};
  out.fields.push_back({.name = "for", .help = "whom it speaks of", .one_of = {"user", "host"}});
  out.fields.push_back({.name = "id", .help = "what its signer called it"});
  out.fields.push_back({.name = "serial", .help = "its number, in digits"});
  out.fields.push_back(
      {.name = "principals", .type = Type::texts, .help = "names it holds for; absent: any"});
  out.fields.push_back({.name = "validafter", .help = "holds from this time on; absent: always has"});
  out.fields.push_back({.name = "validbefore", .help = "holds until this time; absent: for ever"});
  out.fields.push_back(
      {.name = "criticaloptions", .type = Type::texts, .help = "restrictions, as name or name=value"});
  out.fields.push_back(
      {.name = "extensions", .type = Type::texts, .help = "what it allows, as name or name=value"});
  out.fields.push_back({.name = "signer_sha256", .help = "fingerprint of the key that signed it"});
  return std::make_shared<const core::Schema>(std::move(out));
}

std::shared_ptr<const core::Schema> key_schema() {
  core::Schema out{"sshkey_key", "One key.", {}, {}};
  out.fields.push_back({.name = "path", .help = "the file it stands in"});
  out.fields.push_back({.name = "line", .type = Type::integer, .help = "the line on which it begins"});
  out.fields.push_back({.name = "type",
                        .help = "a private key, a public key, or one that may come in",
                        .one_of = {"private", "public", "authorizedkeys"}});
  out.fields.push_back({.name = "format",
                        .help = "how it is written",
                        .one_of = {"openssh", "pem", "pkcs8", "putty", "rfc4716", "line"}});
  out.fields.push_back(
      {.name = "kind",
       .help = "absent if it cannot be told without the passphrase or is no kind that SSH knows",
       .one_of = {"RSA", "DSA", "ECDSA", "ED25519", "ECDSA-SK", "ED25519-SK"}});
  out.fields.push_back({.name = "bits", .type = Type::integer, .help = "its size; absent if not known"});
  out.fields.push_back(
      {.name = "encrypted", .type = Type::boolean, .help = "a passphrase is needed to use it"});
  out.fields.push_back(
      {.name = "fingerprint_md5",
       .help = "as ssh-keygen -l -E md5 has it, without the word before it; absent if not known"});
  out.fields.push_back(
      {.name = "fingerprint_sha256", .help = "as ssh-keygen -l has it; absent if not known"});
  out.fields.push_back({.name = "comment", .help = "what stands behind a public key, often user@machine"});
  out.fields.push_back(
      {.name = "options",
       .type = Type::texts,
       .help = "what the line in authorized_keys allows and forbids, as it is written there"});
  out.fields.push_back({.name = "application", .help = "what a security key was made for"});
  out.fields.push_back({.name = "certificate",
                        .type = Type::object,
                        .help = "present if it is not the key alone",
                        .inner = certificate_schema()});
  return std::make_shared<const core::Schema>(std::move(out));
}

core::Schema make_row() {
  core::Schema out{"sshkey_result", "One object for the whole answer.", {}, {}};
  out.fields.push_back({.name = "keys",
                        .type = Type::objects,
                        .help = "one for each key; null if there is none",
                        .inner = key_schema()});
  return out;
}

// --- from keys to JSON ---

std::string_view type_text(Key::Type type) {
  return type == Key::Type::private_key  ? "private"
         : type == Key::Type::authorized ? "authorizedkeys"
                                         : "public";
}

Json time_of(std::uint64_t seconds) {
  constexpr std::uint64_t year_10000 = 253'402'300'800;
  if (seconds >= year_10000) return std::to_string(seconds);
  return core::to_rfc3339(static_cast<core::WallMs>(seconds) * 1000);
}

Json to_json(const Certificate& paper) {
  Json out = {
      {"for", paper.host ? "host" : "user"}, {"id", paper.id}, {"serial", std::to_string(paper.serial)}};
  if (!paper.principals.empty()) out["principals"] = paper.principals;
  if (paper.after != 0) out["validafter"] = time_of(paper.after);
  if (paper.before != UINT64_MAX) out["validbefore"] = time_of(paper.before);
  if (!paper.critical.empty()) out["criticaloptions"] = paper.critical;
  if (!paper.extensions.empty()) out["extensions"] = paper.extensions;
  if (const auto signer = parse_blob(paper.signer)) out["signer_sha256"] = sha256_fingerprint(signer->blob);
  return out;
}

Json to_json(const std::string& path, const Key& key) {
  Json out = {{"path", path},
              {"line", key.line},
              {"type", type_text(key.type)},
              {"format", key.format},
              {"encrypted", key.encrypted}};
  const PublicKey& half = key.half;
  if (!half.kind.empty()) out["kind"] = half.kind;
  if (half.bits > 0) out["bits"] = half.bits;
  if (!half.blob.empty()) {
    if (auto md5 = md5_fingerprint(half.blob); !md5.empty()) out["fingerprint_md5"] = std::move(md5);
    out["fingerprint_sha256"] = sha256_fingerprint(half.blob);
  }
  if (!key.comment.empty()) out["comment"] = key.comment;
  if (!key.options.empty()) out["options"] = key.options;
  if (!half.application.empty()) out["application"] = half.application;
  if (half.certificate) out["certificate"] = to_json(*half.certificate);
  return out;
}

// --- the module ---

class Search {
 public:
  Search(const Host& host, Budget& budget, Answer& answer) : host_(host), budget_(budget), answer_(answer) {}

  void run(const std::string& path, int depth, bool missing_matters) {
    Walk walk{host_, budget_, file_size_max, [this](const std::string& at) { return file(at); },
              [this](std::string error) { trouble(std::move(error)); }};
    if (!missing_matters && !stands(path)) return;
    walk.run(path, depth);
  }

  void finish() {
    if (errors_left_out_ > 0)
      answer_.errors.push_back(fmt::format("{} more files and folders could not be read", errors_left_out_));
  }

 private:
  bool stands(const std::string& path) const {
    struct stat info {};
    return lstat(place_of(host_, path).c_str(), &info) == 0;
  }

  void trouble(std::string error) {
    if (answer_.errors.size() < errors_max)
      answer_.errors.push_back(std::move(error));
    else
      ++errors_left_out_;
  }

  bool file(const std::string& path) {
    auto content = read_file(host_, path, file_size_max);
    if (!content) {
      if (content.error().code == core::Code::world) trouble(content.error().text);
      return true;
    }
    const std::string name = path.substr(path.rfind('/') + 1);
    const bool authorized = name == "authorized_keys" || name == "authorized_keys2";
    if (!authorized && !may_hold_key(*content)) return true;
    Found found = parse_keys(*content, authorized);
    if (!found.keys.empty() && found.keys.front().type == Key::Type::private_key)
      sodium_memzero(content->data(), content->size());
    if (!found.trouble.empty())
      trouble(fmt::format("{} contained unparsable data ({})", path, found.trouble));
    if (found.keys.empty() || !told_.insert(path).second) return true;
    if (told_.size() > files_max) {
      trouble(fmt::format(
          "paths: more than {} files hold keys, and the rest is left out; name narrower paths", files_max));
      return false;
    }
    for (const Key& key : found.keys) {
      if (budget_.spent()) return false;
      Json row = to_json(path, key);
      budget_.add_bytes(core::compact_json(row).size());
      answer_.elements["keys"].push_back(std::move(row));
    }
    return true;
  }

  const Host& host_;
  Budget& budget_;
  Answer& answer_;
  std::set<std::string> told_;
  std::size_t errors_left_out_ = 0;
};

class SshKey final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::match_list; }
  std::string_view cost() const override {
    return "Reads every file of up to 1 MiB below the given paths: about 1 s and 25 MB of memory for 100,000 "
           "files that the machine has in its cache, else as long as its disk takes.";
  }
  std::string_view needs() const override {
    return "The right to read the files; without root it sees only keys that the agent's user may read, and "
           "names what it could not.";
  }

  Answer run(const Json& asked, const Host& host, Budget& budget) const override {
    Answer answer;
    answer.elements = {{"keys", nullptr}};
    Json paths = asked.value("paths", Json::array());
    const bool named = !paths.empty();
    if (!named) paths = {"/root", "/home"};
    const int depth = asked.value("maxdepth", 0);
    Search search(host, budget, answer);
    for (const Json& path : paths) {
      search.run(path.get<std::string>(), depth == 0 ? depth_usual : depth, named);
      if (budget.spent()) break;
    }
    search.finish();
    if (budget.spent()) {
      answer.success = false;
      answer.errors.push_back(budget.limit_hit());
    }
    answer.found_anything = answer.elements["keys"].is_array();
    return answer;
  }

  std::vector<std::string> print(const Answer& answer, bool found_only) const override {
    std::vector<std::string> out;
    const Json keys = answer.elements.is_object() ? answer.elements.value("keys", Json()) : Json();
    for (const Json& key : keys) {
      if (!key.is_object()) continue;
      const std::string type = text_of(key, "type", "unknown");
      std::string line = fmt::format("{} [{}]", text_of(key, "path", "unknown"), type);
      if (type == "private")
        line += fmt::format(" (encrypted={})", key.value("encrypted", Json(false)) == Json(true));
      out.push_back(fmt::format("{} md5fp={} sha256fp={}", line, text_of(key, "fingerprint_md5", "unknown"),
                                text_of(key, "fingerprint_sha256", "unknown")));
    }
    if (!found_only) out.insert(out.end(), answer.errors.begin(), answer.errors.end());
    return out;
  }

  void mask(Answer& answer) const override {
    if (answer.elements.is_object() && answer.elements.contains("keys") && answer.elements["keys"].is_array())
      for (Json& key : answer.elements["keys"]) mask_key(key);
    for (std::string& error : answer.errors) error = "masked";
  }

 private:
  static std::string text_of(const Json& object, const char* key, const char* otherwise) {
    const auto at = object.find(key);
    return at != object.end() && at->is_string() && !at->get_ref<const std::string&>().empty()
               ? at->get<std::string>()
               : otherwise;
  }

  static void mask_key(Json& key) {
    if (!key.is_object()) return;
    for (const char* name : {"path", "comment", "application"})
      if (key.contains(name)) key[name] = "masked";
    for (const char* name : {"options", "certificate"}) key.erase(name);
  }

  core::Schema parameters_ = make_parameters();
  core::Schema row_ = make_row();
};

}  // namespace

const Module& module() {
  static const SshKey the_module;
  return the_module;
}

}  // namespace mig::modules::sshkey
