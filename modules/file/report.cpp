#include "modules/file/report.h"

#include <fmt/format.h>

#include <algorithm>

namespace mig::modules::file {

using core::Json;

namespace {

constexpr std::size_t unmatched_listed = 100;  // an action with a hundred thousand hashes must stay small

Json options_of(const Search& search, bool zero_bounds) {
  const Options& options = search.options;
  Json json = {{"maxdepth", zero_bounds ? 0 : options.maxdepth},
               {"maxerrors", zero_bounds ? 0 : options.maxerrors},
               {"matchall", options.matchall},
               {"macroal", options.macroal},
               {"mismatch", options.mismatch.empty() ? Json(nullptr) : Json(options.mismatch)},
               {"matchlimit", zero_bounds ? 0 : options.matchlimit}};
  if (options.returnsha256) json["returnsha256"] = true;
  if (options.decompress) json["decompress"] = true;
  if (options.remotefs) json["remotefs"] = true;
  if (options.samefs) json["samefs"] = true;
  if (options.cpu > 0) json["cpu"] = options.cpu;
  if (options.readrate > 0) json["readrate"] = options.readrate;
  if (!options.debug.empty()) json["debug"] = options.debug;
  return json;
}

/// The whole search as it was asked, for matchall: the bounds are zeroed, as MIG did.
Json echo(const Search& search) {
  Json out = Json::object();
  if (!search.description.empty()) out["description"] = search.description;
  out["paths"] = search.paths;
  for (const auto& [key, values] : search.values)
    if (!values.empty()) out[key] = values;
  out["options"] = options_of(search, true);
  return out;
}

/// Reduced to the one value that matched, and to the directory of the file.
Json echo_of_check(const Search& search, const Check& check, const std::string* file) {
  Json out = Json::object();
  if (!search.description.empty()) out["description"] = search.description;
  out["options"] = options_of(search, false);
  out[*check.key] = Json::array({check.text()});
  if (file) {
    const std::size_t slash = file->rfind('/');
    out["paths"] = Json::array({slash == std::string::npos ? "." : slash == 0 ? "/" : file->substr(0, slash)});
  } else {
    out["paths"] = search.paths;
  }
  return out;
}

Json entry(const Hit* hit, Json search) {
  Json info = {{"size", hit ? hit->size : 0}, {"mode", hit ? mode_text(hit->mode) : ""}, {"lastmodified", hit ? time_text(hit->modified) : ""}};
  if (hit && !hit->sha256.empty()) info["sha256"] = hit->sha256;
  return {{"file", hit ? hit->path : ""}, {"search", std::move(search)}, {"fileinfo", std::move(info)}};
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

Json elements_of(std::vector<Search>& searches, std::size_t operation, std::uint64_t& unmatched) {
  Json out = Json::object();
  std::size_t listed = 0;
  for (Search& search : searches) {
    if (search.operation != operation) continue;
    Json& entries = out[search.label] = Json::array();
    const auto hits = search.hits->take();
    if (search.options.matchall) {
      const Json asked = echo(search);
      for (const Hit& hit : hits) entries.push_back(entry(&hit, asked));
      if (!hits.empty()) continue;
      if (listed++ < unmatched_listed) entries.push_back(entry(nullptr, asked));
      else ++unmatched;
      continue;
    }
    auto hit = hits.begin();
    for (std::uint32_t c = 0; c < search.checks.size(); ++c) {
      const bool any = hit != hits.end() && hit->check == c;
      for (; hit != hits.end() && hit->check == c; ++hit) entries.push_back(entry(&*hit, echo_of_check(search, search.checks[c], &hit->path)));
      if (any) continue;
      if (listed++ < unmatched_listed) entries.push_back(entry(nullptr, echo_of_check(search, search.checks[c], nullptr)));
      else ++unmatched;
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
