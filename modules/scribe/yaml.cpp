// Documents in YAML, taken event by event: an alias, which can make megabytes out of a line, never becomes a value.
#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

#include "modules/scribe/document.h"

namespace mig::modules::scribe {
namespace {

using core::Json;

constexpr std::size_t depth_max = 12, values_max = 1'000'000;

struct Refused {
  std::string why;
};

class Builder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(mark, nullptr); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, "an alias (*) is not read; write the value"); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    if (!core::is_utf8(value)) refuse(mark, "a text is not UTF-8");
    if (wants_key()) return key(mark, value);
    // Everything is a text but three switches: "value: 5.10" and "value: true" mean these letters.
    const std::string& name = keys_.empty() ? "" : keys_.back();
    if (tag == "?" && (name == "onlynewest" || name == "expectedresult" || name == "expecterror")) {
      if (value == "true" || value == "false") return add(mark, value == "true");
      refuse(mark, name + " is neither true nor false");
    }
    if (tag == "?" && (value.empty() || value == "~" || value == "null")) return add(mark, nullptr);
    add(mark, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override { open(mark, Json::array()); }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override { open(mark, Json::object()); }
  void OnMapEnd() override { close(); }
  Json take() { return std::move(root_); }

 private:
  [[noreturn]] static void refuse(const YAML::Mark& mark, const std::string& why) { throw Refused{fmt::format("line {}: {}", mark.line + 1, why)}; }
  bool wants_key() const { return !stack_.empty() && stack_.back().is_object() && !has_key_.back(); }
  void key(const YAML::Mark& mark, const std::string& name) {
    if (stack_.back().contains(name)) refuse(mark, fmt::format("'{}' is there twice", name.substr(0, 80)));
    keys_.back() = name;
    has_key_.back() = true;
  }
  void add(const YAML::Mark& mark, Json value) {
    if (++count_ > values_max) refuse(mark, "there are too many values");
    if (wants_key()) refuse(mark, "a key is no text");
    put(std::move(value));
  }
  void put(Json value) {
    if (stack_.empty()) root_ = std::move(value);
    else if (stack_.back().is_array()) stack_.back().push_back(std::move(value));
    else {
      stack_.back()[keys_.back()] = std::move(value);
      has_key_.back() = false;
    }
  }
  void open(const YAML::Mark& mark, Json empty) {
    if (++count_ > values_max || stack_.size() >= depth_max) refuse(mark, "it goes too deep");
    if (wants_key()) refuse(mark, "a key is no text");
    stack_.push_back(std::move(empty));
    keys_.emplace_back();
    has_key_.push_back(false);
  }
  void close() {
    Json done = std::move(stack_.back());
    stack_.pop_back();
    keys_.pop_back();
    has_key_.pop_back();
    put(std::move(done));
  }

  Json root_;
  std::vector<Json> stack_;
  std::vector<std::string> keys_;
  std::vector<bool> has_key_;
  std::size_t count_ = 0;
};

/// yaml-cpp reads "[[[[" with a call for each sign; the depth is bounded before it sees it.
bool too_deep(std::string_view text) {
  std::size_t open = 0;
  for (char c : text) {
    if (c == '[' || c == '{') ++open;
    else if ((c == ']' || c == '}') && open > 0) --open;
    if (open > 400) return true;
  }
  return false;
}

}  // namespace

core::Result<Json> read_document(std::string_view text) {
  if (text.size() > document_max) return core::invalid(fmt::format("is longer than {} bytes", document_max));
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return core::invalid("is empty");
  if (text[first] == '{' || text[first] == '[') return core::parse_json(text, document_max);
  if (too_deep(text)) return core::invalid("it goes too deep");
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder;
    if (!parser.HandleNextDocument(builder)) return core::invalid("has no document in it");
    Builder second;
    if (parser.HandleNextDocument(second)) return core::invalid("has a second document behind the first");
    return builder.take();
  } catch (const Refused& refused) {
    return core::invalid(refused.why);
  } catch (const std::exception& trouble) {
    return core::invalid(trouble.what());
  }
}

}  // namespace mig::modules::scribe
