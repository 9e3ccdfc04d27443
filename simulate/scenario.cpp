// Reads and plays scenarios: a table of statements, each with its form, which is also what an error shows.
#include "simulate/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "simulate/looks.h"

namespace mig::simulate {

using namespace core;

namespace {

using Act = std::function<std::string(Stage&)>;

class Reader : public LookReader {
 public:
  Result<Scenario> read(const std::string& text) {
    std::stringstream in(text);
    std::size_t number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      if (line.starts_with("#")) {
        if (out_.lines.empty() && cast_.relays.empty()) out_.head += line.substr(std::min(line.find_first_not_of("# "), line.size())) + "\n";
        continue;
      }
      words_ = Words(line);
      if (words_.over()) continue;
      statement(number, line);
      if (!trouble_.empty()) return invalid(fmt::format("line {}: {}", number, trouble_));
    }
    if (out_.head.empty()) return invalid("line 1: say at the top, after #, what this scenario shows");
    if (out_.lines.empty()) return invalid(fmt::format("line {}: nothing happens; add statements such as: ask q", number));
    finish();
    return std::move(out_);
  }

 private:
  struct Form {
    const char* verb;
    const char* form;                          ///< what an error shows
    void (Reader::*parse)();
    bool declares;
  };
  static const std::vector<Form>& forms();

  void statement(std::size_t number, const std::string& line) {
    const std::string verb = words_.take();
    auto form = std::find_if(forms().begin(), forms().end(), [&](const Form& f) { return verb == f.verb; });
    if (form == forms().end()) {
      std::vector<std::string> verbs;
      for (const auto& f : forms()) verbs.emplace_back(f.verb);
      return fail(fmt::format("there is no statement '{}'; there are: {}", verb, fmt::join(verbs, ", ")));
    }
    if (form->declares && !out_.lines.empty()) return fail(fmt::format("'{}' stands before the first thing that happens", verb));
    if (!form->declares && cast_.agents.empty()) return fail("say who there is first: mesh R1 - R2, then agents A B at R1");
    act_ = {};
    (this->*form->parse)();
    if (trouble_.empty() && !words_.over()) fail(fmt::format("'{}' is too much", words_.rest()));
    if (!trouble_.empty()) return fail(fmt::format("{}; it reads: {}", std::exchange(trouble_, {}), form->form));
    if (act_) out_.lines.push_back({number, line, std::move(act_)});
  }

  // ---- who there is ----

  void mesh() {
    std::string left;
    do {
      const std::string name = words_.take();
      if (name.empty() || name == "-") return fail("a relay's name is missing");
      std::size_t at = index_in(cast_.relays, name);
      const bool known = at < cast_.relays.size();
      if (!known) cast_.relays.push_back(name);
      if (!left.empty() && known) {
        out_.plan.more_dials.emplace_back(at, index_in(cast_.relays, left));
      } else if (!left.empty()) {
        parents_.push_back(index_in(cast_.relays, left));
      } else if (!known) {
        if (at != 0) return fail(fmt::format("'{}' hangs in the air: a further line begins at a relay that is there", name));
        parents_.push_back(0);
      }
      left = name;
    } while (words_.maybe("-"));
  }

  /// "agents ada bob at r3 r1 as db": r3 first, r1 if that fails, no other.
  void agents() {
    std::vector<std::string> names;
    while (!words_.over() && words_.next() != "at") {
      const std::string name = words_.take();
      const unsigned count = words_.maybe("x") ? times().value_or(0) : 0;
      if (count == 0) names.push_back(name);
      for (unsigned i = 1; i <= count; ++i) names.push_back(fmt::format("{}-{}", name, i));
    }
    if (names.empty()) return fail("no agent is named");
    if (!words_.maybe("at")) return fail("where are they at home?");
    std::vector<std::size_t> homes;
    while (!words_.over() && words_.next() != "as") homes.push_back(relay());
    const std::string role = words_.maybe("as") ? words_.take() : "web";
    if (homes.empty()) return fail("where are they at home?");
    for (const auto& name : names) {
      if (index_in(cast_.agents, name) < cast_.agents.size() || index_in(cast_.relays, name) < cast_.relays.size() || name == "mig")
        return fail(fmt::format("there are two '{}'", name));
      cast_.agents.push_back(name);
      cast_.homes.push_back(homes);
      cast_.roles.push_back(role);
    }
  }

  void jobs() {
    expect("take");
    out_.job = duration();
  }

  void logs() {
    expect("last");
    out_.plan.retention_ms = duration().us / 1000;
  }

  // ---- what happens ----

  void ask() {
    const std::string name = words_.take();
    if (name.empty()) return fail("give the question a name");
    const std::string role = words_.maybe("of") ? words_.take() : "";
    const Duration valid = words_.maybe("valid") ? duration() : Duration::seconds(300);
    Stage::Attached attached = Stage::Attached::nothing;
    if (words_.maybe("with")) {
      expect("a");
      attached = words_.maybe("lost") ? Stage::Attached::lost : Stage::Attached::list;
      expect("list");
    }
    std::vector<std::string> names{name};
    if (const auto count = times(); count) {
      names.clear();
      for (unsigned i = 1; i <= *count; ++i) names.push_back(fmt::format("{}-{}", name, i));
    }
    cast_.questions.insert(names.begin(), names.end());
    act_ = [=](Stage& stage) {
      for (const auto& one : names) stage.ask(one, role, valid, attached);
      return std::string();
    };
  }

  void cancel() {
    act_ = [name = question()](Stage& stage) { return stage.cancel(name), std::string(); };
  }

  void wait() {
    act_ = [how_long = duration()](Stage& stage) { return stage.world().run([] { return false; }, how_long), std::string(); };
  }

  void crash() {
    const auto nodes = these({"losing"});
    const bool losing = words_.maybe("losing");
    if (losing) expect("the"), expect("store");
    act_ = [=](Stage& stage) {
      for (NodeIndex node : nodes) {
        stage.crash(node);
        if (losing) stage.lose_store(node);
      }
      return std::string();
    };
  }

  void start() {
    act_ = [nodes = these({})](Stage& stage) {
      for (NodeIndex node : nodes)
        if (!stage.world().alive(node)) stage.world().start(node);
      return std::string();
    };
  }

  void copy() {
    act_ = [node = node()](Stage& stage) { return stage.copy(node), std::string(); };
  }
  void restore() {
    act_ = [node = node()](Stage& stage) { return stage.restore(node) ? std::string() : "there is no copy of it; take one with: copy NODE"; };
  }

  void cut() { wires(true, "from", "towards"); }
  void mend() { wires(false, "and", "towards"); }
  void wires(bool is_cut, const char* both_word, const char* one_word) {
    const auto left = these({both_word, one_word});
    const bool one_way = words_.maybe(one_word);
    if (!one_way) expect(both_word);
    const auto right = these({});
    act_ = [=](Stage& stage) {
      for (NodeIndex a : left)
        for (NodeIndex b : right) {
          stage.cut(a, b, is_cut);
          if (!one_way) stage.cut(b, a, is_cut);
        }
      return std::string();
    };
  }

  void breaks() {
    const auto left = these({"and"});
    expect("and");
    act_ = [left, right = these({})](Stage& stage) {
      for (NodeIndex a : left)
        for (NodeIndex b : right) stage.break_wires(a, b);
      return std::string();
    };
  }

  void forget() {
    act_ = [at = relay()](Stage& stage) { return stage.fleet().forget(at), stage.checks().gave_up(), std::string(); };
  }

  void pause() {
    const NodeIndex who = node();
    expect("for");
    act_ = [who, how_long = duration()](Stage& stage) {
      stage.checks().paused(who, how_long);
      return stage.world().pause(who, how_long), std::string();
    };
  }

  void clock() {
    expect("of");
    const NodeIndex who = node();
    expect("is");
    const bool right = words_.maybe("right");
    const Duration offset = right ? Duration{0} : duration();
    const bool behind = !right && words_.maybe("behind");
    if (!right && !behind) expect("ahead");
    act_ = [=](Stage& stage) { return stage.world().set_clock(who, behind ? Duration{-offset.us} : offset, 0), std::string(); };
  }

  void disk() {
    expect("of");
    const NodeIndex who = node();
    expect("is");
    const std::string how = words_.take();
    if (how != "full" && how != "free") return fail("a disk is full or free");
    act_ = [=](Stage& stage) { return stage.world().disk(who).full(how == "full"), std::string(); };
  }

  void attach() {
    expect("mig");
    expect("at");
    act_ = [at = relay()](Stage& stage) { return stage.attach(at), std::string(); };
  }

  void swallow() {
    if (words_.maybe("nothing")) {
      act_ = [](Stage& stage) { return stage.swallow_nothing(), std::string(); };
      return;
    }
    const auto [kind, from, to] = way();
    act_ = [kind = kind, from = from, to = to](Stage& stage) { return stage.swallow(kind, from, to), std::string(); };
  }

  void replay() {
    const auto [kind, from, to] = way();
    act_ = [kind = kind, from = from, to = to](Stage& stage) { return stage.replay(kind, from, to), std::string(); };
  }

  void let() {
    const NodeIndex who = relay();
    const std::string lie = words_.take();
    if (std::find(Liar::lies().begin(), Liar::lies().end(), lie) == Liar::lies().end()) return fail(fmt::format("there is no lie '{}'; there are: {}", lie, fmt::join(Liar::lies(), ", ")));
    act_ = [who, lie](Stage& stage) { return stage.lie(who, lie), std::string(); };
  }

  void steal() {
    const NodeIndex who = agent();
    expect("from");
    const NodeIndex from = relay();
    expect("for");
    act_ = [who, from, thief = relay()](Stage& stage) { return stage.steal(thief, who, from), std::string(); };
  }

  void twin() {
    if (words_.maybe("mig")) {
      expect("at");
      act_ = [at = relay()](Stage& stage) { return stage.fleet().twin_investigator(at), std::string(); };
      return;
    }
    act_ = [who = node()](Stage& stage) { return stage.fleet().twin(who), std::string(); };
  }

  void lose() {
    expect("the"), expect("ledger");
    act_ = [](Stage& stage) { return stage.lose_ledger(), std::string(); };
  }

  void uplink() {
    expect("of");
    const NodeIndex who = node();
    expect("is");
    const std::string rate = words_.take();
    const long kilo = std::strtol(rate.c_str(), nullptr, 10);
    if (kilo <= 0 || !rate.ends_with("kB/s")) return fail(fmt::format("'{}' is no rate; write 2kB/s", rate));
    act_ = [who, kilo](Stage& stage) { return stage.world().set_rate(who, kilo * 1000), std::string(); };
  }

  void strange() {
    expect("frame"), expect("for");
    act_ = [nodes = these({})](Stage& stage) {
      for (NodeIndex node : nodes) stage.world().strange_frame(node, encode(Unknown{99}));
      return std::string();
    };
  }

  void await() {
    const auto [kind, from, to] = way();
    act_ = [kind = kind, from = from, to = to](Stage& stage) { return stage.await(kind, from, to, Duration::seconds(300)) ? "" : "no such frame left within 5 minutes"; };
  }

  std::tuple<std::string, NodeIndex, NodeIndex> way() {
    const std::string kind = frame_kind();
    expect("from");
    const NodeIndex from = node();
    expect("to");
    return {kind, from, node()};
  }

  // ---- what is seen ----

  void now() {
    act_ = [seen = look()](Stage& stage) { return seen(stage); };
  }

  void within() {
    const Duration limit = duration();
    act_ = [limit, seen = look()](Stage& stage) {
      std::string instead;
      stage.world().run([&] { return (instead = seen(stage)).empty(); }, limit);
      return instead;
    };
  }

  void for_all_of() {
    const Duration limit = duration();
    act_ = [limit, seen = look()](Stage& stage) {
      std::string instead;
      stage.world().run([&] { return !(instead = seen(stage)).empty(); }, limit);
      return instead.empty() ? instead : fmt::format("at {:.3f} s {}", static_cast<double>(stage.world().now().at.us) / 1e6, instead);
    };
  }

  void calm() {
    act_ = [](Stage& stage) { return stage.calm(); };
  }

  void finish() {
    FleetPlan& plan = out_.plan;
    plan.relays = cast_.relays.size();
    plan.agents = cast_.agents.size();
    plan.relay_names = cast_.relays;
    plan.agent_names = cast_.agents;
    plan.homes = cast_.homes;
    plan.parent_of = [parents = parents_](std::size_t i) { return parents[i]; };
    plan.role_of = [roles = cast_.roles](std::size_t i) { return roles[i]; };
  }

  Scenario out_;
  std::vector<std::size_t> parents_;
  Act act_;                                    ///< of the statement in progress
};

const std::vector<Reader::Form>& Reader::forms() {
  static const std::vector<Form> forms{
      {"mesh", "mesh R1 - R2 - R3 (R2 dials R1, R3 dials R2; the first is where agents enrol; mig is attached there)", &Reader::mesh, true},
      {"agents", "agents A B at R3 [R1 ...] [as ROLE] (they go to R3, if that fails to R1; \"A x 30 times\": A-1 to A-30)", &Reader::agents, true},
      {"jobs", "jobs take 10s", &Reader::jobs, true},
      {"logs", "logs last 10m (how long answers outlive their action)", &Reader::logs, true},
      {"ask", "ask Q [of ROLE] [valid 60s] [with a list | with a lost list] [25 times] (then Q-1, Q-2 ...)", &Reader::ask, false},
      {"cancel", "cancel Q", &Reader::cancel, false},
      {"wait", "wait 2s", &Reader::wait, false},
      {"crash", "crash N... [losing the store]", &Reader::crash, false},
      {"start", "start N...", &Reader::start, false},
      {"copy", "copy N (its disk as it is now)", &Reader::copy, false},
      {"restore", "restore N (it ends, and starts with the disk that was copied)", &Reader::restore, false},
      {"cut", "cut N... from N... | cut N... towards N... (one way)", &Reader::cut, false},
      {"mend", "mend N... and N... | mend N... towards N...", &Reader::mend, false},
      {"break", "break N... and N... (the wires between them; each end notices in its time)", &Reader::breaks, false},
      {"forget", "forget R (the ledger says so to the next process of mig)", &Reader::forget, false},
      {"pause", "pause N for 30s", &Reader::pause, false},
      {"clock", "clock of N is 5m ahead | behind, clock of N is right", &Reader::clock, false},
      {"disk", "disk of N is full | free", &Reader::disk, false},
      {"attach", "attach mig at R (a new process that knows the ledger)", &Reader::attach, false},
      {"swallow", "swallow KIND from N to N | swallow nothing", &Reader::swallow, false},
      {"replay", "replay KIND from N to N (N hears all such frames once more)", &Reader::replay, false},
      {"let", "let R LIE (what it says is twisted)", &Reader::let, false},
      {"steal", "steal A from R for R (a hand-over with a forged ticket)", &Reader::steal, false},
      {"twin", "twin N (a second machine with its keys and its disk) | twin mig at R", &Reader::twin, false},
      {"lose", "lose the ledger (the next process of mig knows nothing, but what was asked)", &Reader::lose, false},
      {"uplink", "uplink of N is 2kB/s", &Reader::uplink, false},
      {"strange", "strange frame for N... (of a type that nobody knows)", &Reader::strange, false},
      {"await", "await KIND from N to N (until the next such frame leaves)", &Reader::await, false},
      {"now", "now LOOK", &Reader::now, false},
      {"within", "within 60s LOOK (until it is so)", &Reader::within, false},
      {"for", "for 60s LOOK (all the while)", &Reader::for_all_of, false},
      {"calm", "calm (all agents answer, one register each, one board, quiet)", &Reader::calm, false},
  };
  return forms;
}

}  // namespace

Result<Scenario> read_scenario(const std::string& text) { return Reader().read(text); }

Played play(const Scenario& scenario, std::uint64_t seed, bool trace) {
  FleetPlan plan = scenario.plan;
  plan.seed = seed;
  plan.work = [](NodeIndex, const std::vector<Operation>& operations) {
    return std::vector<std::string>(operations.size(), fmt::format(R"({{"foundanything":true,"success":true,"elements":"{}","statistics":null,"errors":null}})", fleet_taint));
  };
  Stage stage(plan, trace);
  if (scenario.job.us > 0) stage.world().set_job(scenario.job);
  Played out;
  if (!stage.begin()) out.wrong.push_back("the mesh did not come up within a minute");
  for (const auto& line : scenario.lines) {
    if (!out.wrong.empty()) break;
    stage.checks().story(fmt::format("--- {}", line.text));
    const std::string instead = line.act(stage);
    if (!instead.empty()) out.wrong.push_back(fmt::format("line {}: {}\n  but {}", line.number, line.text, instead));
  }
  const auto& violations = stage.checks().violations();
  out.wrong.insert(out.wrong.end(), violations.begin(), violations.end());
  out.made = stage.checks().made();
  out.steps = stage.world().steps();
  out.frames = stage.world().frames();
  out.hash = stage.world().trace_hash();
  return out;
}

}  // namespace mig::simulate
