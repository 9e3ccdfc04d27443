#include "modules/netstat/question.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <charconv>
#include <set>

namespace mig::modules::netstat {

using core::Json;
using core::Type;

namespace {

std::shared_ptr<const RE2> regex_of(Kind kind, std::string_view text) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(kind != Kind::localmac);  // as MIG did
  return std::make_shared<const RE2>(re2::StringPiece(text.data(), text.size()), options);
}

core::Status check_mac(std::string_view text) {
  const auto regex = regex_of(Kind::neighbormac, text);
  if (!regex->ok()) return core::invalid(fmt::format("'{}' is no regular expression: {}; write ^8c:70:5a or 8c:70:5a:c8:be:50", text.substr(0, 80), regex->error()));
  return core::Done{};
}

core::Status check_ip(std::string_view text) {
  if (auto prefix = parse_prefix(text); !prefix) return prefix.error();
  return core::Done{};
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t out = 0;
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || trouble != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

core::Status check_port(std::string_view text) {
  if (port_of(text)) return core::Done{};
  return core::invalid(fmt::format("'{}' is no port; write a number of 0 to 65535", text.substr(0, 80)));
}

}  // namespace

const char* key_of(Kind kind) {
  switch (kind) {
    case Kind::localmac: return "localmac";
    case Kind::neighbormac: return "neighbormac";
    case Kind::neighborip: return "neighborip";
    case Kind::localip: return "localip";
    case Kind::connectedip: return "connectedip";
    case Kind::listeningport: break;
  }
  return "listeningport";
}

bool Questions::any(Kind kind) const {
  for (const Question& question : all)
    if (question.kind == kind) return true;
  return false;
}

core::Schema make_parameters() {
  core::Schema out{"netstat", "Addresses, neighbours and connections: who has this one, who talks to that one.", {}, {}};
  out.fields.push_back({.name = "localmac", .type = Type::texts, .help = "a regex on the MAC addresses of interfaces, in any case; an interface without one counts as empty",
                        .flag = "lm", .example = "^8c:70:5a", .check = check_mac});
  out.fields.push_back({.name = "localip", .type = Type::texts, .help = "an address of an interface, or a network that holds one", .flag = "li",
                        .example = "192.0.2.0/24", .check = check_ip});
  out.fields.push_back({.name = "neighbormac", .type = Type::texts, .help = "a regex on the MAC addresses of neighbours, which are written in lower case; zeros: not known",
                        .flag = "nm", .example = "^8c:70:5a", .check = check_mac});
  out.fields.push_back({.name = "neighborip", .type = Type::texts, .help = "an address, IPv4 or IPv6, that the kernel has as a neighbour, or a network of such",
                        .flag = "ni", .example = "fe80::/10", .check = check_ip});
  out.fields.push_back({.name = "connectedip", .type = Type::texts, .help = "the address at the other end of a TCP or UDP socket in any state, or a network that holds it",
                        .flag = "ci", .example = "203.0.113.7", .check = check_ip});
  out.fields.push_back({.name = "listeningport", .type = Type::texts, .help = "the port of a TCP or UDP socket on this machine, whether it listens or not",
                        .flag = "lp", .example = "443", .check = check_port});
  out.fields.push_back({.name = "listenonly", .type = Type::boolean, .help = "listeningport: only sockets that wait for others (state LISTEN, UNCONN), not connections from or to the port",
                        .flag = "listenonly", .fallback = false});
  out.fields.push_back({.name = "owners", .type = Type::boolean, .help = "connectedip, listeningport: tell the user and the processes of each socket", .flag = "owners", .fallback = false});
  out.fields.push_back({.name = "namespaces", .type = Type::boolean, .help = "look also into the network namespaces of containers", .flag = "namespaces", .fallback = false});
  out.examples.push_back({"mig netstat -ci 203.0.113.0/24 -owners", "who talks to this network, and which programs do"});
  out.examples.push_back({"mig netstat -lp 6379 -listenonly -namespaces", "where a Redis server waits, in containers too"});
  out.examples.push_back({"mig netstat -li 192.0.2.7", "whose address is it?"});
  out.examples.push_back({"mig netstat -nm '^8c:70:5a:c8:be:50$'", "who sees this machine on the wire"});
  return out;
}

core::Schema make_row() {
  core::Schema owner{"owner", "A process that holds the socket.", {}, {}};
  owner.fields.push_back({.name = "pid", .type = Type::integer, .help = "its number"});
  owner.fields.push_back({.name = "name", .type = Type::text, .help = "what the kernel calls it"});
  owner.fields.push_back({.name = "path", .type = Type::text, .help = "its program"});
  core::Schema out{"netstat_result", "One row a hit, under its question and the value asked for; a value without a hit has null. Empty fields are left out.", {}, {}};
  out.fields.push_back({.name = "localmacaddr", .type = Type::text, .help = "localmac: of an interface"});
  out.fields.push_back({.name = "remotemacaddr", .type = Type::text, .help = "neighbours: zeros while it is not known"});
  out.fields.push_back({.name = "localaddr", .type = Type::text, .help = "localip and sockets"});
  out.fields.push_back({.name = "localport", .type = Type::integer, .help = "sockets"});
  out.fields.push_back({.name = "remoteaddr", .type = Type::text, .help = "neighbours and connectedip"});
  out.fields.push_back({.name = "remoteport", .type = Type::integer, .help = "connectedip"});
  out.fields.push_back({.name = "namespace", .type = Type::text, .help = "default (the agent's own) or net:[4026531993]"});
  out.fields.push_back({.name = "protocol", .type = Type::text, .help = "sockets: tcp, tcp6, udp or udp6; an IPv6 socket may hold IPv4 addresses"});
  out.fields.push_back({.name = "state", .type = Type::text, .help = "sockets: LISTEN, ESTABLISHED, UNCONN ..; neighbours: REACHABLE, STALE, FAILED .."});
  out.fields.push_back({.name = "count", .type = Type::integer, .help = "listeningport: how many sockets this row stands for, if more than one"});
  out.fields.push_back({.name = "uid", .type = Type::integer, .help = "with owners: number of the user who opened it"});
  out.fields.push_back({.name = "user", .type = Type::text, .help = "with owners: that user's name in /etc/passwd"});
  core::Field processes{.name = "processes", .type = Type::objects, .help = "with owners: who holds it now; absent if none is found"};
  processes.inner = std::make_shared<const core::Schema>(std::move(owner));
  out.fields.push_back(std::move(processes));
  return out;
}

Questions questions_of(const Json& parameters) {
  Questions out;
  out.namespaces = parameters.value("namespaces", false);
  out.listenonly = parameters.value("listenonly", false);
  out.owners = parameters.value("owners", false);
  for (const Kind kind : kinds) {
    std::set<std::string> seen;
    for (const Json& json : parameters.value(key_of(kind), Json::array())) {
      Question question{kind, json.get<std::string>(), nullptr, {}, 0};
      if (!seen.insert(question.value).second) continue;
      if (kind == Kind::localmac || kind == Kind::neighbormac) question.regex = regex_of(kind, question.value);
      else if (kind == Kind::listeningport) question.port = port_of(question.value).value_or(0);
      else question.prefix = *parse_prefix(question.value);
      out.all.push_back(std::move(question));
    }
  }
  return out;
}

}  // namespace mig::modules::netstat
