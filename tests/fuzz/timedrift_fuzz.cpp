// leans on: modules
// What a time server, or anybody in its place, sends; and the files in which a machine's servers stand. The
// first octet chooses.
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "modules/timedrift/servers.h"
#include "modules/timedrift/sntp.h"
#include "tests/fuzz/fuzz.h"

using namespace mig;
namespace timedrift = modules::timedrift;

namespace {

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/mig-fuzz-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

void files(std::string_view where, core::BytesView content) {
  Folder root;
  const std::filesystem::path at = root.path + std::string(where);
  std::filesystem::create_directories(at.parent_path());
  std::ofstream(at, std::ios::binary) << content;
  std::vector<std::string> errors;
  const auto servers = timedrift::configured_servers({root.path, "/proc"}, errors);
  MIG_CHECK(servers.size() <= 32, "no more servers than can be asked");
  for (const auto& server : servers) {
    const auto again = timedrift::parse_server(server.text);
    MIG_CHECK(again && again->host == server.host && again->port == server.port,
              "a server's name is that server");
  }
}

void packet(core::BytesView bytes) {
  constexpr std::int64_t now = 1'800'000'000'000'000'000, latency = 2'000'000;
  if (bytes.size() < 48)
    return MIG_CHECK(!timedrift::read_answer(bytes, "12345678", now, latency), "too short for an answer");
  const auto said = timedrift::read_answer(bytes, bytes.substr(24, 8), now, latency);
  MIG_CHECK(!timedrift::read_answer(bytes, "\x01somebody", now, latency), "an answer to another question");
  if (!said) return;
  if (!*said) return MIG_CHECK(!said->error().text.empty(), "a refusal says why");
  MIG_CHECK((**said).latency_ns == latency && (**said).server_ns + (**said).drift_ns == now + latency,
            "drift is local minus server");
  const int stratum = static_cast<unsigned char>(bytes[1]);
  MIG_CHECK(stratum >= 1 && stratum <= 15, "a server that is not in time itself tells none");
}

}  // namespace

MIG_FUZZ(timedrift) {
  constexpr std::array<std::string_view, 4> places = {"/etc/chrony/chrony.conf", "/etc/chrony.conf",
                                                      "/etc/systemd/timesyncd.conf", "/etc/ntp.conf"};
  if (input.empty()) return;
  const auto choice = static_cast<unsigned char>(input.front()) % (places.size() + 1);
  choice == 0 ? packet(input.substr(1)) : files(places[choice - 1], input.substr(1));
}
