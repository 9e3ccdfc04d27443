#include "modules/agentdestroy/agentdestroy.h"

namespace mig::modules::agentdestroy {
namespace {

using core::Json;
using core::Type;

core::Status check_version(std::string_view version) {
  if (!version.empty() && version.size() <= 128 &&
      version.find_first_of(std::string_view("\0\n", 2)) == version.npos)
    return core::Done{};
  return core::invalid("is no version; write what `mig-agent -V` says behind the name");
}

core::Schema make_parameters() {
  core::Schema out{
      "agentdestroy",
      "Ends an agent for good: the one that is asked, or a stray copy of it on the same machine.",
      {},
      {}};
  out.fields.push_back(
      {.name = "pid",
       .type = Type::integer,
       .help = "process to end; without it, or with its own, the agent that is asked ends itself",
       .example = "4711",
       .low = 2,
       .high = 4'194'304});
  out.fields.push_back(
      {.name = "version",
       .type = Type::text,
       .help = "what that agent says of itself when it is started with -V; another version is left alone",
       .example = "1.0.0",
       .required = true,
       .check = check_version});
  out.examples.push_back(
      {"mig run order.json",
       "it has no flags: such an order is written into a file, signed and read by others first"});
  return out;
}

core::Schema make_row() {
  core::Schema out{"agentdestroy_result",
                   "The answer is a sentence: \"PID 4711 from agent 1.0.0 has been killed and its executable "
                   "removed from /usr/local/sbin/mig-agent\".",
                   {},
                   {}};
  return out;
}

class AgentDestroy final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::match_list; }
  std::string_view cost() const override {
    return "Ends a process and may remove its executable: less than 20 ms; asking for its version starts it, and may take up to 5 s.";
  }
  std::string_view needs() const override {
    return "The right to signal the process: root, or the same user; an agent that ends itself needs none.";
  }

  Answer run(const Json&, const Host&, Budget&) const override {
    return Answer::failure("unsupported: only a running agent obeys agentdestroy, alone in its action");
  }

  std::vector<std::string> print(const Answer& answer, bool found_only) const override {
    std::vector<std::string> out;
    if (answer.elements.is_string()) out.push_back(answer.elements.get<std::string>());
    if (!found_only) out.insert(out.end(), answer.errors.begin(), answer.errors.end());
    return out;
  }

  void mask(Answer& answer) const override {
    if (answer.elements.is_string()) answer.elements = "masked";
    for (std::string& error : answer.errors) error = "masked";
  }

 private:
  core::Schema parameters_ = make_parameters();
  core::Schema row_ = make_row();
};

}  // namespace

const Module& module() {
  static const AgentDestroy the_module;
  return the_module;
}

}  // namespace mig::modules::agentdestroy
