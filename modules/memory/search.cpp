#include "modules/memory/search.h"

#include <fmt/format.h>
#include <re2/re2.h>
#include <string.h>

#include <algorithm>
#include <map>

namespace mig::modules::memory {
namespace {

using core::Field;
using core::Json;
using core::Status;
using core::Type;

/// The longest match of an expression that is surely found.
constexpr std::size_t content_bytes_max = 64 * 1024;
constexpr std::pair<const char*, Kind> keys[] = {
    {"names", Kind::name}, {"libraries", Kind::library}, {"bytes", Kind::bytes}, {"contents", Kind::content}};

std::shared_ptr<const re2::RE2> regex_of(std::string_view text, bool raw) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  if (raw) options.set_encoding(re2::RE2::Options::EncodingLatin1);
  return std::make_shared<const re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
}

Status check_label(std::string_view label) {
  const bool good = !label.empty() && label.size() <= 64 &&
                    std::all_of(label.begin(), label.end(),
                                [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
  if (good) return core::Done{};
  return core::invalid(
      fmt::format("'{}' is not right; write 1 to 64 letters, digits, - and _", label.substr(0, 80)));
}

Status check_pattern(std::string_view text) {
  if (text.empty()) return core::invalid("the regular expression is empty; write .* to match everything");
  auto regex = regex_of(text, false);
  if (regex->ok()) return core::Done{};
  return core::invalid(
      fmt::format("'{}' is not a regular expression: {}; RE2 syntax is understood", text, regex->error()));
}

Status check_bytes(std::string_view text) {
  if (!text.empty() && text.size() % 2 == 0 && core::from_hex(text)) return core::Done{};
  return core::invalid(fmt::format("'{}' is not right; write an even number of hexadecimal digits without 0x",
                                   text.substr(0, 80)));
}

Field list(const char* name, const char* flag, const char* example, const char* help,
           std::function<Status(std::string_view)> check) {
  return {.name = name,
          .type = Type::texts,
          .help = help,
          .flag = flag,
          .example = example,
          .check = std::move(check)};
}

core::Schema make_options() {
  core::Schema out{"options", "How a search is done.", {}, {}};
  out.fields.push_back(
      {.name = "matchall",
       .type = Type::boolean,
       .help = "a process must match every value; otherwise each value is looked for by itself",
       .flag = "matchall",
       .fallback = false,
       .flag_fallback = true,
       .flag_off = "matchany"});
  out.fields.push_back({.name = "offset",
                        .type = Type::number,
                        .help = "address from which memory is read",
                        .flag = "offset",
                        .fallback = 0,
                        .low = 0,
                        .flag_also = {"maxdepth"}});
  out.fields.push_back({.name = "maxlength",
                        .type = Type::number,
                        .help = "bytes that are read of each process at most; 0: no limit",
                        .flag = "maxlength",
                        .fallback = 0,
                        .low = 0,
                        .flag_also = {"matchlimit"}});
  out.fields.push_back({.name = "logfailures",
                        .type = Type::boolean,
                        .help = "list also what is no obstacle: memory that went away while it was read",
                        .flag = "logfailures",
                        .fallback = false});
  out.fields.push_back({.name = "self",
                        .type = Type::boolean,
                        .help = "look also at the agent itself, which holds what is looked for",
                        .flag = "self",
                        .fallback = false});
  return out;
}

core::Schema make_search() {
  core::Schema out{"search", "One search: what a process must hold.", {}, {}};
  out.fields.push_back(
      {.name = "description", .type = Type::text, .help = "words for people; given back with the result"});
  out.fields.push_back(
      list("names", "name", "sshd$", "expression on the path of the program", check_pattern));
  out.fields.push_back(
      list("libraries", "lib", "libpam", "expression on the paths of mapped files", check_pattern));
  out.fields.push_back(list("bytes", "bytes", "6d7a5f00", "hexadecimal bytes in memory", check_bytes));
  out.fields.push_back(list("contents", "content", "BEGIN RSA PRIVATE KEY",
                            "expression on memory; a match of up to 64 KiB is found wherever it lies",
                            check_pattern));
  Field options{.name = "options", .type = Type::object, .help = "how the search is done"};
  options.fallback = Json::object();
  options.inner = std::make_shared<const core::Schema>(make_options());
  out.fields.push_back(std::move(options));
  return out;
}

}  // namespace

core::Schema make_parameters() {
  core::Schema out{
      "memory", "Which processes match by program, library, or what lies in their memory.", {}, {}};
  Field searches{.name = "searches",
                 .type = Type::map,
                 .help = "label to search; the command line makes one, s1",
                 .required = true};
  searches.map_key = "s1";
  searches.required_unless_empty = true;
  searches.check = check_label;
  searches.inner = std::make_shared<const core::Schema>(make_search());
  out.fields.push_back(std::move(searches));
  out.examples = {
      {"mig memory -name sshd -content 'ssh-rsa AAAA[0-9A-Za-z+/]+'", "keys in the memory of ssh daemons"},
      {"mig memory -lib libcurl -matchany", "who has loaded a library"},
      {"mig memory -bytes 4d5a9000 -name .", "programs of another system in memory"}};
  return out;
}

core::Result<std::vector<Search>> compile(const Json& parameters) {
  std::vector<Search> out;
  for (const auto& [label, json] : parameters.at("searches").items()) {
    Search search;
    search.label = label;
    search.description = json.value("description", "");
    const Json& options = json.at("options");
    search.matchall = options.value("matchall", false);
    search.logfailures = options.value("logfailures", false);
    search.self = options.value("self", false);
    search.offset = static_cast<std::uint64_t>(std::clamp(options.value("offset", 0.0), 0.0, 9e18));
    search.maxlength = static_cast<std::uint64_t>(std::clamp(options.value("maxlength", 0.0), 0.0, 9e18));
    for (const auto& [key, kind] : keys) {
      if (!json.contains(key)) continue;
      for (const Json& value : json[key]) {
        Check check;
        check.kind = kind;
        check.key = key;
        check.value = value.get<std::string>();
        if (kind == Kind::bytes) {
          check.bytes = *core::from_hex(check.value);
        } else {
          check.regex = regex_of(check.value, false);
          if (kind == Kind::content) check.raw = regex_of(check.value, true);
        }
        search.checks.push_back(std::move(check));
      }
    }
    out.push_back(std::move(search));
  }
  return out;
}

Json options_of(const Search& search) {
  Json out = {{"offset", search.offset},
              {"maxlength", search.maxlength},
              {"logfailures", search.logfailures},
              {"matchall", search.matchall}};
  if (search.self) out["self"] = true;
  return out;
}

Needles::Needles(std::vector<Search>& searches) : overlap_(0) {
  std::map<std::pair<Kind, std::string>, unsigned> known;
  std::vector<scan::Finder::Regex> expressions;
  std::vector<std::string> bytes;
  std::vector<unsigned> of_bytes;
  for (Search& search : searches)
    for (Check& check : search.checks) {
      if (check.kind != Kind::bytes && check.kind != Kind::content) continue;
      auto [at, fresh] =
          known.emplace(std::make_pair(check.kind, check.kind == Kind::bytes ? check.bytes : check.value),
                        static_cast<unsigned>(checks_.size()));
      check.needle = at->second;
      if (!fresh) continue;
      checks_.push_back(&check);
      if (check.kind == Kind::bytes) {
        bytes.push_back(check.bytes);
        of_bytes.push_back(check.needle);
        overlap_ = std::max(overlap_, check.bytes.size());
      } else {
        expressions.push_back(check.regex);
        numbers_.push_back(check.needle);
        overlap_ = std::max(overlap_, content_bytes_max);
      }
    }
  numbers_.insert(numbers_.end(), of_bytes.begin(), of_bytes.end());
  in_finder_.resize(numbers_.size());
  for (unsigned i = 0; i < numbers_.size(); ++i) in_finder_[numbers_[i]] = i;
  finder_ = std::make_unique<scan::Finder>(std::move(expressions), bytes, scan::Text::bytes);
}

bool Needles::Look::candidate(unsigned number, std::size_t end) {
  const unsigned needle = needles_.numbers_[number];
  if (settled_[needle]) return false;
  const Check& check = *needles_.checks_[needle];
  if (check.kind == Kind::content) {
    const std::size_t reach = std::min(needles_.finder_->width(number), content_bytes_max);
    const std::size_t from = end - std::min(end, reach), to = std::min(window_.size(), end + reach);
    const re2::StringPiece text(window_.data(), window_.size());
    if (!check.raw->Match(text, from, to, re2::RE2::UNANCHORED, nullptr, 0) &&
        !check.regex->Match(text, from, to, re2::RE2::UNANCHORED, nullptr, 0))
      return false;
  }
  settled_[needle] = (*seen_)(needle, end);
  return false;
}

void Needles::Look::through(std::string_view window, const std::function<bool(unsigned, std::size_t)>& seen) {
  window_ = window;
  seen_ = &seen;
  needles_.finder_->scan(
      window, scratch_,
      [](void* self, unsigned number, std::size_t end) {
        return static_cast<Look*>(self)->candidate(number, end);
      },
      this);
  for (unsigned needle = 0; needle < needles_.size();
       ++needle) {  // what is too strange or too long for the automaton
    if (settled_[needle] || needles_.finder_->covers(needles_.in_finder_[needle])) continue;
    const Check& check = *needles_.checks_[needle];
    if (check.kind == Kind::bytes) {
      const void* at = memmem(window.data(), window.size(), check.bytes.data(), check.bytes.size());
      if (at)
        settled_[needle] =
            seen(needle,
                 static_cast<std::size_t>(static_cast<const char*>(at) - window.data()) + check.bytes.size());
      continue;
    }
    const re2::StringPiece text(window.data(), window.size());
    re2::StringPiece match;
    if (check.raw->Match(text, 0, window.size(), re2::RE2::UNANCHORED, &match, 1) ||
        check.regex->Match(text, 0, window.size(), re2::RE2::UNANCHORED, &match, 1))
      settled_[needle] = seen(needle, static_cast<std::size_t>(match.data() - window.data()) + match.size());
  }
}

}  // namespace mig::modules::memory
