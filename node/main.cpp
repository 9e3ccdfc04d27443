// mig-agent: one module by hand (-m), a job of the agent (--job), or the agent itself.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>

#include "node/agent.h"
#include "node/audit.h"
#include "node/facts.h"
#include "node/jobs.h"
#include "node/module_main.h"
#include "node/restrict.h"
#include "node/trust_view.h"
#include "node/wall.h"
#include "node/wire/daemon.h"
#include "store/lmdb.h"
#include "store/lmdb_peek.h"

namespace {

using namespace mig;

constexpr std::size_t store_bytes = std::size_t{256} << 20;  // address space; results wait here until they are confirmed
constexpr const char* tombstone = "destroyed";  // in the state directory: this agent was told to end for good
constexpr const char* begun = "begun";  // there as well: something was started here, so there is a journal
constexpr const char* program = "mig-agent";

struct Options {
  std::string join, name, segment, state, root, module, socks;
  std::vector<std::string> tags, relays;
  bool pretty = false, job = false, audit = false, show_trust = false;
};

std::string default_state() {
  const char* home = getenv("HOME");
  return getuid() == 0 || !home ? "/var/lib/mig-agent" : std::string(home) + "/.local/state/mig-agent";
}

/// Jobs in child processes, seen from the driver: starts go in, parts come back as facts.
class JobDoor {
 public:
  JobDoor(modules::Host host, node::Restrictions restrictions, node::Cgroups groups, wire::StateDirectory state)
      : jobs_("/proc/self/exe", std::move(groups)), host_(std::move(host)), restrictions_(std::move(restrictions)), state_(std::move(state)) {}
  void attach(wire::Driver& driver) { driver_ = &driver; }

  void start(const core::Start& order) {
    node::JobSpec spec;
    spec.id = order.job;
    spec.operations = core::Json::array();
    for (const auto& operation : order.operations) spec.operations.push_back({{"module", operation.module}, {"parameters", operation.parameters}});
    spec.enclosed = order.enclosed;
    spec.seconds = order.budget.seconds;
    spec.bytes_max = order.budget.bytes;
    spec.host = host_;
    restrictions_.apply(spec);
    if (!state_.read(begun)) (void)state_.write(begun, "");
    if (auto started = jobs_.start(std::move(spec)); !started)
      driver_->post(core::Yielded{order.job, {}, true, "error: " + started.error().text});
    watch();
  }
  void stop(core::JobId job) { jobs_.stop(job); }
  core::Instant wake() const {
    auto ms = jobs_.wait_ms();
    return ms ? driver_->now().at + core::Duration::millis(*ms) : core::Instant::never();
  }
  void collect() {
    for (auto& part : jobs_.collect()) {
      core::Yielded yielded{part.id, {}, part.last, part.trouble};
      if (part.index) yielded.results.emplace_back(*part.index, part.answer.to_json());
      driver_->post(std::move(yielded));
    }
    watch();
  }

 private:
  /// The descriptors of running children, kept in step with the driver's list.
  void watch() {
    const auto wanted = jobs_.fds();
    for (int fd : watched_)
      if (std::find(wanted.begin(), wanted.end(), fd) == wanted.end()) driver_->unwatch(fd);
    for (int fd : wanted)
      if (std::find(watched_.begin(), watched_.end(), fd) == watched_.end()) driver_->watch(fd, [this] { collect(); });
    watched_ = wanted;
  }

  node::Jobs jobs_;
  modules::Host host_;
  node::Restrictions restrictions_;
  wire::StateDirectory state_;
  wire::Driver* driver_ = nullptr;
  std::vector<int> watched_;
};

/// The administrator's file and that of this agent; both hold.
/// Of this machine, and those the program was stamped with.
core::Result<node::Restrictions> all_restrictions(const std::vector<std::string>& files) {
  auto restrictions = node::read_restrictions(files);
  auto own = core::baked();
  if (!own) return own.error();
  if (!restrictions || !*own || (*own)->restrictions.empty()) return restrictions;
  auto stamped = node::parse_restrictions((*own)->restrictions);
  if (!stamped) return core::Error{stamped.error().code, "stamped restrictions: " + stamped.error().text};
  restrictions->add(*stamped);
  return restrictions;
}

std::vector<std::string> restriction_files(const std::string& state) { return {"/etc/mig/agent-restrict.json", state + "/restrict.json"}; }

/// The agent may be running.
int show_trust(const Options& options) {
  auto own = core::baked();
  if (!own) return wire::fail(program, own.error().text);
  for (const auto& line : node::stamp_in_words(*own)) std::printf("%s\n", line.c_str());
  const std::string path = options.state.empty() ? default_state() : options.state;
  if (access(path.c_str(), F_OK) != 0) return std::fflush(stdout), wire::fail(program, path + ": is not there; name the state directory with --state");
  auto state = wire::StateDirectory::open(path);
  if (!state) return wire::fail(program, state.error().text);
  auto join = state->join("");
  if (!join) return wire::fail(program, join.error().text);
  node::TrustView view{join->trust, {}, {}, {}, restriction_files(state->path()), {}};
  auto seed = state->seed({});
  if (!seed) return wire::fail(program, seed.error().text);
  view.seed = *seed;
  view.now = static_cast<core::WallMs>(std::time(nullptr)) * 1000;
  for (const char* prefix : {"m/", "s/"})
    if (auto rows = store::peek_lmdb(state->store_path(), prefix)) view.kept.merge(*rows);
  auto restrictions = all_restrictions(view.restriction_files);
  if (!restrictions) return wire::fail(program, restrictions.error().text);
  view.restrictions = *restrictions;
  for (const auto& line : node::trust_in_words(view)) std::printf("%s\n", line.c_str());
  return 0;
}

/// What was asked of this machine, and whether the record still holds. The agent may be running.
int print_audit(const Options& options) {
  const std::string state = options.state.empty() ? default_state() : options.state;
  auto rows = store::peek_lmdb(state + "/store", "a");
  if (!rows) return wire::fail(program, rows.error().text);
  const auto report = node::read_audit([&](core::BytesView prefix, const auto& visit) {
    for (auto at = rows->lower_bound(core::Bytes(prefix)); at != rows->end() && at->first.starts_with(prefix) && visit(at->first, at->second); ++at) {
    }
  });
  for (const auto& line : report.lines) std::printf("%s\n", (options.pretty ? node::audit_line_for_people(line) : line).c_str());
  if (!report.trouble.empty()) return std::fflush(stdout), wire::fail(program, "audit: BROKEN: " + report.trouble), 1;
  std::fprintf(stderr, "%s: audit: intact, %zu entries, newest %s\n", program, report.lines.size(), report.head.c_str());
  return 0;
}

int run(const Options& options) {
  auto state = wire::StateDirectory::open(options.state.empty() ? default_state() : options.state);
  if (!state) return wire::fail(program, state.error().text);
  if (auto why = state->read(tombstone)) {
    // Not a failure: whatever starts agents again after failures must leave this one alone.
    fmt::print(stderr, "{}: {}; {}/{} keeps it from starting again\n", program, *why, state->path(), tombstone);
    return 0;
  }
  if (auto ok = wire::check_proxy(options.socks == wire::no_proxy ? "" : options.socks); !ok) return wire::fail(program, "--socks: " + ok.error().text);
  auto join = state->join(options.join);
  if (!join) return wire::fail(program, join.error().text);
  if (join->role != core::Role::agent) return wire::fail(program, "this join string is for a relay; `mig invite` makes one for an agent");
  auto seed = state->seed({});
  if (!seed) return wire::fail(program, seed.error().text);
  core::Json tags = core::Json::object();
  for (const auto& tag : options.tags) {
    const std::size_t equals = tag.find('=');
    if (equals == 0 || equals == std::string::npos) return wire::fail(program, "--tag " + tag + ": write key=value");
    tags[tag.substr(0, equals)] = tag.substr(equals + 1);
  }
  auto settings = state->settings({{"name", options.name}, {"segment", options.segment}, {"root", options.root}, {"tags", tags}, {"relays", options.relays}, {"socks", options.socks}});
  if (!settings) return wire::fail(program, settings.error().text);

  auto restrictions = all_restrictions(restriction_files(state->path()));
  if (!restrictions) return wire::fail(program, restrictions.error().text);
  node::AgentSetting setting;
  setting.refused = restrictions->refusals();
  setting.trust = join->trust;
  setting.seed = *seed;
  setting.relays = join->relays;
  for (const auto& text : settings->value("relays", std::vector<std::string>{})) {
    auto endpoint = core::endpoint_from_text(text);
    if (!endpoint) return wire::fail(program, endpoint.error().text);
    setting.relays.push_back(*endpoint);
  }
  if (join->invite_secret) setting.joining = core::Joining{join->enroller, join->invite, *join->invite_secret};
  setting.tags = settings->value("tags", std::map<std::string, std::string>{});
  setting.segment = settings->value("segment", "");
  const std::string root = settings->value("root", "");
  setting.facts = node::gather(settings->value("name", ""), setting.tags, root);
  setting.name = setting.facts.name;
  for (const auto* module : modules::all()) setting.modules.insert(module->parameters().name);
  setting.facts.environment["modules"] = setting.modules;
  setting.software = MIG_VERSION;

  auto store = store::open_lmdb(state->store_path(), store_bytes);
  if (!store) return wire::fail(program, store.error().text);
  if (state->read(begun) && !(*store)->get("m/roster"))
    wire::log_event({core::Level::alarm, "journal_lost", {{"what", "what was started here is not known any more: actions that are still valid may run once more"}}});
  node::Agent machine(setting, **store, wire::random_seed());
  auto groups = node::Cgroups::find();
  for (const auto& fact : node::wall_facts()) wire::log_event({core::Level::info, "wall", {{"what", fact}}});
  wire::log_event({core::Level::info, "wall", {{"what", groups.in_words()}}});
  JobDoor jobs({root, "/proc"}, *restrictions, std::move(groups), *state);
  const core::Keys keys(*seed);
  wire::Driver driver(machine, store->get(), {keys.link_public(), keys.link_secret(), {}, wire::proxy_of(*settings), 1},
                      {wire::log_event, {}, [&](const core::Start& start) { jobs.start(start); }, [&](core::JobId job) { jobs.stop(job); },
                       [&] { return jobs.wake(); }, [&] { jobs.collect(); }});
  jobs.attach(driver);
  wire::prepare_process(driver);
  if (driver.run([&] { return machine.over(); })) {
    const std::string why = "ended by a signed order at " + core::to_rfc3339(driver.now().wall);
    if (auto kept = state->write(tombstone, why); !kept) return wire::fail(program, kept.error().text);
    machine.buried();
    (*store)->commit();
    wire::log_event({core::Level::warning, "destroyed", {{"why", why}, {"kept_from_starting_by", state->path() + "/" + tombstone}}});
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"An agent of a MIG mesh: answers signed questions about this machine. It listens on nothing.\n"
               "First start:  mig-agent --join mig1.xxxx\n"
               "Afterwards:   mig-agent            (everything is kept in the state directory)\n"
               "One module:   mig-agent -m file <<< '{\"class\":\"parameters\",\"parameters\":{\"searches\":{\"s1\":{\"paths\":[\"/etc\"],\"names\":[\"^passwd$\"]}}}}'"};
  app.add_option("--join", options.join, "what `mig invite` prints");
  app.add_option("--name", options.name, "its name; default: the host's");
  app.add_option("--segment", options.segment, "label of the network it stands in");
  app.add_option("--tag", options.tags, "key=value that targets can ask for; repeat for several");
  app.add_option("--root", options.root, "made-up file tree that shadows the real one, for rehearsals");
  app.add_option("--relay", options.relays, "further relay to try, tcp://HOST:PORT#KEY; repeat for several");
  app.add_option("--socks", options.socks, "HOST:PORT of a SOCKS5 proxy to dial relays through; none: no longer");
  app.add_option("--state", options.state, "directory for keys and journal");
  app.add_option("-m", options.module, "run this module once: a line of JSON in, a result out");
  app.add_flag("-p", options.pretty, "with -m and --audit: lines for people");
  app.add_flag("--show-trust", options.show_trust, "print whom this agent trusts, who may ask what, and what is restricted on this machine");
  app.add_flag("--audit", options.audit, "print what was asked of this machine, by whom and what was answered, and verify the record (exit 1: broken)");
  app.add_flag("--job", options.job, "run a job handed in on standard input (what the agent starts)")->group("");
  app.set_version_flag("-V,--version", std::string("mig-agent ") + MIG_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  // Nothing is left to tidy up behind the wall, and a sanitizer's last look would break against it.
  if (options.job) _exit(node::job_main());
  if (!options.module.empty()) _exit(node::run_module(options.module, options.pretty));
  if (options.show_trust) return show_trust(options);
  if (options.audit) return print_audit(options);
  return run(options);
}
