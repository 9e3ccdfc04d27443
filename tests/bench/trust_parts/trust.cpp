// What trust costs on this machine, a line of JSON a figure: {"what", "median_us", "rounds", ..}. tests/bench/trust prints it for people.
// usage: bench_trust FIXTURES MIG_AGENT
#include <fmt/format.h>
#include <poll.h>
#include <sodium.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include "node/core/seal.h"
#include "node/core/soft_key.h"
#include "node/jobs.h"
#include "tests/core/made_up_people.h"

using namespace mig;
using namespace mig::core;
using Clock = std::chrono::steady_clock;

namespace {

std::string fixtures;

Seed seed(unsigned char fill) {
  Seed out;
  out.octets.fill(fill);
  return out;
}

void must(bool held, const char* what) {
  if (held) return;
  std::fprintf(stderr, "bench_trust: %s gave a wrong result\n", what);
  _exit(1);
}

double cpu_seconds(int who) {
  rusage used{};
  getrusage(who, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void say(const std::string& what, std::vector<double> microseconds, const std::string& more = "") {
  std::sort(microseconds.begin(), microseconds.end());
  fmt::print("{{\"what\":\"{}\",\"median_us\":{:.1f},\"least_us\":{:.1f},\"rounds\":{}{}}}\n", what, microseconds[microseconds.size() / 2], microseconds[0], microseconds.size(), more);
  std::fflush(stdout);
}

/// The median over rounds of `times` calls each, in CPU time: what others do on the machine counts little then.
template <typename Work>
void measure(const char* what, int times, Work work) {
  std::vector<double> rounds;
  for (int round = 0; round < 15; ++round) {
    const double start = cpu_seconds(RUSAGE_SELF);
    for (int n = 0; n < times; ++n) must(work(), what);
    rounds.push_back((cpu_seconds(RUSAGE_SELF) - start) * 1e6 / times);
  }
  say(what, std::move(rounds));
}

Bytes file(const std::string& name) {
  std::ifstream in(fixtures + "/" + name, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

void signatures() {
  const Json manifest = *parse_json(file("manifest.json"), 1 << 20);
  const WallMs now = *from_rfc3339(manifest["now"].get<std::string>());
  const Bytes text = "MIG Mesh action 3\n" + file("action.json");
  for (const auto& [who, packet_file, what] : {std::tuple{"alice", "alice-SHA256.sig", "verify Ed25519"}, {"bob", "bob.sig", "verify RSA-2048"}, {"carol", "carol.sig", "verify RSA-4096"}}) {
    const Json& entry = manifest["keys"][who];
    SigningKey key;
    key.algorithm = entry["algorithm"] == "rsa" ? SigningKey::Algorithm::rsa : SigningKey::Algorithm::ed25519;
    key.fingerprint = entry["fingerprint"].get<std::string>();
    key.material = *from_hex(entry["material"].get<std::string>());
    key.exponent = *from_hex(entry["exponent"].get<std::string>());
    key.not_before = entry["created"].get<WallMs>() * 1000;
    const Bytes packet = file(packet_file);
    measure(what, 200, [&] {
      auto read = read_signature(packet);
      return read && verify_signature(*read, text, key, now);
    });
  }
  unsigned char pk[32], sk[64], signature[64];
  crypto_sign_keypair(pk, sk);
  const auto* message = reinterpret_cast<const unsigned char*>(text.data());
  crypto_sign_detached(signature, nullptr, message, text.size(), sk);
  measure("floor: Ed25519 verify of libsodium alone", 200, [&] { return crypto_sign_verify_detached(signature, message, text.size(), pk) == 0; });
}

struct Answers {
  Random random{seed(2)};
  ReplyKeys keys = make_reply_keys(random);
  ActionId action = action_id_of("{}");
  std::vector<Keys> agents;
  std::string results = "[" + std::string(900, 'x') + "]";
  Answers() {
    for (unsigned char n = 0; n < 64; ++n) agents.emplace_back(seed(n));
  }
  Reply reply(const Keys& agent) {
    ReplyHeader header;
    header.action = action, header.agent = agent.id(), header.started = 1, header.finished = 2;
    return make_reply(header, ReplyBody{action, agent.id(), State::found, "", results}, keys.key, agent, random);
  }
  bool opens(const Reply& reply, const Keys& agent) const {
    auto header = verify_reply(reply, agent.sign_public());
    if (!header) return false;
    auto body = open_reply(reply, *header, keys.key, keys.secret);
    return body && body->results == results;
  }
};

void replies() {
  Answers a;
  const Bytes kilobyte(1024, 'k');
  const Bytes sealed = seal(kilobyte, a.keys.key, a.random);
  measure("sign (a node's key, 1 KiB)", 200, [&] { return a.agents[0].sign("bench", kilobyte).size() == 64; });
  measure("seal 1 KiB", 200, [&] { return !seal(kilobyte, a.keys.key, a.random).empty(); });
  measure("open 1 KiB", 200, [&] { return static_cast<bool>(core::open(sealed, a.keys.key, a.keys.secret)); });
  measure("agent: make a reply of 900 bytes", 100, [&] { return !a.reply(a.agents[0]).body.empty(); });
  const Reply one = a.reply(a.agents[0]);
  measure("reader: verify and open a reply", 100, [&] { return a.opens(one, a.agents[0]); });

  constexpr std::size_t count = 10'000;
  std::vector<Reply> all;
  for (std::size_t n = 0; n < count; ++n) all.push_back(a.reply(a.agents[n % a.agents.size()]));
  std::vector<double> rounds;
  double cpu = 0;
  for (int round = 0; round < 5; ++round) {
    std::atomic<std::size_t> next{0}, good{0};
    const auto work = [&] {
      for (std::size_t n; (n = next.fetch_add(1)) < count;) good += a.opens(all[n], a.agents[n % a.agents.size()]);
    };
    const auto start = Clock::now();
    const double before = cpu_seconds(RUSAGE_SELF);
    std::thread other(work);
    work();
    other.join();
    cpu = cpu_seconds(RUSAGE_SELF) - before;
    rounds.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    must(good == count, "10,000 replies");
  }
  say("10,000 replies verified and opened on two cores", std::move(rounds), fmt::format(",\"bound_us\":1500000,\"cpu_us\":{:.0f}", cpu * 1e6));
}

void enrolment() {
  const Keys enroller(seed(1)), node(seed(2));
  Roster roster = made_up::roster();
  roster.enrollers = {enroller.sign_public()};
  const WallMs now = made_up::now;
  Invite invite{Bytes(16, 'i'), Role::agent, Keys(seed(5)).sign_public(), {}, "", 1, now + made_up::day};
  const Bytes written = write_invite(invite, enroller);
  measure("enrolment: both sides, without the wire", 50, [&] {
    const Bytes request = write_enrol_request({written, node.sign_public(), node.link_public(), "web-1", "", {}}, seed(5), node);
    auto read = read_enrol_request(request);
    if (!read || !verify_invite(read->invite, enroller.sign_public(), now)) return false;
    Certificate certificate{Role::agent, read->sign_key, read->link_key, read->name, "", {}, now, now + made_up::day, 1, enroller.sign_public()};
    const Bytes answer = write_enrol_answer({issue(certificate, enroller), {"roster", {}}, ""});
    auto taken = read_enrol_answer(answer);
    return taken && verify_certificate(taken->certificate, roster, now);
  });
}

/// CPU of the children, one job of one module a time; the agent's own part is in the parent's.
void job_start(const std::string& agent) {
  node::Jobs jobs(agent);
  std::vector<double> rounds, walls;
  for (int n = 0; n < 60; ++n) {
    node::JobSpec spec;
    spec.id = static_cast<std::uint64_t>(n) + 1;
    spec.operations = Json::array({{{"module", "example"}, {"parameters", {{"gethostname", true}}}}});
    spec.polite = false;
    const double before = cpu_seconds(RUSAGE_CHILDREN) + cpu_seconds(RUSAGE_SELF);
    const auto start = Clock::now();
    must(static_cast<bool>(jobs.start(spec)), "job start");
    std::string trouble = "no end";
    while (jobs.running() > 0) {
      std::vector<pollfd> polled;
      for (int fd : jobs.fds()) polled.push_back({fd, POLLIN, 0});
      poll(polled.data(), polled.size(), jobs.wait_ms().value_or(-1));
      for (const auto& part : jobs.collect())
        if (part.last) trouble = part.trouble;
    }
    must(trouble.empty(), "job");
    walls.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    rounds.push_back((cpu_seconds(RUSAGE_CHILDREN) + cpu_seconds(RUSAGE_SELF) - before) * 1e6);
  }
  std::sort(walls.begin(), walls.end());
  say("job: start, wall, one small module, end (CPU)", std::move(rounds), fmt::format(",\"bound_us\":6000,\"wall_clock_us\":{:.0f}", walls[walls.size() / 2]));

  std::vector<double> floor;
  while (floor.size() < 60) {
    const double before = cpu_seconds(RUSAGE_CHILDREN);
    std::string word = "--job";
    char* arguments[] = {word.data(), word.data(), nullptr};
    pid_t pid = -1;  // its standard input is /dev/null: no document, so it ends at once, before any wall
    must(posix_spawn(&pid, agent.c_str(), nullptr, nullptr, arguments, environ) == 0, "start");
    waitpid(pid, nullptr, 0);
    floor.push_back((cpu_seconds(RUSAGE_CHILDREN) - before) * 1e6);
  }
  say("floor: the same program started, nothing done (CPU)", std::move(floor));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || sodium_init() < 0) return 2;
  fixtures = argv[1];
  signatures();
  replies();
  enrolment();
  job_start(argv[2]);
}
