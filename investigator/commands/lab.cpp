// mig lab: a mesh of real processes on this machine.
#include <fmt/format.h>

#include "investigator/commands/command.h"
#include "investigator/lab.h"
#include "investigator/lab_root.h"

namespace mig::investigator {
namespace {

const core::Schema& schema() {
  static const core::Schema schema = [] {
    core::Field dir{.name = "dir", .help = "Directory of the lab.", .flag = "dir", .example = "/tmp/lab", .required = true};
    core::Field relays{.name = "relays", .type = core::Type::integer, .help = "up: how many relays.", .flag = "relays",
                       .fallback = 3, .low = 1, .high = 26};
    core::Field agents{.name = "agents", .type = core::Type::integer, .help = "up: how many agents.", .flag = "agents",
                       .fallback = 8, .low = 0, .high = 1000};
    core::Field segments{.name = "segments", .type = core::Type::integer, .help = "up: how many network segments.",
                         .flag = "segments", .fallback = 2, .low = 1, .high = 26};
    core::Field seconds{.name = "seconds", .type = core::Type::number, .help = "up, start: how long to wait for all.",
                        .flag = "seconds", .fallback = 60, .low = 1, .high = 3600};
    return core::Schema{"lab", "A mesh of real processes on this machine, to try things out.",
                        {dir, relays, agents, segments, seconds},
                        {{"mig lab up --relays 3 --agents 8 --dir /tmp/lab", "the last line says what MIG_HOME to use"},
                         {"mig lab kill --dir /tmp/lab relay-2", "ends one as a crash would"},
                         {"mig lab start --dir /tmp/lab relay-2", "starts it again with its state"},
                         {"mig lab down --dir /tmp/lab", "ends all; the files stay"}}};
  }();
  return schema;
}

int up(const Words& words) {
  LabPlan plan;
  plan.dir = words.text("dir");
  plan.relays = words.options["relays"].get<int>();
  plan.agents = words.options["agents"].get<int>();
  plan.segments = words.options["segments"].get<int>();
  plan.seconds = words.options["seconds"].get<double>();
  auto lab = lab_up(plan, [](const std::string& what) { fmt::print(stderr, "lab: {}\n", what); });
  if (!lab) return fail(lab.error());
  fmt::print(stderr, "lab: {} relays and {} agents are up\n", plan.relays, plan.agents);
  fmt::print("MIG_HOME={}\n", lab->mig_home());
  return 0;
}

int status(const Words& words, const Globals& globals) {
  auto lab = read_lab(words.text("dir"));
  if (!lab) return fail(lab.error());
  bool all = true;
  for (const LabNode& node : lab->nodes) {
    bool up = runs(node.process);
    all = all && up;
    const char* kind = node.relay ? "relay" : "agent";
    if (globals.json)
      fmt::print("{}\n", core::compact_json({{"type", "node"}, {"name", node.name}, {"kind", kind},
                                             {"segment", node.segment}, {"pid", node.process.pid}, {"running", up}}));
    else
      fmt::print("{:<12} {:<6} {:<8} {:>8} {}\n", node.name, kind, node.segment, node.process.pid, up ? "runs" : "ended");
  }
  return all ? 0 : 1;
}

int one(const std::string& order, const Words& words) {
  if (words.rest.size() != 1)
    return fail(core::invalid(fmt::format("lab {}: give one NAME; `mig lab status --dir {}` lists them", order,
                                          words.text("dir"))));
  core::Status done = order == "kill" ? lab_kill(words.text("dir"), words.rest[0])
                                      : lab_start(words.text("dir"), words.rest[0], words.options["seconds"].get<double>());
  return done ? 0 : fail(done.error());
}

int run(const std::vector<std::string>& words, Globals& globals) {
  if (words.empty()) return fail(core::invalid("lab: say up, down, status, kill NAME or start NAME; `mig help lab` has more"));
  auto read = read_words(schema(), {words.begin() + 1, words.end()});
  if (!read) return fail(read.error());
  const std::string& order = words[0];
  if (order == "kill" || order == "start") return one(order, *read);
  if (order != "up" && order != "down" && order != "status")
    return fail(core::invalid(fmt::format("lab: '{}' is no order; use up, down, status, kill or start", order)));
  if (!read->rest.empty()) return fail(core::invalid(fmt::format("lab {}: '{}' is one word too many", order, read->rest[0])));
  if (order == "up") return up(*read);
  if (order == "status") return status(*read, globals);
  core::Status done = lab_down(read->text("dir"));
  return done ? 0 : fail(done.error());
}

}  // namespace

Command lab_command() {
  return {"lab", "a mesh of real processes on this machine, to try things out",
          "mig lab up|down|status --dir DIR, mig lab kill|start --dir DIR NAME\n\n" + core::help_text(schema()) + "\n" +
              lab_root_text(), run};
}

}  // namespace mig::investigator
