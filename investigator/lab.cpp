#include "investigator/lab.h"

#include <fmt/format.h>

#include <csignal>
#include <filesystem>

#include "investigator/lab_node.h"

namespace mig::investigator {
namespace {

constexpr double leave_seconds = 5;  // to end by themselves

}  // namespace

core::Status lab_down(const std::string& dir) {
  auto lab = read_lab(dir);
  if (!lab && lab.error().code == core::Code::not_found) return core::Done{};
  if (!lab) return lab.error();
  end_processes(lab->processes(), SIGTERM, leave_seconds);
  std::error_code error;
  if (std::filesystem::exists(lab->gnupg_home, error)) run_process({"gpgconf", "--homedir", lab->gnupg_home, "--kill", "all"});
  return core::Done{};
}

core::Status lab_kill(const std::string& dir, const std::string& name) {
  auto lab = read_lab(dir);
  if (!lab) return lab.error();
  auto node = lab->node(name);
  if (!node) return node.error();
  if (!runs((*node)->process)) return core::invalid(fmt::format("{}: it does not run", name));
  end_processes({(*node)->process}, SIGKILL, leave_seconds);
  return core::Done{};
}

core::Status lab_start(const std::string& dir, const std::string& name, double seconds) {
  auto lab = read_lab(dir);
  if (!lab) return lab.error();
  auto node = lab->node(name);
  if (!node) return node.error();
  if (runs((*node)->process)) return core::invalid(fmt::format("{}: it runs already, as process {}", name,
                                                               (*node)->process.pid));
  if (core::Status started = start_node(*lab, **node); !started) return started;
  if (core::Status written = write_lab(*lab); !written) return written;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  std::string event = arrival_of(**node);
  // The first relay has nobody to dial; it is back when the others reach it again.
  if (event.empty() && lab->nodes.size() > 1 && lab->nodes[1].relay) event = "link_up";
  return event.empty() ? core::Status(core::Done{}) : await_event(*lab, **node, event, deadline);
}

}  // namespace mig::investigator
