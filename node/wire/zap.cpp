#include "node/wire/zap.h"

#include <signal.h>

#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "node/wire/clock.h"
#include "node/wire/context.h"

namespace mig::wire {

using namespace core;

namespace {

struct Open {
  Admission admission;
  std::shared_ptr<std::atomic<std::uint64_t>> turned_away;
};

struct Domains {
  std::mutex mutex;
  std::map<std::string, Open> open;
  std::uint64_t next = 1;
};
Domains& domains() {
  static auto* const all = new Domains;  // outlives the handler's thread, which never ends
  return *all;
}

// Frames of a request: version, request id, domain, address, routing id, mechanism, then the client's key.
enum Part : std::size_t { version, request, domain, address, routing, mechanism, key, parts };

// 200 lets in. 300 closes without a word, so that the dialler tries again later; 400 is final for its socket.
struct Verdict {
  const char* status;
  const char* text;
  std::string user;
};

Verdict judge(const std::vector<std::string>& asked) {
  if (asked.size() != parts || asked[version] != "1.0" || asked[mechanism] != "CURVE") return {"400", "CURVE only", ""};
  auto client = LinkPublic::from(asked[key]);
  if (!client) return {"400", "a key has 32 octets", ""};
  auto& all = domains();
  std::lock_guard guard(all.mutex);
  auto it = all.open.find(asked[domain]);
  if (it == all.open.end()) return {"300", "closed", ""};
  if (!it->second.admission.admit(clock_now().at, *client)) {
    it->second.turned_away->fetch_add(1);
    return {"300", "too many new keys at once", ""};
  }
  return {"200", "", client->hex()};
}

void answer(zmq::socket_t& socket) {
  std::vector<std::string> asked;
  zmq::message_t part;
  do {
    if (!socket.recv(part)) return;
    asked.push_back(part.to_string());
  } while (part.more());
  const Verdict verdict = judge(asked);
  const std::string reply[] = {"1.0",        asked.size() > request ? asked[request] : "", verdict.status, verdict.text,
                               verdict.user, ""};
  for (std::size_t i = 0; i < std::size(reply); ++i)
    socket.send(zmq::buffer(reply[i]), i + 1 < std::size(reply) ? zmq::send_flags::sndmore : zmq::send_flags::none);
}

void serve(zmq::socket_t socket) {
  while (true) {
    try {
      answer(socket);
    } catch (const zmq::error_t& trouble) {
      if (trouble.num() == ETERM || trouble.num() == ENOTSOCK) return;  // anything else concerns one request only
    }
  }
}

void start_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    zmq::socket_t socket(context(), zmq::socket_type::rep);
    socket.set(zmq::sockopt::linger, 0);
    socket.bind("inproc://zeromq.zap.01");
    sigset_t all, before;  // signals are for the threads of the program
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread(serve, std::move(socket)).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
}

}  // namespace

ZapDomain::ZapDomain() : turned_away_(std::make_shared<std::atomic<std::uint64_t>>(0)) {
  start_handler();
  auto& all = domains();
  std::lock_guard guard(all.mutex);
  name_ = "mesh-" + std::to_string(all.next++);
  all.open.emplace(name_, Open{Admission(clock_now().at), turned_away_});
}

ZapDomain::~ZapDomain() {
  auto& all = domains();
  std::lock_guard guard(all.mutex);
  all.open.erase(name_);
}

}  // namespace mig::wire
