#include "modules/example/example.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <memory>

namespace mig::modules::example {
namespace {

using core::Json;

// --- what it is asked and what it answers ---

core::Status check_host_name(std::string_view name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
  if (!name.empty() && name.size() <= 253 && name.find_first_not_of(allowed) == name.npos) return core::Done{};
  return core::invalid(fmt::format("'{}' is not a host name; write one like www.example.net", name));
}

core::Schema make_parameters() {
  core::Schema out{"example", "What a machine calls itself, its addresses, and what names resolve to there.", {}, {}};
  out.fields.push_back({.name = "gethostname", .type = core::Type::boolean, .help = "ask for the host name",
                        .flag = "gethostname", .fallback = false});
  out.fields.push_back({.name = "getaddresses", .type = core::Type::boolean,
                        .help = "ask for the addresses of all network interfaces but loopback",
                        .flag = "getaddresses", .fallback = false});
  out.fields.push_back({.name = "lookuphost", .type = core::Type::texts,
                        .help = "resolve this name there (this may ask the machine's name server)",
                        .flag = "lookuphost", .example = "www.example.net", .check = check_host_name});
  out.examples.push_back({"mig example -gethostname -getaddresses", "names and addresses of every machine"});
  out.examples.push_back({"mig example -lookuphost www.example.net", "does every machine see the same address?"});
  return out;
}

core::Schema make_row() {
  core::Schema out{"example_result", "One object for the whole answer.", {}, {}};
  out.fields.push_back({.name = "hostname", .help = "what the kernel calls this machine"});
  out.fields.push_back({.name = "addresses", .type = core::Type::texts, .help = "address/prefix length"});
  out.fields.push_back({.name = "lookeduphost", .type = core::Type::any, .help = "name to list of addresses"});
  return out;
}

// --- the three questions ---

std::string address_text(const sockaddr* address) {
  char text[NI_MAXHOST] = "";
  auto size = static_cast<socklen_t>(address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
  if (getnameinfo(address, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) return "";
  std::string out = text;
  return out.substr(0, out.find('%'));  // the zone of a link-local address is no part of it
}

int prefix_length(const sockaddr* mask) {
  if (mask == nullptr) return 0;
  if (mask->sa_family == AF_INET)
    return std::popcount(reinterpret_cast<const sockaddr_in*>(mask)->sin_addr.s_addr);
  int bits = 0;
  for (unsigned char octet : reinterpret_cast<const sockaddr_in6*>(mask)->sin6_addr.s6_addr)
    bits += std::popcount(octet);
  return bits;
}

std::vector<std::string> addresses(Answer& answer) {
  std::vector<std::string> out;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) {
    answer.errors.push_back("getaddresses: the kernel's list of interfaces could not be read");
    return out;
  }
  std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, freeifaddrs);
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || (at->ifa_flags & IFF_LOOPBACK) != 0) continue;
    if (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6) continue;
    out.push_back(fmt::format("{}/{}", address_text(at->ifa_addr), prefix_length(at->ifa_netmask)));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> look_up(const std::string& name, Answer& answer) {
  std::vector<std::string> out;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;  // one answer an address, not one a protocol
  addrinfo* list = nullptr;
  if (int trouble = getaddrinfo(name.c_str(), nullptr, &hints, &list); trouble != 0) {
    answer.errors.push_back(fmt::format("lookuphost: {}: {}", name, gai_strerror(trouble)));
    return out;
  }
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) out.push_back(address_text(at->ai_addr));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// --- the module ---

class Example final : public Module {
 public:
  const core::Schema& parameters() const override { return parameters_; }
  const core::Schema& row() const override { return row_; }
  Disclosure disclosure() const override { return Disclosure::match_list; }
  std::string_view cost() const override { return "Next to nothing; -lookuphost may send queries to a name server."; }
  std::string_view needs() const override { return "No privilege; -lookuphost needs a name server or /etc/hosts."; }
  Demands demands() const override { return {.network = true}; }

  Answer run(const Json& asked, const Host&, Budget& budget) const override {
    Answer answer;
    answer.elements = Json::object();
    std::size_t found = 0;
    if (asked.value("gethostname", false)) {
      char name[256] = "";
      gethostname(name, sizeof name - 1);
      answer.elements["hostname"] = name;
      found += name[0] != '\0';
    }
    if (asked.value("getaddresses", false)) {
      answer.elements["addresses"] = addresses(answer);
      found += answer.elements["addresses"].size();
    }
    found += look_up_all(asked, budget, answer);
    answer.found_anything = found > 0;
    answer.statistics = {{"stufffound", found}};
    return answer;
  }

  std::vector<std::string> print(const Answer& answer, bool found_only) const override {
    std::vector<std::string> out;
    const Json& got = answer.elements;
    if (got.is_object()) {
      if (got.contains("hostname")) out.push_back("hostname is " + text_of(got["hostname"]));
      const Json addresses = got.value("addresses", Json::array()), looked_up = got.value("lookeduphost", Json::object());
      for (const Json& address : addresses) out.push_back("address is " + text_of(address));
      for (const auto& item : looked_up.items())
        for (const Json& address : item.value()) out.push_back("host " + item.key() + " has address " + text_of(address));
    }
    if (found_only) return out;
    out.insert(out.end(), answer.errors.begin(), answer.errors.end());
    if (answer.statistics.is_object()) out.push_back(fmt::format("Statistics: {} values found.", answer.statistics.value("stufffound", 0)));
    return out;
  }

  void mask(Answer& answer) const override {
    if (answer.elements.is_object()) {
      if (answer.elements.contains("hostname")) answer.elements["hostname"] = "masked";
      if (answer.elements.contains("addresses"))
        for (Json& address : answer.elements["addresses"]) address = "masked";
      if (answer.elements.contains("lookeduphost"))
        for (Json& found : answer.elements["lookeduphost"])
          for (Json& address : found) address = "masked";
    }
    for (std::string& error : answer.errors) error = "masked";
  }

 private:
  static std::string text_of(const Json& json) { return json.is_string() ? json.get<std::string>() : json.dump(); }

  static std::size_t look_up_all(const Json& asked, Budget& budget, Answer& answer) {
    const Json names = asked.value("lookuphost", Json::array());
    std::size_t found = 0;
    for (const Json& name : names) {
      if (budget.spent()) {  // what was found so far stays; the reason says why there is no more
        answer.success = false;
        answer.errors.push_back(budget.limit_hit());
        break;
      }
      auto addresses = look_up(name.get<std::string>(), answer);
      found += addresses.size();
      for (const std::string& address : addresses) budget.add_bytes(address.size());
      answer.elements["lookeduphost"][name.get<std::string>()] = addresses;
    }
    return found;
  }

  core::Schema parameters_ = make_parameters();
  core::Schema row_ = make_row();
};

}  // namespace

const Module& module() {
  static const Example the_module;
  return the_module;
}

}  // namespace mig::modules::example
