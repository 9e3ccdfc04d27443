// From command-line words to a document.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "node/core/check.h"
#include "node/core/schema_text.h"

namespace mig::core {
namespace {

bool in(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Result<bool> boolean_from(std::string_view word) {
  std::string lower = lowered(word);
  if (in(lower, {"1", "t", "true"})) return true;
  if (in(lower, {"0", "f", "false"})) return false;
  return invalid(fmt::format("'{}' is neither true nor false", word));
}

Result<Json> number_from(const Field& field, std::string_view word) {
  const char* end = word.data() + word.size();
  double number = 0;
  auto read = std::from_chars(word.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end || !std::isfinite(number))
    return invalid(fmt::format("'{}' is not {}; {}", word, expected(field.type), teach(field, Wording::flags)));
  if (number == std::floor(number) && std::fabs(number) <= static_cast<double>(json_integer_max))
    return Json(static_cast<std::int64_t>(number));
  return Json(number);
}

// One word after the other: "-flag", "-flag=value", "--flag value".
class FlagReader {
 public:
  FlagReader(const Schema& schema, const std::vector<std::string>& words) : schema_(schema), words_(words) {
    for (const FlagField& flag : flag_fields(schema)) {
      add(flag, flag.field->flag, false);
      for (const std::string& also : flag.field->flag_also) add(flag, also, false);
      if (!flag.field->flag_off.empty()) add(flag, flag.field->flag_off, true);
      fields_.push_back(flag);
    }
  }

  Result<Json> read() {
    while (at_ < words_.size()) {
      if (Status taken = word(); !taken) return taken.error();
      if (ended_) break;
    }
    if (at_ < words_.size()) return stray(words_[at_]);
    for (const FlagField& flag : off_) container(flag.path)[flag.field->name] = false;
    fill(schema_, document_);
    return check_flags_document(schema_, document_);
  }

 private:
  struct Known {
    std::string word;
    FlagField flag;
    bool off;
  };

  void add(const FlagField& flag, const std::string& word, bool off) {
    MIG_CHECK(find(word) == nullptr, "a flag word belongs to one field");
    known_.push_back({word, flag, off});
  }

  const Known* find(std::string_view word) const {
    for (const Known& known : known_)
      if (known.word == word) return &known;
    return nullptr;
  }

  Status word() {
    std::string_view word = words_[at_];
    if (word == "--") {
      ended_ = true;
      ++at_;
      return Done{};
    }
    if (word.size() < 2 || word[0] != '-') return stray(words_[at_]);
    word.remove_prefix(word[1] == '-' ? 2 : 1);
    std::size_t equals = word.find('=');
    std::string name(word.substr(0, equals));
    const Known* known = find(name);
    if (known == nullptr) return unknown(name);
    ++at_;
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = std::string(word.substr(equals + 1));
    Status taken = known->flag.field->type == Type::boolean ? boolean(*known, value) : valued(*known, value);
    if (!taken) return Error{taken.error().code, "-" + name + ": " + taken.error().text};
    return Done{};
  }

  Status boolean(const Known& known, const std::optional<std::string>& value) {
    Result<bool> given = value ? boolean_from(*value) : Result<bool>(true);
    if (!given) return given.error();
    if (!known.off)
      container(known.flag.path)[known.flag.field->name] = *given;
    else if (*given)
      off_.push_back(known.flag);
    return Done{};
  }

  Status valued(const Known& known, std::optional<std::string> value) {
    const Field& field = *known.flag.field;
    if (!value) {
      if (at_ >= words_.size()) return invalid("needs a value; " + teach(field, Wording::flags));
      const std::string& next = words_[at_];
      if (next.size() > 1 && next[0] == '-' && find(std::string_view(next).substr(next[1] == '-' ? 2 : 1)) != nullptr)
        return invalid(fmt::format("needs a value, but {} follows; {} (or -{}={} if that is the value)", next,
                                   teach(field, Wording::flags), known.word, next));
      value = next;
      ++at_;
    }
    if (field.type == Type::integer || field.type == Type::number) {
      Result<Json> number = number_from(field, *value);
      if (!number) return number.error();
      container(known.flag.path)[field.name] = *std::move(number);
      return Done{};
    }
    if (Status fits = check_text(field, *value); !fits) return fits;
    Json& place = container(known.flag.path)[field.name];
    if (field.type == Type::texts)
      place.push_back(*value);
    else
      place = *value;
    return Done{};
  }

  Error stray(const std::string& word) const {
    std::string text = fmt::format("{}: '{}' stands without a flag", schema_.name, readable_utf8(word));
    if (in(lowered(word), {"true", "false"}) && at_ > 0 && at_ <= words_.size() && words_[at_ - 1].size() > 1)
      return invalid(text + fmt::format("; on and off need '=': {}={}", words_[at_ - 1], word));
    if (fields_.empty()) return invalid(text + "; it takes no flags");
    std::string near = nearest(word, flag_words());
    if (!near.empty()) return invalid(text + fmt::format("; did you mean -{}?", near));
    return invalid(text + fmt::format("; {}", teach(*fields_.front().field, Wording::flags)));
  }

  Error unknown(const std::string& name) const {
    std::string text = fmt::format("{}: -{} is not known", schema_.name, readable_utf8(name.substr(0, 64)));
    std::vector<std::string> words = flag_words();
    std::string near = nearest(name, words);
    if (!near.empty()) return invalid(text + fmt::format("; did you mean -{}?", near));
    if (words.empty()) return invalid(text + "; it takes no flags");
    return invalid(text + fmt::format("; its flags: -{}", fmt::join(words, " -")));
  }

  std::vector<std::string> flag_words() const {
    std::vector<std::string> words;
    for (const Known& known : known_) words.push_back(known.word);
    return words;
  }

  Json& container(const std::vector<std::string>& path) {
    Json* at = &document_;
    for (const std::string& key : path) {
      Json& below = (*at)[key];
      if (below.is_null()) below = Json::object();
      at = &below;
    }
    return *at;
  }

  static bool has_flag_fallback(const Schema& schema) {
    return std::any_of(schema.fields.begin(), schema.fields.end(), [](const Field& field) {
      return !field.flag_fallback.is_null() ||
             (field.type == Type::object && field.inner && has_flag_fallback(*field.inner));
    });
  }

  // What the command line means when it is silent, in every object that stands in the document or has to.
  static void fill(const Schema& schema, Json& document) {
    for (const Field& field : schema.fields) {
      if (!field.flag_fallback.is_null() && !document.contains(field.name))
        document[field.name] = field.flag_fallback;
      if (!field.inner) continue;
      bool wanted = document.contains(field.name) || field.required;
      if (field.type == Type::object && (wanted || has_flag_fallback(*field.inner))) {
        Json& below = document[field.name];
        if (below.is_null()) below = Json::object();
        fill(*field.inner, below);
      } else if (field.type == Type::map && !field.map_key.empty() && wanted) {
        Json& below = document[field.name][field.map_key];
        if (below.is_null()) below = Json::object();
        fill(*field.inner, below);
      }
    }
  }

  const Schema& schema_;
  const std::vector<std::string>& words_;
  std::vector<Known> known_;
  std::vector<FlagField> fields_, off_;
  std::size_t at_ = 0;
  bool ended_ = false;
  Json document_ = Json::object();
};

}  // namespace

Result<Json> from_flags(const Schema& schema, const std::vector<std::string>& words) {
  return FlagReader(schema, words).read();
}

}  // namespace mig::core
