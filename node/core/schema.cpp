// The check of a document: keys, types, bounds, and what each field says about its text.
#include "node/core/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "node/core/schema_text.h"

namespace mig::core {
namespace {

std::string joined(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

std::vector<std::string> names_of(const Schema& schema) {
  std::vector<std::string> names;
  for (const Field& field : schema.fields) names.push_back(field.name);
  return names;
}

const Field* field_named(const Schema& schema, const std::string& key) {
  std::string lower = lowered(key);
  for (const Field& field : schema.fields)
    if (lowered(field.name) == lower) return &field;
  return nullptr;
}

class Checker {
 public:
  explicit Checker(Wording wording) : wording_(wording) {}

  Result<Json> object(const Schema& schema, const Json& value, const std::string& path) const {
    std::string subject = path.empty() ? schema.name : path;
    if (!value.is_object()) return invalid(fmt::format("{}: expected an object {{...}}, got {}", subject, kind(value)));
    Json out = Json::object();
    for (const auto& item : value.items()) {
      const Field* field = field_named(schema, item.key());
      if (field == nullptr) return unknown_key(schema, item.key(), path);
      if (out.contains(field->name))
        return invalid(fmt::format("{}: stands twice in different case; keep one", joined(path, field->name)));
      if (item.value().is_null() && field->type != Type::any) continue;
      Result<Json> checked = one(*field, item.value(), joined(path, field->name));
      if (!checked) return checked;
      out[field->name] = *std::move(checked);
    }
    return filled(schema, std::move(out), path);
  }

 private:
  Result<Json> filled(const Schema& schema, Json out, const std::string& path) const {
    for (const Field& field : schema.fields) {
      if (out.contains(field.name)) continue;
      if (field.required)
        return invalid(fmt::format("{}: is required; {}", subject(field, joined(path, field.name)),
                                   teach(field, wording_)));
      if (field.fallback.is_null()) continue;
      if (field.type == Type::object && field.inner) {
        Result<Json> checked = object(*field.inner, field.fallback, joined(path, field.name));
        if (!checked) return checked;
        out[field.name] = *std::move(checked);
      } else {
        out[field.name] = field.fallback;
      }
    }
    return out;
  }

  static Error unknown_key(const Schema& schema, const std::string& key, const std::string& path) {
    std::vector<std::string> known = names_of(schema);
    std::string near = nearest(key, known);
    std::string where = path.empty() ? schema.name : path;
    std::string text = fmt::format("{}: '{}' is not known", where, readable_utf8(key.substr(0, 64)));
    if (!near.empty()) return invalid(text + fmt::format("; did you mean '{}'?", near));
    return invalid(text + (known.empty() ? "; it takes no parameters"
                                         : fmt::format("; what it takes: {}", fmt::join(known, ", "))));
  }

  std::string subject(const Field& field, const std::string& path) const {
    return wording_ == Wording::flags && !field.flag.empty() ? "-" + field.flag : path;
  }

  Result<Json> one(const Field& field, const Json& value, const std::string& path) const {
    auto wrong = [&] {
      return invalid(fmt::format("{}: expected {}, got {}", subject(field, path), expected(field.type), kind(value)));
    };
    switch (field.type) {
      case Type::text:
        if (!value.is_string()) return wrong();
        if (Status fits = text(field, value, path); !fits) return fits.error();
        return value;
      case Type::texts: return texts(field, value, path);
      case Type::integer:
      case Type::number: return value.is_number() ? number(field, value, path) : Result<Json>(wrong());
      case Type::boolean: return value.is_boolean() ? Result<Json>(value) : Result<Json>(wrong());
      case Type::object: return field.inner ? object(*field.inner, value, path) : Result<Json>(value);
      case Type::map: return map(field, value, path);
      case Type::objects: return objects(field, value, path);
      case Type::any: break;
    }
    return value;
  }

  Status text(const Field& field, const Json& value, const std::string& path) const {
    Status fits = check_text(field, value.get_ref<const std::string&>());
    if (!fits) return Error{fits.error().code, subject(field, path) + ": " + fits.error().text};
    return fits;
  }

  Result<Json> texts(const Field& field, const Json& value, const std::string& path) const {
    if (!value.is_array())
      return invalid(fmt::format("{}: expected {}, got {}{}", subject(field, path), expected(field.type), kind(value),
                                 value.is_string() ? "; put it in square brackets" : ""));
    if (value.empty() && field.required_unless_empty) return empty(field, path);
    for (const Json& item : value) {
      if (!item.is_string())
        return invalid(fmt::format("{}: expected only texts in the list, got {}", subject(field, path), kind(item)));
      if (Status fits = text(field, item, path); !fits) return fits.error();
    }
    return value;
  }

  Result<Json> number(const Field& field, const Json& value, const std::string& path) const {
    double number = value.get<double>();
    if ((field.low && number < *field.low) || (field.high && number > *field.high))
      return invalid(fmt::format("{}: {} is outside {}", subject(field, path), plain_number(value), bounds(field)));
    if (field.type == Type::number || value.is_number_integer()) return value;
    if (number != std::floor(number) || std::fabs(number) > static_cast<double>(json_integer_max))
      return invalid(fmt::format("{}: {} is not a whole number", subject(field, path), plain_number(value)));
    return Json(static_cast<std::int64_t>(number));
  }

  Result<Json> map(const Field& field, const Json& value, const std::string& path) const {
    if (!value.is_object())
      return invalid(fmt::format("{}: expected {}, got {}", path, expected(field.type), kind(value)));
    if (value.empty() && field.required_unless_empty) return empty(field, path);
    Json out = Json::object();
    for (const auto& item : value.items()) {
      if (Status fits = check_text(field, item.key()); !fits)
        return Error{fits.error().code, fmt::format("{}: the label {}", path, fits.error().text)};
      Result<Json> checked = field.inner ? object(*field.inner, item.value(), joined(path, item.key()))
                                         : Result<Json>(item.value());
      if (!checked) return checked;
      out[item.key()] = *std::move(checked);
    }
    return out;
  }

  Result<Json> objects(const Field& field, const Json& value, const std::string& path) const {
    if (!value.is_array())
      return invalid(fmt::format("{}: expected {}, got {}", path, expected(field.type), kind(value)));
    if (value.empty() && field.required_unless_empty) return empty(field, path);
    Json out = Json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      Result<Json> checked = field.inner ? object(*field.inner, value[i], fmt::format("{}[{}]", path, i))
                                         : Result<Json>(value[i]);
      if (!checked) return checked;
      out.push_back(*std::move(checked));
    }
    return out;
  }

  Error empty(const Field& field, const std::string& path) const {
    return invalid(fmt::format("{}: is empty; {}", subject(field, path), teach(field, wording_)));
  }

  Wording wording_;
};

}  // namespace

Result<Json> check_document(const Schema& schema, const Json& document) {
  return Checker(Wording::keys).object(schema, document, "");
}

Result<Json> check_flags_document(const Schema& schema, const Json& document) {
  return Checker(Wording::flags).object(schema, document, "");
}

}  // namespace mig::core
