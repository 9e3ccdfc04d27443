// Building a lab: key, mesh, relays one after the other (each must be known to the next), then all agents at once.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "investigator/files.h"
#include "investigator/join.h"
#include "investigator/lab.h"
#include "investigator/lab_mesh.h"
#include "investigator/lab_node.h"
#include "investigator/lab_root.h"
#include "investigator/mesh_init.h"

namespace mig::investigator {
namespace {

namespace fs = std::filesystem;
using core::Result;
using core::Status;

constexpr int port_tries = 5;
constexpr std::size_t socket_path_max = 75;  // gpg-agent's sockets add up to 20 octets, 107 are allowed
constexpr core::WallMs invite_life_ms = 3600 * 1000;

/// The relay that relay `number` dials.
int parent_of(int number) { return number == 3 ? 2 : number / 2; }

std::string segment_of(int relay, int segments) {
  if (relay == 1 || segments < 2) return "hq";
  return std::string("plant-") + static_cast<char>('a' + (relay - 2) % (segments - 1));
}

class Builder {
 public:
  Builder(const LabPlan& plan, const Progress& progress)
      : plan_(plan), say_(progress), programs_(plan.programs.empty() ? program_dir() : plan.programs),
        deadline_(std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(plan.seconds * 1000))) {}

  Result<Lab> build() {
    if (Status clear = clear_ground(); !clear) return clear.error();
    Status built = furnish();
    if (built) built = relays();
    if (built) built = arrivals();
    if (built && plan_.ask_mesh) built = meet();
    if (built) built = agents();
    if (built) built = arrivals();
    if (built && mesh_) built = mesh_->await_agents(lab_, deadline_);
    if (built) return lab_;
    end_processes(lab_.processes(), SIGTERM, 2);
    if (!lab_.gnupg_home.empty()) run_process({"gpgconf", "--homedir", lab_.gnupg_home, "--kill", "all"});
    return built.error();
  }

 private:
  /// Makes room: an ended lab goes, anything else in the way is left alone.
  Status clear_ground() {
    std::error_code error;
    lab_.dir = fs::absolute(plan_.dir, error).lexically_normal().string();
    while (lab_.dir.size() > 1 && lab_.dir.back() == '/') lab_.dir.pop_back();
    auto earlier = read_lab(lab_.dir);
    if (!earlier && earlier.error().code != core::Code::not_found) return earlier.error();
    if (!earlier && fs::exists(lab_.dir, error) && !fs::is_empty(lab_.dir, error))
      return core::invalid(fmt::format("--dir: {} is not empty and no lab; choose a new directory", lab_.dir));
    if (!earlier) return make_private_dir(lab_.dir);
    for (const ProcessId& process : earlier->processes())
      if (runs(process))
        return core::refused(fmt::format("{}: a lab runs here; end it with `mig lab down --dir {}`", lab_.dir, plan_.dir));
    for (const LabNode& node : earlier->nodes) fs::remove_all(earlier->node_dir(node), error);
    fs::remove_all(earlier->mig_home(), error);
    fs::remove_all(earlier->gnupg_home, error);
    fs::remove(lab_.dir + "/lab.json", error);
    return core::Done{};
  }

  Status make_gnupg_home() {
    lab_.gnupg_home = lab_.dir + "/gnupg";
    if (lab_.gnupg_home.size() <= socket_path_max) return make_private_dir(lab_.gnupg_home);
    char name[] = "/tmp/mig-lab.XXXXXX";
    if (mkdtemp(name) == nullptr) return core::Error{core::Code::world, "/tmp: no directory for gpg can be made there"};
    lab_.gnupg_home = name;
    return core::Done{};
  }

  /// The investigator: a fresh key and a mesh of her own.
  Status furnish() {
    for (const char* program : {"/mig-relay", "/mig-agent"})
      if (access((programs_ + program).c_str(), X_OK) != 0)
        return core::Error{core::Code::not_found, fmt::format("{}{}: not found; build it, it must stand beside mig",
                                                              programs_, program)};
    if (Status made = make_gnupg_home(); !made) return made;
    if (Status written = write_lab(lab_); !written) return written;
    say_("making a key and a mesh");
    auto gpg = Gpg::open(lab_.gnupg_home);
    if (!gpg) return gpg.error();
    auto key = gpg->make_key("Lab investigator <lab@mig.invalid>");
    if (!key) return key.error();
    auto home = make_mesh(lab_.mig_home(), {"lab", *key, lab_.gnupg_home});
    if (!home) return home.error();
    home_ = std::make_unique<Home>(std::move(*home));
    return core::Done{};
  }

  Status relays() {
    for (int number = 1; number <= plan_.relays; ++number) {
      LabNode node{fmt::format("relay-{}", number), true, segment_of(number, plan_.segments), {}, {}};
      say_("starting " + node.name);
      lab_.nodes.push_back(node);
      Status started = number == 1 ? first_relay() : further_relay(number);
      if (!started) return started;
    }
    return core::Done{};
  }

  /// Its port must be known beforehand. Should somebody else take it in between, another one is tried.
  Status first_relay() {
    Status started = core::Done{};
    for (int tried = 0; tried < port_tries; ++tried) {
      auto port = free_port();
      if (!port) return port.error();
      std::string address = fmt::format("tcp://127.0.0.1:{}", *port);
      auto join = invite_first_relay(*home_, {"relay-1", address});
      if (!join) return join.error();
      started = launch(lab_.nodes.back(), {"mig-relay", "--listen", address}, *join);
      if (!started) return started;
      auto endpoint = await_endpoint(lab_, lab_.nodes.back(), deadline_);
      if (endpoint) return core::Done{};
      started = endpoint.error();
      end_processes({lab_.nodes.back().process}, SIGKILL, 1);
      std::error_code error;
      fs::remove_all(lab_.node_dir(lab_.nodes.back()), error);
    }
    return started;
  }

  Status further_relay(int number) {
    Guest guest;
    guest.role = core::Role::relay;
    guest.segment = lab_.nodes.back().segment;
    guest.not_after = wall_now() + invite_life_ms;
    guest.via = {fmt::format("relay-{}", parent_of(number))};
    auto join = invite(*home_, guest);
    if (!join) return join.error();
    LabNode& node = lab_.nodes.back();
    if (Status started = launch(node, {"mig-relay", "--listen", "tcp://127.0.0.1:0"}, *join); !started) return started;
    auto endpoint = await_endpoint(lab_, node, deadline_);
    if (!endpoint) return endpoint.error();
    // Started again it must be where the others know it.
    node.words[2] = endpoint->address;
    if (Status written = write_lab(lab_); !written) return written;
    return home_->add_relay({node.name, *endpoint});
  }

  /// A relay enrols agents only when it knows a way to the first one.
  Status meet() {
    auto mesh = LabMesh::attach(lab_, deadline_);
    if (!mesh) return mesh.error();
    mesh_ = std::make_unique<LabMesh>(std::move(*mesh));
    say_("relays are up, waiting until they know each other");
    return mesh_->await_relays(lab_, deadline_);
  }

  Status agents() {
    say_(fmt::format("starting {} agents", plan_.agents));
    for (int number = 1; number <= plan_.agents; ++number)
      if (Status started = agent(LabAgent{number}, (number - 1) % plan_.relays); !started) return started;
    return write_lab(lab_);
  }

  Status agent(const LabAgent& who, int home_relay) {
    Guest guest;
    guest.segment = lab_.nodes[static_cast<std::size_t>(home_relay)].segment;
    guest.tags["role"] = who.role();
    guest.not_after = wall_now() + invite_life_ms;
    for (int i = 0; i < plan_.relays; ++i) guest.via.push_back(fmt::format("relay-{}", (home_relay + i) % plan_.relays + 1));
    auto join = invite(*home_, guest);
    if (!join) return join.error();
    lab_.nodes.push_back({who.name(), false, guest.segment, {}, {}});
    LabNode& node = lab_.nodes.back();
    std::string root = lab_.node_dir(node) + "/root";
    if (Status written = write_lab_root(who, root); !written) return written;
    return launch(node, {"mig-agent", "--root", root, "--tag", "role=" + who.role()}, *join);
  }

  Status launch(LabNode& node, std::vector<std::string> words, const core::JoinString& join) {
    words[0] = programs_ + "/" + words[0];
    for (const std::string& word : {std::string("--state"), lab_.state(node), std::string("--name"), node.name,
                                    std::string("--segment"), node.segment, std::string("--join"), core::to_text(join)})
      words.push_back(word);
    node.words = std::move(words);
    if (Status started = start_node(lab_, node); !started) return started;
    return node.relay ? write_lab(lab_) : core::Status(core::Done{});
  }

  Status arrivals() {
    std::size_t arrived = 0;
    std::string trouble;
    for (const LabNode& node : lab_.nodes) {
      std::string event = arrival_of(node);
      Status there = event.empty() ? Status(core::Done{}) : await_event(lab_, node, event, deadline_);
      if (there)
        ++arrived;
      else
        trouble += there.error().text + "\n";
    }
    if (trouble.empty()) return core::Done{};
    return core::Error{core::Code::world, fmt::format("lab: {} of {} came up\n{}", arrived, lab_.nodes.size(), trouble)};
  }

  const LabPlan& plan_;
  const Progress& say_;
  std::string programs_;
  LabDeadline deadline_;
  Lab lab_;
  std::unique_ptr<Home> home_;
  std::unique_ptr<LabMesh> mesh_;
};

}  // namespace

Result<Lab> lab_up(const LabPlan& plan, const Progress& progress) { return Builder(plan, progress).build(); }

}  // namespace mig::investigator
