#include "modules/file/search.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace mig::modules::file {
namespace {

using core::Json;

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::vector<std::string> texts_of(const Json& object, const std::string& key) {
  auto at = object.find(key);
  if (at == object.end() || !at->is_array()) return {};
  return at->get<std::vector<std::string>>();
}

bool boolean_of(const Json& object, const char* key) {
  auto at = object.find(key);
  return at != object.end() && at->is_boolean() && at->get<bool>();
}

/// MIG's numbers are floats; a part of a level or of a hit means nothing.
std::uint64_t count_of(const Json& object, const char* key) {
  auto at = object.find(key);
  if (at == object.end() || !at->is_number()) return 0;
  return static_cast<std::uint64_t>(std::clamp(at->get<double>(), 0.0, 9e15));
}

Options options_of(const Json& search) {
  Options out;
  auto at = search.find("options");
  if (at == search.end() || !at->is_object()) return out;
  out.matchall = boolean_of(*at, "matchall");
  out.macroal = boolean_of(*at, "macroal");
  out.returnsha256 = boolean_of(*at, "returnsha256");
  out.decompress = boolean_of(*at, "decompress");
  out.remotefs = boolean_of(*at, "remotefs");
  out.samefs = boolean_of(*at, "samefs");
  if (auto cpu = at->find("cpu"); cpu != at->end() && cpu->is_number()) out.cpu = cpu->get<double>();
  if (auto rate = at->find("readrate"); rate != at->end() && rate->is_number()) out.readrate = rate->get<double>();
  out.maxdepth = count_of(*at, "maxdepth");
  out.matchlimit = count_of(*at, "matchlimit");
  out.maxerrors = count_of(*at, "maxerrors");
  out.mismatch = texts_of(*at, "mismatch");
  if (auto debug = at->find("debug"); debug != at->end() && debug->is_string()) out.debug = debug->get<std::string>();
  return out;
}

CheckKind kind_of(const std::string& key) {
  if (key == "contents") return CheckKind::content;
  if (key == "names") return CheckKind::name;
  if (key == "sizes") return CheckKind::size;
  if (key == "modes") return CheckKind::mode;
  if (key == "mtimes") return CheckKind::mtime;
  return CheckKind::hash;
}

/// Option mismatch speaks of "name" where the key is "names"; hashes are called the same in both.
std::string mismatch_word(const std::string& key) {
  return kind_of(key) == CheckKind::hash ? key : key.substr(0, key.size() - 1);
}

core::Result<Check> make_check(const std::string& key, const std::string& value, std::int64_t now_ns) {
  Check out;
  out.kind = kind_of(key);
  out.key = &key;
  if (out.kind != CheckKind::hash) out.value = value;
  if (out.kind == CheckKind::size) {
    auto size = parse_size(value);
    if (!size) return size.error();
    out.size = *size;
  } else if (out.kind == CheckKind::mtime) {
    auto period = parse_period(value);
    if (!period) return period.error();
    const __int128 bound = static_cast<__int128>(now_ns) - static_cast<__int128>(period->seconds) * 1'000'000'000;
    // A period that reaches back beyond what 64 bits of nanoseconds tell (the year 1677) holds every file.
    const auto clamped = static_cast<std::int64_t>(std::max<__int128>(bound, std::numeric_limits<std::int64_t>::min()));
    (period->newer ? out.after_ns : out.before_ns) = clamped;
  } else if (out.kind == CheckKind::hash) {
    auto hash = parse_hash(key, value);
    if (!hash) return hash.error();
    out.hash = std::move(*hash);
    return out;
  } else {
    auto pattern = parse_pattern(value);
    if (!pattern) return pattern.error();
    out.inverse = pattern->inverse;
    out.regex = pattern->regex;
  }
  return out;
}

void sort_out(Search& search) {
  for (std::uint32_t i = 0; i < search.checks.size(); ++i) {
    const Check& check = search.checks[i];
    switch (check.kind) {
      case CheckKind::content: search.contents.push_back(i); break;
      case CheckKind::name: search.names.push_back(i); break;
      case CheckKind::hash:
        search.hashes.push_back(i);
        search.hash_kinds |= bit(check.hash.kind);
        if (check.mismatch) search.mismatched_hashes.push_back(i);
        break;
      default: search.details.push_back(i);
    }
  }
  search.by_digest.build(search.checks);
  search.hits = std::make_unique<Hits>(search.options.matchlimit);
}

core::Result<Search> compile_one(const std::string& label, const Json& json, std::int64_t now_ns) {
  Search out;
  out.label = label;
  if (auto at = json.find("description"); at != json.end() && at->is_string()) out.description = at->get<std::string>();
  for (const std::string& path : texts_of(json, "paths")) out.paths.push_back(clean_path(path));
  out.options = options_of(json);
  for (const std::string& key : check_keys()) {
    auto values = json.find(key);
    if (values == json.end() || !values->is_array()) continue;
    const auto& inverted = out.options.mismatch;
    const bool mismatch = std::find(inverted.begin(), inverted.end(), mismatch_word(key)) != inverted.end();
    out.checks.reserve(out.checks.size() + values->size());
    for (const Json& value : *values) {
      auto check = make_check(key, value.get_ref<const std::string&>(), now_ns);
      if (!check) return core::invalid(fmt::format("searches.{}.{}: {}", label, key, check.error().text));
      check->mismatch = mismatch;
      out.checks.push_back(std::move(*check));
    }
    if (out.options.matchall) out.values[key] = texts_of(json, key);
  }
  sort_out(out);
  return out;
}

}  // namespace

std::size_t HashTable::place(std::string_view digest) const {
  std::uint64_t first = 0;
  std::memcpy(&first, digest.data(), std::min(sizeof first, digest.size()));
  return (first * 0x9e3779b97f4a7c15ULL >> 20) & (slots_.size() - 1);
}

void HashTable::build(const std::vector<Check>& checks) {
  std::size_t count = 0;
  for (const Check& check : checks) count += check.kind == CheckKind::hash && !check.mismatch;
  if (count == 0) return;
  slots_.assign(std::bit_ceil(2 * count), 0);
  for (std::uint32_t i = 0; i < checks.size(); ++i) {
    if (checks[i].kind != CheckKind::hash || checks[i].mismatch) continue;
    std::size_t at = place(checks[i].hash.digest);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = i + 1;
  }
}

std::string Check::text() const {
  return kind != CheckKind::hash ? value : upper(core::to_hex(hash.digest));
}

bool Search::has(CheckKind kind) const {
  return std::any_of(checks.begin(), checks.end(), [&](const Check& check) { return check.kind == kind; });
}

const std::vector<std::string>& check_keys() {
  static const std::vector<std::string> keys = {"contents", "names", "sizes", "modes", "mtimes",
                                                "md5",      "sha1",  "sha2",  "sha3"};
  return keys;
}

core::Result<std::vector<Search>> compile(const Json& parameters, std::int64_t now_ns) {
  std::vector<Search> out;
  auto searches = parameters.find("searches");
  if (searches == parameters.end() || !searches->is_object()) return out;
  for (auto at = searches->begin(); at != searches->end(); ++at) {
    auto search = compile_one(at.key(), at.value(), now_ns);
    if (!search) return search.error();
    out.push_back(std::move(*search));
  }
  return out;
}

std::string clean_path(std::string_view path) {
  const bool rooted = !path.empty() && path.front() == '/';
  std::vector<std::string_view> kept;
  while (!path.empty()) {
    std::size_t slash = path.find('/');
    std::string_view part = path.substr(0, slash);
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part != "..") kept.push_back(part);
    else if (!kept.empty() && kept.back() != "..") kept.pop_back();
    else if (!rooted) kept.push_back(part);
  }
  std::string out = rooted ? "/" : "";
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i > 0) out += '/';
    out += kept[i];
  }
  return out.empty() ? "." : out;
}

}  // namespace mig::modules::file
