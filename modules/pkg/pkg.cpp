#include "modules/pkg/pkg.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <chrono>

#include "modules/pkg/packages.h"
#include "node/core/time.h"

namespace mig::modules::pkg {
namespace {

using core::Json;
using core::Type;

re2::RE2::Options quiet() {
  re2::RE2::Options out;
  out.set_log_errors(false);
  return out;
}

core::Status check_regex(std::string_view text) {
  const re2::RE2 regex(re2::StringPiece(text.data(), text.size()), quiet());
  if (regex.ok()) return core::Done{};
  return core::invalid(fmt::format("'{}' is no regular expression: {}; write ^openssl or ^libc6$", text.substr(0, 80), regex.error()));
}

core::Status check_version(std::string_view text) { return check_regex(text.starts_with('!') ? text.substr(1) : text); }

core::Schema make_parameters() {
  core::Schema match{"pkg_match", "Which names.", {}, {}};
  match.fields.push_back({.name = "matches", .type = Type::texts,
                          .help = "a regex on the names of packages; of libraries for several architectures also on name:arch",
                          .flag = "name", .example = "^openssl$", .required = true, .check = check_regex, .required_unless_empty = true});
  core::Schema out{"pkg", "Packages that are installed, by name and version.", {}, {}};
  out.fields.push_back({.name = "pkgmatch", .type = Type::object, .help = "which names", .required = true,
                        .inner = std::make_shared<const core::Schema>(std::move(match))});
  out.fields.push_back({.name = "vermatch", .type = Type::text, .help = "a regex on the version; with ! before it what does not match",
                        .flag = "version", .example = "^3\\.0\\.", .check = check_version});
  out.fields.push_back({.name = "types", .type = Type::texts, .help = "only these kinds of packages; without one all of them: rpm, dpkg, apk, pip, npm",
                        .flag = "type", .example = "dpkg", .one_of = kinds()});
  out.examples.push_back({"mig pkg -name '^openssl$' -version '^1\\.'", "who still has an old OpenSSL"});
  out.examples.push_back({"mig pkg -name '^requests$' -type pip", "who has it for Python, by pip or by a package"});
  return out;
}

core::Schema make_row() {
  core::Schema package{"pkg_package", "One package.", {}, {}};
  package.fields.push_back({.name = "name", .help = "without its architecture"});
  package.fields.push_back({.name = "version", .help = "with epoch and release, where there are any"});
  package.fields.push_back({.name = "type", .help = "who keeps it", .one_of = kinds()});
  package.fields.push_back({.name = "arch", .help = "as its manager writes it; absent for pip and npm"});
  package.fields.push_back({.name = "path", .help = "the folder that says so; only for pip and npm"});
  core::Schema out{"pkg_result", "One object for the whole answer.", {}, {}};
  out.fields.push_back({.name = "packages", .type = Type::objects,
                        .help = "those of the first regex, then those of the next; one that two regexes find stands there twice",
                        .inner = std::make_shared<const core::Schema>(std::move(package))});
  return out;
}

Json to_json(const Package& package) {
  Json out = {{"name", package.name}, {"version", package.version}, {"type", package.type}};
  if (package.path.empty()) out["arch"] = package.arch;
  else out["path"] = package.path;
  return out;
}

class Pkg final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::match_list; }
  std::string_view cost() const override {
    return "Reads the lists of what is installed, without running a package manager: about 3 ms of processor for 900 packages whose lists the machine has in its cache.";
  }
  std::string_view needs() const override {
    return "Read access to the databases of rpm, dpkg and apk, which everybody has; for pip and npm only what is installed for the whole machine is looked at.";
  }

  Answer run(const Json& asked, const Host& host, Budget& budget) const override {
    const auto began = std::chrono::steady_clock::now();
    std::set<std::string> types;
    for (const Json& type : asked.value("types", Json::array())) types.insert(type.get<std::string>());
    if (types.empty()) types = {kinds().begin(), kinds().end()};
    std::string version = asked.value("vermatch", "");
    const bool not_it = version.starts_with('!'), any_version = version.empty();
    if (not_it) version.erase(0, 1);
    const re2::RE2 version_regex(version, quiet());

    Answer answer;
    answer.elements = {{"packages", Json::array()}};
    Packages packages = list_packages(host, budget, types);
    answer.errors = std::move(packages.troubles);
    for (const Json& match : asked["pkgmatch"]["matches"]) {
      const re2::RE2 name_regex(match.get_ref<const std::string&>(), quiet());
      for (const Package& package : packages.all) {
        if (budget.spent()) break;
        // MIG asked `dpkg -l`, which writes libraries as name:arch, so documents hold both.
        if (!re2::RE2::PartialMatch(package.name, name_regex) &&
            (package.type != "dpkg" || package.arch.empty() || !re2::RE2::PartialMatch(package.name + ":" + package.arch, name_regex)))
          continue;
        if (!any_version && re2::RE2::PartialMatch(package.version, version_regex) == not_it) continue;
        budget.add_bytes(60 + package.name.size() + package.version.size() + package.arch.size() + package.path.size());
        answer.elements["packages"].push_back(to_json(package));
      }
    }
    answer.found_anything = !answer.elements["packages"].empty();
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    answer.statistics = {{"execruntime", core::format_duration({took.count()})}};
    if (budget.spent()) {
      answer.success = false;
      answer.errors.push_back(budget.limit_hit());
    }
    return answer;
  }

  std::vector<std::string> print(const Answer& answer, bool found_only) const override {
    std::vector<std::string> out;
    const auto text = [](const Json& object, const char* key) {
      const auto at = object.find(key);
      return at != object.end() && at->is_string() ? at->get<std::string>() : "";
    };
    const Json packages = answer.elements.is_object() ? answer.elements.value("packages", Json()) : Json();
    for (const Json& package : packages)
      if (package.is_object()) {
        out.push_back(fmt::format("pkgmatch name={} version={} type={} arch={}", text(package, "name"), text(package, "version"),
                                  text(package, "type"), text(package, "arch")));
        if (const std::string path = text(package, "path"); !path.empty()) out.back() += " path=" + path;
      }
    if (found_only) return out;
    out.insert(out.end(), answer.errors.begin(), answer.errors.end());
    if (answer.statistics.is_object()) out.push_back("Statistics: runtime " + text(answer.statistics, "execruntime"));
    return out;
  }

  void mask(Answer& answer) const override {
    if (answer.elements.is_object() && answer.elements.contains("packages") && answer.elements["packages"].is_array())
      for (Json& package : answer.elements["packages"])
        if (package.is_object() && package.contains("path")) package["path"] = "masked";
    for (std::string& error : answer.errors) error = "masked";
  }

 private:
  core::Schema parameters_ = make_parameters();
  core::Schema row_ = make_row();
};

}  // namespace

const Module& module() {
  static const Pkg the_module;
  return the_module;
}

}  // namespace mig::modules::pkg
