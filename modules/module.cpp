#include "modules/module.h"

#include <fmt/format.h>

#include <exception>
#include <new>
#include <span>

namespace mig::modules {

using core::Json;

std::string Answer::to_json() const {
  return fmt::format(R"({{"foundanything":{},"success":{},"elements":{},"statistics":{},"errors":{}}})",
                     found_anything, success, core::compact_json(elements), core::compact_json(statistics),
                     errors.empty() ? "null" : core::compact_json(Json(errors)));
}

namespace {

core::Result<bool> boolean_of(const Json& json, const char* key) {
  auto at = json.find(key);
  if (at == json.end() || !at->is_boolean())
    return core::invalid(fmt::format("result: {} is missing or not true or false", key));
  return at->get<bool>();
}

core::Result<std::vector<std::string>> errors_of(const Json& json) {
  std::vector<std::string> out;
  auto at = json.find("errors");
  if (at == json.end() || at->is_null()) return out;
  if (!at->is_array()) return core::invalid("result: errors is neither a list nor null");
  for (const Json& error : *at) {
    if (!error.is_string()) return core::invalid("result: errors holds something that is not a text");
    out.push_back(error.get<std::string>());
  }
  return out;
}

}  // namespace

core::Result<Answer> Answer::from_json(const Json& json) {
  if (!json.is_object()) return core::invalid("result: not an object");
  auto found = boolean_of(json, "foundanything");
  if (!found) return found.error();
  auto success = boolean_of(json, "success");
  if (!success) return success.error();
  auto errors = errors_of(json);
  if (!errors) return errors.error();
  Answer out;
  out.found_anything = *found;
  out.success = *success;
  out.errors = std::move(*errors);
  out.elements = json.value("elements", Json());
  out.statistics = json.value("statistics", Json());
  return out;
}

std::string_view to_text(Disclosure disclosure) {
  switch (disclosure) {
    case Disclosure::count: return "numbers only";
    case Disclosure::yes_no: return "whether something was found";
    case Disclosure::match_list: return "a list of what matched";
    case Disclosure::excerpt: break;
  }
  return "pieces of content";
}

Answer Answer::failure(std::string error) {
  Answer out;
  out.success = false;
  out.errors.push_back(std::move(error));
  return out;
}

const Module* find(std::string_view name) {
  for (const Module* module : all())
    if (module->parameters().name == name) return module;
  return nullptr;
}

std::vector<Answer> Module::run_together(const std::vector<Json>& parameters, const Host& host, Budget& budget) const {
  std::vector<Answer> out;
  for (const Json& one : parameters) out.push_back(run(one, host, budget));
  return out;
}

namespace {

std::vector<Answer> run_all(std::string_view name, std::span<const Json> parameters, const Host& host, Budget& budget) {
  const Module* module = find(name);
  if (module == nullptr) return std::vector<Answer>(parameters.size(), Answer::failure(fmt::format("module '{}' is not available", name)));
  std::vector<Answer> out(parameters.size());
  try {
    std::vector<Json> good;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      auto checked = core::check_document(module->parameters(), parameters[i].is_null() ? Json::object() : parameters[i]);
      if (!checked) {
        out[i] = Answer::failure(checked.error().text);
        continue;
      }
      good.push_back(std::move(*checked));
      places.push_back(i);
    }
    if (good.empty()) return out;
    auto answers = module->run_together(good, host, budget);
    for (std::size_t i = 0; i < places.size(); ++i) out[places[i]] = std::move(answers[i]);
    return out;
  } catch (const std::bad_alloc&) {
    budget.stop(Budget::Limit::memory);
    return std::vector<Answer>(parameters.size(), Answer::failure(fmt::format("module '{}' stopped: it asked for more memory than it may have (memory limit)", name)));
  } catch (const std::exception& trouble) {  // a library's exception ends here, at the door
    return std::vector<Answer>(parameters.size(), Answer::failure(fmt::format("module '{}' broke off: {}", name, trouble.what())));
  }
}

}  // namespace

Answer run(std::string_view name, const Json& parameters, const Host& host, Budget& budget) { return run_all(name, {&parameters, 1}, host, budget)[0]; }

std::vector<Answer> run_together(std::string_view name, const std::vector<Json>& parameters, const Host& host, Budget& budget) {
  return run_all(name, parameters, host, budget);
}

}  // namespace mig::modules
