#include "modules/scan/finder.h"

#include <fmt/format.h>
#include <hs/hs.h>
#include <re2/re2.h>

#include <cstdlib>

#include "modules/scan/superset.h"
#include "node/core/check.h"

namespace mig::modules::scan {
namespace {

std::string escaped(std::string_view bytes) {
  std::string out;
  for (unsigned char byte : bytes) out += fmt::format("\\x{:02x}", byte);
  return out;
}

}  // namespace

Finder::Finder(std::vector<Regex> expressions, const std::vector<std::string>& bytes, Text text)
    : expressions_(std::move(expressions)),
      covered_(expressions_.size() + bytes.size(), 0),
      widths_(covered_.size(), unbounded) {
  std::vector<std::string> texts;
  std::vector<unsigned> flags, numbers;
  for (std::size_t i = 0; i < expressions_.size(); ++i) {
    auto superset = superset_of(expressions_[i]->pattern(), text);
    if (!superset || superset->text.empty()) continue;
    texts.push_back(std::move(superset->text));
    flags.push_back((text == Text::lines ? HS_FLAG_MULTILINE : 0U) |
                    (superset->caseless ? HS_FLAG_CASELESS : 0U));
    numbers.push_back(static_cast<unsigned>(i));
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    texts.push_back(escaped(bytes[i]));
    flags.push_back(HS_FLAG_DOTALL);
    numbers.push_back(static_cast<unsigned>(expressions_.size() + i));
  }
  compile(std::move(texts), std::move(flags), std::move(numbers));
}

Finder::~Finder() { hs_free_database(database_); }

/// What the automaton's compiler refuses is left out, one by one.
void Finder::compile(std::vector<std::string> texts, std::vector<unsigned> flags,
                     std::vector<unsigned> numbers) {
  while (!texts.empty() && database_ == nullptr) {
    std::vector<const char*> pointers;
    for (const auto& text : texts) pointers.push_back(text.c_str());
    hs_compile_error_t* error = nullptr;
    const auto code =
        hs_compile_multi(pointers.data(), flags.data(), numbers.data(), static_cast<unsigned>(texts.size()),
                         HS_MODE_BLOCK, nullptr, &database_, &error);
    if (code == HS_SUCCESS) break;
    database_ = nullptr;
    const int bad = error ? error->expression : -1;
    if (error) hs_free_compile_error(error);
    if (bad < 0 || static_cast<std::size_t>(bad) >= texts.size())
      return;  // all of them together are too much
    texts.erase(texts.begin() + bad);
    flags.erase(flags.begin() + bad);
    numbers.erase(numbers.begin() + bad);
  }
  if (database_ == nullptr) return;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    covered_[numbers[i]] = 1;
    hs_expr_info_t* info = nullptr;
    hs_compile_error_t* error = nullptr;
    if (hs_expression_info(texts[i].c_str(), flags[i], &info, &error) == HS_SUCCESS) {
      if (info->max_width != ~0U) widths_[numbers[i]] = info->max_width;
      free(info);
    } else if (error) {
      hs_free_compile_error(error);
    }
  }
}

Finder::Scratch::Scratch(const Finder& finder) {
  if (finder.database_ != nullptr)
    MIG_CHECK(hs_alloc_scratch(finder.database_, &scratch_) == HS_SUCCESS, "the finder has memory to begin");
}
Finder::Scratch::~Scratch() { hs_free_scratch(scratch_); }

bool Finder::scan(std::string_view block, Scratch& scratch, Candidate candidate, void* context) const {
  if (database_ == nullptr || block.empty()) return true;
  struct Call {
    Candidate candidate;
    void* context;
  } call{candidate, context};
  auto on_match = [](unsigned id, unsigned long long, unsigned long long to, unsigned, void* at) -> int {
    auto* inside = static_cast<Call*>(at);
    return inside->candidate(inside->context, id, static_cast<std::size_t>(to)) ? 1 : 0;
  };
  return hs_scan(database_, block.data(), static_cast<unsigned>(block.size()), 0, scratch.scratch_, on_match,
                 &call) == HS_SUCCESS;
}

}  // namespace mig::modules::scan
