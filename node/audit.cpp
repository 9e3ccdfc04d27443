#include "node/audit.h"

#include <fmt/format.h>

#include "node/core/json.h"
#include "node/core/limits.h"
#include "node/core/time.h"

namespace mig::node {
namespace {

using namespace core;

constexpr std::size_t kept_bytes = 32 * 1024 * 1024;  ///< tens of thousands of actions; the store holds 256 MiB
constexpr std::size_t told_max = 8192;                ///< remembered answers; more may be noted twice
const std::string nothing_before(64, '0');
const Bytes head_key = "a0", prefix = "a/";

Bytes row_key(std::uint64_t number) {
  Bytes out = prefix;
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xff);
  return out;
}

std::string hash_of(BytesView line) { return to_hex(blake2b(line, Hash::size)); }

Json people(const std::vector<Fingerprint>& signers, const Roster& roster) {
  Json out = Json::array();
  for (const auto& signer : signers) {
    std::string name;
    for (const auto& investigator : roster.investigators)
      if (investigator.fingerprint == signer) name = investigator.name;
    out.push_back({{"name", name}, {"key", to_hex(signer)}});
  }
  return out;
}

Json asked_of(const Action& action) {
  Json operations = Json::array();
  for (const auto& operation : action.operations) operations.push_back({{"module", operation.module}, {"parameters", operation.parameters}});
  return {{"name", action.name}, {"target", action.target}, {"operations", std::move(operations)}};
}

/// 0 and the like where the row is not one of ours.
struct Head {
  std::uint64_t first = 1, last = 0;
  std::size_t bytes = 0;
  std::string hash = nothing_before;
};
std::optional<Head> read_head(BytesView text) {
  auto json = parse_json(text, 4096);
  if (!json || !json->is_object()) return {};
  try {
    return Head{json->at("first").get<std::uint64_t>(), json->at("last").get<std::uint64_t>(), json->at("bytes").get<std::size_t>(), json->at("hash").get<std::string>()};
  } catch (const std::exception&) {  // our own file, damaged
    return {};
  }
}

std::string text_of(const Json& json, const char* key) {
  auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : "";
}

}  // namespace

Audit::Audit(store::Store& store) : store_(store) {
  const auto row = store.get(head_key);
  const Head head = (row ? read_head(*row) : std::nullopt).value_or(Head{});
  first_ = head.first, last_ = head.last, bytes_ = head.bytes, head_ = head.hash;
}

void Audit::judged(WallMs now, const ActionId& id, const Action* action, const std::vector<Fingerprint>& signers, const Roster& roster,
                   State state, const std::string& why) {
  if (told_.size() >= told_max) told_.clear();
  if (!told_.insert({id, state}).second) return;
  if (action == nullptr && state == State::refused) {
    if (unproven_++ == 0) unproven_first_ = id.hex(), unproven_why_ = why;
    return;
  }
  Json fields = action != nullptr ? asked_of(*action) : Json::object();
  if (action != nullptr) fields["signers"] = people(signers, roster);
  if (!why.empty()) fields["why"] = why;
  add(now, std::string(to_text(state)).c_str(), id.hex(), std::move(fields));
}

void Audit::started(WallMs now, const Action& action, const std::vector<Fingerprint>& signers, const Roster& roster) {
  Json fields = asked_of(action);
  fields["signers"] = people(signers, roster);
  if (!action.description.empty()) fields["description"] = action.description;
  fields["seconds"] = action.limits.seconds;
  add(now, "started", action.id.hex(), std::move(fields));
}

void Audit::answered(WallMs now, const ActionId& id, State outcome, const std::string& trouble, std::size_t result_bytes, std::size_t parts) {
  Json fields{{"outcome", std::string(to_text(outcome))}, {"result_bytes", result_bytes}, {"parts", parts}};
  if (!trouble.empty()) fields["trouble"] = trouble;
  add(now, "answered", id.hex(), std::move(fields));
}

void Audit::flush(WallMs now) {
  if (unproven_ == 0) return;
  add(now, "refused", unproven_first_, {{"why", unproven_why_}, {"count", unproven_}});
  unproven_ = 0;
}

void Audit::add(WallMs now, const char* event, const std::string& action, Json fields) {
  fields["number"] = ++last_;
  fields["at"] = now;
  fields["event"] = event;
  fields["action"] = action;
  fields["prev"] = head_;
  const std::string line = compact_json(fields);
  head_ = hash_of(line);
  bytes_ += line.size();
  store_.put(row_key(last_), line);
  while (bytes_ > kept_bytes && first_ < last_) drop_oldest();
  write_head();
}

void Audit::drop_oldest() {
  const auto key = row_key(first_++);
  if (const auto row = store_.get(key)) bytes_ -= std::min(bytes_, row->size());
  store_.erase(key);
}

void Audit::write_head() { store_.put(head_key, compact_json({{"first", first_}, {"last", last_}, {"bytes", bytes_}, {"hash", head_}})); }

AuditReport read_audit(const Scan& scan) {
  AuditReport out;
  std::optional<Head> head;
  scan(head_key, [&](BytesView key, BytesView value) {
    if (key == head_key) head = read_head(value);
    return true;
  });
  std::uint64_t number = head ? head->first : 1;
  std::string before;
  scan(prefix, [&](BytesView key, BytesView value) {
    out.lines.emplace_back(value);
    if (!out.trouble.empty()) return true;
    const auto json = parse_json(value, store::value_bytes_max);
    if (key != row_key(number)) out.trouble = fmt::format("entry {} is missing", number);
    else if (!json || !json->is_object()) out.trouble = fmt::format("entry {} is not an entry", number);
    else if (!before.empty() && text_of(*json, "prev") != before) out.trouble = fmt::format("entry {} does not follow from the one before it: one of the two was changed", number);
    else if (number == 1 && text_of(*json, "prev") != nothing_before) out.trouble = "entry 1 names an entry before it";
    before = hash_of(value);
    ++number;
    return true;
  });
  out.head = head ? head->hash : nothing_before;
  if (!out.trouble.empty()) return out;
  if (!head && !out.lines.empty()) out.trouble = "the record of its newest entry is missing";
  else if (head && number != head->last + 1) out.trouble = fmt::format("it ends with entry {}, but {} were written", number - 1, head->last);
  else if (head && !out.lines.empty() && before != head->hash) out.trouble = fmt::format("entry {}, the newest, was changed", head->last);
  return out;
}

std::string audit_line_for_people(const std::string& line) {
  auto json = parse_json(line, store::value_bytes_max);
  if (!json || !json->is_object()) return line;
  const Json at = json->value("at", Json());
  std::string out = fmt::format("{} {} {}", at.is_number_integer() ? to_rfc3339(at.get<WallMs>()) : "?", text_of(*json, "event"), text_of(*json, "action").substr(0, 8));
  if (json->contains("name")) out += fmt::format(" '{}'", text_of(*json, "name"));
  std::string names, modules;
  const Json signers = json->value("signers", Json::array()), operations = json->value("operations", Json::array());
  for (const Json& signer : signers) names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", text_of(signer, "name"), text_of(signer, "key").substr(0, 16));
  for (const Json& operation : operations) modules += fmt::format("{}{} {}", modules.empty() ? "" : ", ", text_of(operation, "module"), compact_json(operation.value("parameters", Json())));
  if (!names.empty()) out += " signed by " + names;
  if (!modules.empty()) out += ": " + modules + "; for " + text_of(*json, "target");
  if (json->contains("outcome")) out += fmt::format(" {}, {} bytes", text_of(*json, "outcome"), compact_json((*json)["result_bytes"]));
  if (json->contains("count")) out += fmt::format(" and others: {} in all", compact_json((*json)["count"]));
  for (const char* key : {"why", "trouble"})
    if (json->contains(key)) out += ": " + text_of(*json, key);
  return out;
}

}  // namespace mig::node
