#include "modules/netstat/netstat.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <chrono>
#include <tuple>

#include "modules/netstat/report.h"
#include "modules/netstat/spaces.h"
#include "node/core/time.h"

namespace mig::modules::netstat {
namespace {

using core::Json;

/// Tells of each socket which questions it answers; keeps what was found in each namespace.
class Search {
 public:
  Search(const Questions& questions, const Host& host, Budget& budget, Answer& answer)
      : questions_(questions), host_(host), budget_(budget), answer_(answer), rows_(questions.all.size(), Json::array()) {
    for (std::size_t i = 0; i < questions.all.size(); ++i) {
      if (questions.all[i].kind == Kind::connectedip) remotes_.add(questions.all[i].prefix, i);
      if (questions.all[i].kind == Kind::listeningport) ports_[questions.all[i].port].push_back(i);
    }
  }

  void run() {
    for (Space& space : spaces(host_, questions_.namespaces, answer_.errors)) {
      if (budget_.spent()) break;
      look_into(space);
    }
    report_sockets();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const Question& question = questions_.all[i];
      answer_.elements[key_of(question.kind)][question.value] = rows_[i].empty() ? Json(nullptr) : std::move(rows_[i]);
    }
    answer_.found_anything = hits_ > 0;
    answer_.statistics = {{"examined", examined_}, {"totalhits", hits_}};
  }

 private:
  struct Found {
    std::string space;
    std::vector<SocketInfo> sockets;
  };

  void look_into(const Space& space) {
    Tables tables(host_, space, answer_.errors);
    if (questions_.any(Kind::localmac))
      for (const Interface& one : tables.interfaces(budget_))
        judge(Kind::localmac, row_of(one, space.name), [&](const Question& asked) { return RE2::PartialMatch(one.mac, *asked.regex); });
    if (questions_.any(Kind::localip))
      for (const Ip& one : tables.addresses(budget_))
        judge(Kind::localip, row_of(one, space.name), [&](const Question& asked) { return holds(asked, one); });
    if (questions_.any(Kind::neighbormac) || questions_.any(Kind::neighborip))
      for (const Neighbour& one : tables.neighbours(budget_)) {
        judge(Kind::neighbormac, row_of(one, space.name), [&](const Question& asked) { return RE2::PartialMatch(one.mac, *asked.regex); });
        judge(Kind::neighborip, row_of(one, space.name), [&](const Question& asked) { return holds(asked, one.ip); });
      }
    if (!remotes_.empty() || !ports_.empty()) {
      Found found{space.name, {}};
      tables.sockets(filter(), budget_, found.sockets, [this](const SocketInfo& socket) { return !answered_by(socket).empty(); });
      sort(found.sockets);
      found_.push_back(std::move(found));
    }
    examined_ += tables.examined;
  }

  static bool holds(const Question& asked, const Ip& ip) {
    PrefixTable one;
    one.add(asked.prefix, 0);
    std::vector<std::size_t> numbers;
    one.find(ip, numbers);
    return !numbers.empty();
  }

  template <class Fits>
  void judge(Kind kind, const Json& row, const Fits& fits) {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (questions_.all[i].kind != kind || !fits(questions_.all[i]) || budget_.spent()) continue;
      rows_[i].push_back(row);
      budget_.add_bytes(100);
      ++hits_;
    }
  }

  /// What the kernel may leave out. The answer is judged again here: an IPv6 condition there also fits what MIG counts as IPv4.
  Filter filter() const {
    Filter out;
    for (const Question& question : questions_.all) {
      if (question.kind == Kind::connectedip) out.remote.push_back(question.prefix);
      if (question.kind == Kind::listeningport) out.local_ports.push_back(question.port);
    }
    if (questions_.listenonly && remotes_.empty()) {
      out.tcp_states = 1u << state_listen;
      out.udp_states = 1u << state_close;
    }
    return out;
  }

  const std::vector<std::size_t>& answered_by(const SocketInfo& socket) {
    numbers_.clear();
    remotes_.find(socket.remote, numbers_);
    if (questions_.listenonly && socket.state != (socket.protocol == tcp ? state_listen : state_close)) return numbers_;
    if (const auto at = ports_.find(socket.local_port); at != ports_.end()) numbers_.insert(numbers_.end(), at->second.begin(), at->second.end());
    return numbers_;
  }

  static void sort(std::vector<SocketInfo>& sockets) {
    const auto key = [](const SocketInfo& s) { return std::tie(s.protocol, s.six, s.local, s.local_port, s.remote, s.remote_port, s.state, s.inode); };
    std::sort(sockets.begin(), sockets.end(), [&](const SocketInfo& a, const SocketInfo& b) { return key(a) < key(b); });
  }

  void report_sockets() {
    Owners owners;
    Who who;
    std::optional<Users> users;
    if (questions_.owners) {
      for (const Found& found : found_)
        for (const SocketInfo& socket : found.sockets) owners.of.try_emplace(socket.inode);
      owners.find(host_, budget_);
      users.emplace(host_);
      who = {&owners, &*users};
      const auto nobodys = std::count_if(owners.of.begin(), owners.of.end(), [](const auto& one) { return one.second.empty(); });
      if (nobodys > 0 && owners.unreadable > 0)
        answer_.errors.push_back(fmt::format("owners: {} of {} sockets have none that could be seen; {} processes may not be looked into (root may)", nobodys, owners.of.size(), owners.unreadable));
    }
    for (const Found& found : found_) {
      std::vector<std::vector<SocketInfo>> of(rows_.size());
      for (const SocketInfo& socket : found.sockets)
        for (const std::size_t i : answered_by(socket)) of[i].push_back(socket);
      for (std::size_t i = 0; i < of.size(); ++i) {
        hits_ += of[i].size();
        if (questions_.all[i].kind == Kind::connectedip) add_connections(rows_[i], of[i], found.space, who);
        else add_ports(rows_[i], of[i], found.space, who);
      }
    }
  }

  const Questions& questions_;
  const Host& host_;
  Budget& budget_;
  Answer& answer_;
  std::vector<Json> rows_;  ///< by question
  PrefixTable remotes_;
  std::map<std::uint16_t, std::vector<std::size_t>> ports_;
  std::vector<std::size_t> numbers_;
  std::vector<Found> found_;
  std::uint64_t hits_ = 0, examined_ = 0;
};

class Netstat final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::match_list; }
  std::string_view cost() const override {
    return "About 1 ms of processor, 0.3 us for each socket there is and 6 us for each that fits; owners: 4 us more for each open file of the machine and 25 us for each that fits.";
  }
  std::string_view needs() const override {
    return "No privilege; owners of other users' sockets and namespaces need root (CAP_SYS_PTRACE, CAP_SYS_ADMIN), and errors tell what is missing without.";
  }

  Demands demands() const override { return {.netlink = true, .namespaces = true, .processes = true}; }

  Answer run(const Json& parameters, const Host& host, Budget& budget) const override {
    const auto began = std::chrono::steady_clock::now();
    const Questions questions = questions_of(parameters);
    if (questions.all.empty())
      return Answer::failure("netstat: nothing is asked; give one of localmac, localip, neighbormac, neighborip, connectedip, listeningport");
    Answer answer;
    answer.elements = Json::object();
    Search(questions, host, budget, answer).run();
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    answer.statistics["exectime"] = core::format_duration({took.count()});
    if (std::string limit = budget.limit_hit(); !limit.empty()) {
      answer.success = false;
      answer.errors.push_back(std::move(limit));
    }
    return answer;
  }

  std::vector<std::string> print(const Answer& answer, bool found_only) const override { return lines_of(answer, found_only); }

  void mask(Answer& answer) const override {
    if (answer.elements.is_object())
      for (Json& values : answer.elements)
        for (Json& rows : values)
          for (Json& row : rows) mask_row(row);
    for (std::string& error : answer.errors) error = "masked";
  }

 private:
  /// The other end and whose it is; the machine's own addresses stay, as in MIG.
  static void mask_row(Json& row) {
    if (!row.is_object()) return;
    for (const char* key : {"remoteaddr", "remotemacaddr", "user"})
      if (row.contains(key)) row[key] = "masked";
    if (const auto processes = row.find("processes"); processes != row.end())
      for (Json& process : *processes)
        for (const char* key : {"name", "path"})
          if (process.is_object() && process.contains(key)) process[key] = "masked";
  }

  core::Schema parameters_ = make_parameters();
  core::Schema row_ = make_row();
};

}  // namespace

const Module& module() {
  static const Netstat the_module;
  return the_module;
}

}  // namespace mig::modules::netstat
