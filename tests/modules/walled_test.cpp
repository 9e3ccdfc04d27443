// Modules that look at the whole machine, run as the agent runs them: in a job of their own, behind its wall.
#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/jobs.h"

using namespace mig;
using core::Json;

namespace {

std::vector<Json> answers_behind_wall(Json operations) {
  node::Jobs jobs(MIG_BIN_DIR "/mig-agent");
  node::JobSpec spec;
  spec.id = 1;
  spec.seconds = 60;
  spec.polite = false;
  std::vector<Json> out(operations.size());
  spec.operations = std::move(operations);
  REQUIRE(jobs.start(spec));
  while (jobs.running() > 0) {
    std::vector<pollfd> polled;
    for (int fd : jobs.fds()) polled.push_back({fd, POLLIN, 0});
    poll(polled.data(), polled.size(), jobs.wait_ms().value_or(-1));
    for (const auto& part : jobs.collect()) {
      if (part.index) out.at(*part.index) = *core::parse_json(part.answer.to_json(), 1 << 24);
      if (part.last) CHECK(part.trouble == "");
    }
  }
  return out;
}

}  // namespace

TEST_CASE("netstat and process find this very program from behind the agent's wall", "[wall]") {
  if (access(MIG_BIN_DIR "/mig-agent", X_OK) != 0) {
    WARN("skipped: mig-agent is not built");
    return;
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&here), sizeof here) == 0);
  REQUIRE(listen(fd, 1) == 0);
  socklen_t size = sizeof here;
  getsockname(fd, reinterpret_cast<sockaddr*>(&here), &size);
  const std::string port = std::to_string(ntohs(here.sin_port)), program = MIG_BIN_DIR "/modules_test";
  const Json netstat = {{"listeningport", {port}}, {"listenonly", true}, {"owners", true}, {"namespaces", true}, {"localip", {"0.0.0.0/0"}}, {"localmac", {"."}}, {"neighborip", {"0.0.0.0/0"}}};
  const Json process = {{"searches", {{"s", {{"paths", {"/modules_test$"}}, {"files", {"^socket:"}}, {"options", {{"matchall", true}, {"returnsha256", true}, {"returnnamespaces", true}, {"returntree", true}}}}}}}};
  const auto answers = answers_behind_wall({{{"module", "netstat"}, {"parameters", netstat}}, {{"module", "process"}, {"parameters", process}}});
  close(fd);
  INFO(answers[0].dump());
  INFO(answers[1].dump());
  REQUIRE(answers[0]["elements"].is_object());
  bool found = false;
  for (const Json& row : answers[0]["elements"]["listeningport"][port])
    if (row["namespace"] == "default") {
      CHECK(row["processes"] == Json{{{"pid", getpid()}, {"name", "modules_test"}, {"path", program}}});
      found = true;
    }
  CHECK(found);
  found = false;
  REQUIRE(answers[1]["elements"].is_object());
  for (const Json& one : answers[1]["elements"]["s"])
    if (const Json& it = one["process"]; it["pid"] == getpid()) {
      CHECK(it["path"] == program);
      CHECK(it.value("sha256", "").size() == 64);
      CHECK(it["namespaces"].contains("net"));
      found = true;
    }
  CHECK(found);
}
