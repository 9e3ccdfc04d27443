#include "modules/network.h"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace mig::modules {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds slice{20};  ///< how long a spent budget may go unnoticed

Clock::time_point after(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

/// One question to the resolver, which runs in a thread of the C library and may outlive our interest in it.
struct Question {
  std::string host, service;
  addrinfo hints{};
  gaicb request{};
  ~Question() {
    if (request.ar_result != nullptr) freeaddrinfo(request.ar_result);
  }
};

std::string text_of(const addrinfo& info) {
  char text[NI_MAXHOST] = "";
  return getnameinfo(info.ai_addr, info.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0 ? text : "";
}

std::vector<Address> addresses_of(const addrinfo* list) {
  std::vector<Address> out;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    if (at->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Address address;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
    address.text = text_of(*at);
    out.push_back(std::move(address));
  }
  return out;
}

core::Error unresolved(const std::string& host, int trouble) {
  return {core::Code::world, fmt::format("{}: {}", host, gai_strerror(trouble))};
}

/// An address needs nobody to ask; `trouble` is EAI_NONAME for a name.
std::vector<Address> literal(const Question& question, int& trouble) {
  addrinfo hints = question.hints, *list = nullptr;
  hints.ai_flags |= AI_NUMERICHOST;
  trouble = getaddrinfo(question.host.c_str(), question.service.c_str(), &hints, &list);
  if (trouble != 0) return {};
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  return addresses_of(list);
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

core::Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port, double seconds, Budget& budget) {
  auto question = std::make_unique<Question>();
  question->host = host;
  question->service = std::to_string(port);
  question->hints.ai_socktype = SOCK_DGRAM;  // one answer an address, not one a protocol
  question->hints.ai_flags = AI_NUMERICSERV;
  int trouble = 0;
  if (auto out = literal(*question, trouble); !out.empty()) return out;
  if (trouble != EAI_NONAME) return unresolved(host, trouble);
  question->request.ar_name = question->host.c_str();
  question->request.ar_service = question->service.c_str();
  question->request.ar_request = &question->hints;
  gaicb* requests[] = {&question->request};
  if (trouble = getaddrinfo_a(GAI_NOWAIT, requests, 1, nullptr); trouble != 0) return unresolved(host, trouble);
  const auto deadline = after(seconds);
  while (gai_error(&question->request) == EAI_INPROGRESS) {
    if (Clock::now() >= deadline || budget.spent()) {
      // Once a thread works on it, it cannot be taken back: what that thread writes to must stay.
      if (gai_cancel(&question->request) == EAI_NOTCANCELED) (void)question.release();
      return core::Error{core::Code::world, fmt::format("{}: the name was not resolved in time", host)};
    }
    const timespec wait{0, std::chrono::nanoseconds(slice).count()};
    gai_suspend(requests, 1, &wait);
  }
  if (trouble = gai_error(&question->request); trouble != 0) return unresolved(host, trouble);
  auto out = addresses_of(question->request.ar_result);
  if (out.empty()) return core::Error{core::Code::world, host + ": resolves to no address"};
  return out;
}

Waited wait_for(int fd, short events, Clock::time_point deadline, Budget& budget) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    pollfd one{fd, events, 0};
    if (poll(&one, 1, static_cast<int>(std::clamp(left, milliseconds{0}, slice).count())) > 0) return Waited::ready;
    if (left <= milliseconds{0}) return Waited::overdue;
    if (budget.spent()) return Waited::spent;
  }
}

core::Status check_host(std::string_view text) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:%";
  if (!text.empty() && text.size() <= 253 && text.find_first_not_of(allowed) == text.npos && text.front() != '-')
    return core::Done{};
  return core::invalid(fmt::format("'{}' is neither a host name nor an address; write one like www.example.net or 192.0.2.7",
                                   text.substr(0, 80)));
}

}  // namespace mig::modules
