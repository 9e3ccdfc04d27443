// mig-relay: settings, store, machine, driver; then it runs until it is told to end.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "node/wire/daemon.h"
#include "relay/relay.h"
#include "store/lmdb.h"

namespace {

using namespace mig;
using core::Json;

constexpr std::size_t store_bytes = std::size_t{4} << 30;  // address space; the disk holds what is used
constexpr const char* program = "mig-relay";

struct Options {
  std::string join, name, segment, state, socks;
  double certificate_days = 30;
  bool clock_is_right = false;
  std::vector<std::string> listen, advertise, dial;
};

std::string default_state() {
  const char* home = getenv("HOME");
  return getuid() == 0 || !home ? "/var/lib/mig-relay" : std::string(home) + "/.local/state/mig-relay";
}

core::Result<std::vector<core::Endpoint>> endpoints(const Json& texts) {
  std::vector<core::Endpoint> out;
  for (const auto& text : texts) {
    auto endpoint = core::endpoint_from_text(text.get<std::string>());
    if (!endpoint) return endpoint.error();
    out.push_back(*endpoint);
  }
  return out;
}

int run(const Options& options) {
  auto state = wire::StateDirectory::open(options.state.empty() ? default_state() : options.state);
  if (!state) return wire::fail(program, state.error().text);
  if (auto ok = wire::check_proxy(options.socks == wire::no_proxy ? "" : options.socks); !ok) return wire::fail(program, "--socks: " + ok.error().text);
  for (const auto& address : options.advertise)
    if (auto ok = core::check_address(address); !ok) return wire::fail(program, "--advertise " + ok.error().text);
  auto join = state->join(options.join);
  if (!join) return wire::fail(program, join.error().text);
  if (join->role != core::Role::relay) return wire::fail(program, "this join string is for an agent; `mig invite --role relay` makes one for a relay");
  auto seed = state->seed(join->node_seed);
  if (!seed) return wire::fail(program, seed.error().text);
  auto settings = state->settings({{"name", options.name}, {"segment", options.segment}, {"listen", options.listen}, {"advertise", options.advertise}, {"dial", options.dial}, {"socks", options.socks}});
  if (!settings) return wire::fail(program, settings.error().text);
  auto dial = settings->contains("dial") ? endpoints((*settings)["dial"]) : join->relays;
  if (!dial) return wire::fail(program, dial.error().text);

  relay::RelaySetting setting;
  setting.trust = join->trust;
  setting.seed = *seed;
  const core::Keys keys(*seed);
  for (const auto& endpoint : *dial)
    if (endpoint.key != keys.link_public()) setting.dial.push_back(endpoint);
  setting.name = settings->value("name", "relay-" + keys.id().brief());
  setting.segment = settings->value("segment", "");
  if (join->invite_secret) setting.joining = core::Joining{join->enroller, join->invite, *join->invite_secret};
  setting.enroller_seed = join->enroller_seed;
  setting.roster = join->roster;
  setting.certificate_life_ms = static_cast<core::WallMs>(options.certificate_days * 24 * 3600 * 1000);
  setting.clock_is_right = options.clock_is_right;
  setting.software = MIG_VERSION;

  auto store = store::open_lmdb(state->store_path(), store_bytes);
  if (!store) return wire::fail(program, store.error().text);
  relay::Relay machine(setting, **store, wire::random_seed());
  const auto listen = settings->value("listen", std::vector<std::string>{});
  wire::Driver driver(machine, store->get(), {keys.link_public(), keys.link_secret(), listen, wire::proxy_of(*settings), 2}, {wire::log_event, {}, {}, {}, {}, {}});
  auto bound = driver.listen();
  if (!bound) return wire::fail(program, bound.error().text);
  std::vector<core::Endpoint> reachable;
  for (const auto& address : settings->value("advertise", *bound))
    if (core::check_address(address)) reachable.push_back({address, keys.link_public()});  // one that listens on all interfaces names none
  machine.reachable_at(reachable);
  std::string all;
  for (const auto& address : *bound) all += core::to_text(core::Endpoint{address, keys.link_public()}) + "\n";
  if (auto ok = state->write("endpoint", all); !ok) return wire::fail(program, ok.error().text);
  for (const auto& address : *bound) std::printf("listening %s\n", core::to_text(core::Endpoint{address, keys.link_public()}).c_str());
  std::fflush(stdout);
  wire::prepare_process(driver);
  driver.run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"A relay of a MIG mesh: passes signed questions on and keeps the answers of its agents.\n"
               "First start:  mig-relay --join mig1.xxxx --listen tcp://0.0.0.0:7447\n"
               "Afterwards:   mig-relay            (everything is kept in the state directory)"};
  app.add_option("--join", options.join, "what `mig invite --role relay` (first one: --role enroller) prints");
  app.add_option("--listen", options.listen, "address to be reached at, e.g. tcp://0.0.0.0:7447; repeat for several; none: dials out only");
  app.add_option("--advertise", options.advertise, "address agents of its segment are told for the case that theirs is gone; default: those of --listen that name a host");
  app.add_option("--dial", options.dial, "relay to keep a link to, tcp://HOST:PORT#KEY; repeat; default: those of the join string");
  app.add_option("--socks", options.socks, "HOST:PORT of a SOCKS5 proxy to dial through; none: no longer");
  app.add_option("--name", options.name, "what people call it");
  app.add_option("--segment", options.segment, "label of the network it stands in");
  app.add_option("--state", options.state, "directory for keys and store");
  app.add_option("--certificate-days", options.certificate_days, "life of the certificates an enroller issues (30); nodes renew theirs when a third of it is left")->check(CLI::Range(0.0001, 366.0));
  app.add_flag("--clock-is-right", options.clock_is_right, "start though the clock is behind the time of before: that one was wrong");
  app.set_version_flag("-V,--version", std::string("mig-relay ") + MIG_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return run(options);
}
