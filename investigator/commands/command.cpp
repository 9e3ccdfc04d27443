#include "investigator/commands/command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace mig::investigator {
namespace {

using core::Field;
using core::Schema;

const Field* field_of(const Schema& schema, const std::string& flag) {
  for (const Field& field : schema.fields) {
    if (field.flag == flag || field.flag_off == flag) return &field;
    for (const std::string& also : field.flag_also)
      if (also == flag) return &field;
  }
  return nullptr;
}

}  // namespace

int fail(const core::Error& error) {
  std::fflush(stdout);
  fmt::print(stderr, "mig: {}\n", error.text);
  return 2;
}

core::Result<bool> agreed(const std::string& question, const Globals& globals) {
  if (globals.yes) return true;
  if (!isatty(0))
    return core::refused(question + " nobody can answer here (stdin is no terminal); -y answers yes");
  fmt::print(stderr, "{} [y/N] ", question);
  std::string answer;
  if (!std::getline(std::cin, answer)) return false;
  return answer == "y" || answer == "Y" || answer == "yes";
}

core::Result<Words> read_words(const Schema& schema, const std::vector<std::string>& words) {
  Words out;
  std::vector<std::string> flags;
  std::size_t at = 0;
  for (; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (word == "--") break;
    if (word.size() < 2 || word[0] != '-') {
      out.rest.push_back(word);
      continue;
    }
    flags.push_back(word);
    std::string flag = word.substr(word.find_first_not_of('-') == 2 ? 2 : 1);
    if (flag.find('=') != std::string::npos) continue;
    const Field* field = field_of(schema, flag);
    // The value of an option is its next word, whatever that looks like.
    if (field != nullptr && field->type != core::Type::boolean && at + 1 < words.size()) flags.push_back(words[++at]);
  }
  for (++at; at < words.size(); ++at) out.rest.push_back(words[at]);
  auto options = core::from_flags(schema, flags);
  if (!options) return options.error();
  out.options = std::move(*options);
  return out;
}

}  // namespace mig::investigator
