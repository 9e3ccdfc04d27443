#include "modules/file/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace mig::modules::file {

using core::Json;

namespace {

constexpr std::size_t unmatched_listed = 100;  // an action with a hundred thousand hashes must stay small

/// The search as it was asked. With matchall the bounds are zeroed, as MIG did.
Json echo(const Search& search, bool zero_bounds) {
  Json out = Json::object();
  if (!search.description.empty()) out["description"] = search.description;
  out["paths"] = search.paths;
  for (const auto& [key, values] : search.values) {
    if (values.empty()) continue;
    out[key] = Json::array();
    for (const Check& check : search.checks)
      if (check.key == key) out[key].push_back(check.kind == CheckKind::hash && !zero_bounds ? check.value : values[out[key].size()]);
  }
  const Options& options = search.options;
  Json& json = out["options"] = {{"maxdepth", zero_bounds ? 0 : options.maxdepth},
                                 {"maxerrors", zero_bounds ? 0 : options.maxerrors},
                                 {"matchall", options.matchall},
                                 {"macroal", options.macroal},
                                 {"mismatch", options.mismatch.empty() ? Json(nullptr) : Json(options.mismatch)},
                                 {"matchlimit", zero_bounds ? 0 : options.matchlimit}};
  if (options.returnsha256) json["returnsha256"] = true;
  if (options.decompress) json["decompress"] = true;
  if (options.remotefs) json["remotefs"] = true;
  if (!options.debug.empty()) json["debug"] = options.debug;
  return out;
}

/// Reduced to the one value that matched, and to the directory of the file.
Json echo_of_check(const Search& search, const Check& check, const std::string* file) {
  Json out = echo(search, false);
  for (const auto& [key, values] : search.values) out.erase(key);
  out[check.key] = Json::array({check.value});
  if (file) {
    const std::size_t slash = file->rfind('/');
    out["paths"] = Json::array({slash == std::string::npos ? "." : slash == 0 ? "/" : file->substr(0, slash)});
  }
  return out;
}

Json entry(const Hit* hit, Json search) {
  Json info = {{"size", hit ? hit->info.size : 0}, {"mode", hit ? hit->info.mode : ""}, {"lastmodified", hit ? hit->info.modified : ""}};
  if (hit && !hit->info.sha256.empty()) info["sha256"] = hit->info.sha256;
  return {{"file", hit ? hit->path : ""}, {"search", std::move(search)}, {"fileinfo", std::move(info)}};
}

void sort(std::vector<Hit>& hits) {
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.path < b.path; });
}

std::string checks_text(const Json& search) {
  static const std::pair<const char*, const char*> words[] = {{"names", "name"}, {"sizes", "size"}, {"modes", "mode"}, {"mtimes", "mtime"},
                                                             {"contents", "content"}, {"md5", "md5"}, {"sha1", "sha1"}, {"sha2", "sha2"}, {"sha3", "sha3"}};
  std::string out;
  for (const auto& [key, word] : words)
    if (auto values = search.find(key); values != search.end() && values->is_array())
      for (const Json& value : *values) out += fmt::format(" {}='{}'", word, value.get<std::string>());
  return out.empty() ? "" : " on checks" + out;
}

std::string line_of(const std::string& label, const Json& found) {
  const Json& info = found.at("fileinfo");
  std::string sum = info.value("sha256", "");
  for (char& c : sum) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string line = fmt::format("{} [lastmodified:{}, mode:{}, size:{}{}] in search '{}'", found.at("file").get<std::string>(), info.value("lastmodified", ""),
                                 info.value("mode", ""), info.value("size", std::uint64_t{0}), sum.empty() ? "" : ", sha256:" + sum, label);
  const Json& search = found.at("search");
  const bool matchall = search.contains("options") && search.at("options").value("matchall", false);
  return matchall ? line : line + checks_text(search);
}

}  // namespace

Json elements_of(const std::vector<Search>& searches, Findings& findings, std::uint64_t& unmatched) {
  Json out = Json::object();
  std::size_t listed = 0;
  auto nothing = [&](Json& entries, const Json& search) {
    if (listed++ < unmatched_listed)
      entries.push_back(entry(nullptr, search));
    else
      ++unmatched;
  };
  for (const Search& search : searches) {
    Json& entries = out[search.label] = Json::array();
    if (search.options.matchall) {
      auto& hits = findings.files[search.label];
      sort(hits);
      const Json asked = echo(search, true);
      for (const Hit& hit : hits) entries.push_back(entry(&hit, asked));
      if (hits.empty()) nothing(entries, asked);
      continue;
    }
    for (std::size_t c = 0; c < search.checks.size(); ++c) {
      auto& hits = findings.checks[{search.label, c}];
      sort(hits);
      for (const Hit& hit : hits) entries.push_back(entry(&hit, echo_of_check(search, search.checks[c], &hit.path)));
      if (hits.empty()) nothing(entries, echo_of_check(search, search.checks[c], nullptr));
    }
  }
  return out;
}

std::vector<std::string> lines_of(const Answer& answer, bool found_only) {
  std::vector<std::string> out;
  if (answer.elements.is_object())
    for (const auto& [label, entries] : answer.elements.items())
      for (const Json& found : entries) {
        if (!found.value("file", "").empty())
          out.push_back(line_of(label, found));
        else if (!found_only)
          out.push_back(fmt::format("0 match found in search '{}'{}", label, found.at("search").at("options").value("matchall", false) ? "" : checks_text(found.at("search"))));
      }
  if (found_only) return out;
  out.insert(out.end(), answer.errors.begin(), answer.errors.end());
  if (answer.statistics.is_object())
    out.push_back(fmt::format("Statistics: {} files checked, {} failed to open, {} matched, ran in {}.", answer.statistics.value("filescount", 0),
                              answer.statistics.value("openfailed", 0), answer.statistics.value("totalhits", 0), answer.statistics.value("exectime", "")));
  return out;
}

}  // namespace mig::modules::file
