#include "modules/netstat/report.h"

#include <fmt/format.h>
#include <linux/neighbour.h>

#include <array>
#include <tuple>

namespace mig::modules::netstat {

using core::Json;

namespace {

std::string_view state_name(const SocketInfo& socket) {
  if (socket.protocol == udp) return socket.state == state_established ? "ESTABLISHED" : "UNCONN";
  constexpr std::array<std::string_view, 13> names = {"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
                                                      "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "SYN_RECV"};
  return socket.state < names.size() ? names[socket.state] : "";
}

std::string_view neighbour_state(unsigned state) {
  constexpr std::array<std::pair<unsigned, std::string_view>, 7> names = {{{NUD_PERMANENT, "PERMANENT"}, {NUD_REACHABLE, "REACHABLE"}, {NUD_STALE, "STALE"},
                                                                           {NUD_DELAY, "DELAY"}, {NUD_PROBE, "PROBE"}, {NUD_FAILED, "FAILED"}, {NUD_INCOMPLETE, "INCOMPLETE"}}};
  for (const auto& [bit, name] : names)
    if ((state & bit) != 0) return name;
  return "";
}

void put(Json& row, const char* key, std::string_view text) {
  if (!text.empty()) row[key] = text;
}
void put(Json& row, const char* key, std::uint64_t number) {
  if (number != 0) row[key] = number;
}

Json begin_row(const SocketInfo& socket, const std::string& space) {
  Json row = Json::object();
  put(row, "localaddr", socket.local.text());
  put(row, "localport", socket.local_port);
  put(row, "namespace", space);
  row["protocol"] = fmt::format("{}{}", socket.protocol == udp ? "udp" : "tcp", socket.six ? "6" : "");
  put(row, "state", state_name(socket));
  return row;
}

const std::vector<Owner>& owners_of(const SocketInfo& socket, const Who& who) {
  static const std::vector<Owner> nobody;
  if (who.owners == nullptr) return nobody;
  const auto at = who.owners->of.find(socket.inode);
  return at == who.owners->of.end() ? nobody : at->second;
}

void put_owners(Json& row, const SocketInfo& socket, const Who& who) {
  if (who.owners == nullptr || socket.inode == 0) return;  // a connection that only waits to be forgotten is nobody's
  row["uid"] = socket.uid;
  put(row, "user", who.users->name_of(socket.uid));
  for (const Owner& owner : owners_of(socket, who)) {
    Json process{{"pid", owner.pid}};
    put(process, "name", owner.name);
    put(process, "path", owner.path);
    row["processes"].push_back(std::move(process));
  }
}

}  // namespace

Json row_of(const Interface& interface, const std::string& space) {
  Json row{{"namespace", space}};
  put(row, "localmacaddr", interface.mac);
  return row;
}

Json row_of(const Neighbour& neighbour, const std::string& space) {
  Json row{{"namespace", space}, {"remoteaddr", neighbour.ip.text()}, {"remotemacaddr", neighbour.mac}};
  put(row, "state", neighbour_state(neighbour.state));
  return row;
}

Json row_of(const Ip& ip, const std::string& space) { return {{"localaddr", ip.text()}, {"namespace", space}}; }

void add_connections(Json& rows, const std::vector<SocketInfo>& sockets, const std::string& space, const Who& who) {
  for (const SocketInfo& socket : sockets) {
    Json row = begin_row(socket, space);
    put(row, "remoteaddr", socket.remote.text());
    put(row, "remoteport", socket.remote_port);
    put_owners(row, socket, who);
    rows.push_back(std::move(row));
  }
}

void add_ports(Json& rows, const std::vector<SocketInfo>& sockets, const std::string& space, const Who& who) {
  const auto key = [&](const SocketInfo& socket) {
    const bool told = who.owners != nullptr && socket.inode != 0;
    return std::make_tuple(socket.protocol, socket.six, socket.local, socket.local_port, state_name(socket), told, told ? socket.uid : 0, owners_of(socket, who));
  };
  std::map<decltype(key({})), std::pair<const SocketInfo*, std::uint64_t>> alike;
  for (const SocketInfo& socket : sockets) ++alike.try_emplace(key(socket), &socket, 0).first->second.second;
  for (const auto& [unused, found] : alike) {
    Json row = begin_row(*found.first, space);
    if (found.second > 1) row["count"] = found.second;
    put_owners(row, *found.first, who);
    rows.push_back(std::move(row));
  }
}

namespace {

std::string text(const Json& row, const char* key) {
  const auto at = row.find(key);
  if (at == row.end()) return "";
  return at->is_string() ? at->get<std::string>() : at->dump();
}
/// Absent ports are 0: MIG leaves empty fields out.
std::string port(const Json& row, const char* key) { return row.contains(key) ? text(row, key) : "0"; }

std::string found_line(Kind kind, const Json& row, const std::string& value) {
  switch (kind) {
    case Kind::localmac: return fmt::format("found local mac {} for netstat localmac:'{}'", text(row, "localmacaddr"), value);
    case Kind::neighbormac: return fmt::format("found neighbor mac {} {} for netstat neighbormac:'{}'", text(row, "remotemacaddr"), text(row, "remoteaddr"), value);
    case Kind::neighborip: return fmt::format("found neighbor IP {} {} for netstat neighborIP:'{}'", text(row, "remoteaddr"), text(row, "remotemacaddr"), value);
    case Kind::localip: return fmt::format("found local ip {} for netstat localip:'{}'", text(row, "localaddr"), value);
    case Kind::connectedip:
      return fmt::format("found connected tuple {}:{} with local tuple {}:{} for netstat connectedip:'{}'", text(row, "remoteaddr"), port(row, "remoteport"),
                         text(row, "localaddr"), port(row, "localport"), value);
    case Kind::listeningport: break;
  }
  return fmt::format("found listening port {} for netstat listeningport:'{}'", port(row, "localport"), value);
}

/// What MIG did not know, so only where it was asked for.
std::string owners_text(const Json& row) {
  if (!row.contains("uid")) return "";
  std::string out = fmt::format(" {} of user {}", text(row, "state"), row.contains("user") ? text(row, "user") : text(row, "uid"));
  if (const auto processes = row.find("processes"); processes != row.end() && processes->is_array())
    for (const Json& process : *processes) out += fmt::format(" process {}[{}]", text(process, "name"), text(process, "pid"));
  return out;
}

}  // namespace

std::vector<std::string> lines_of(const Answer& answer, bool found_only) {
  std::vector<std::string> out;
  for (const Kind kind : kinds) {
    if (!answer.elements.is_object() || !answer.elements.contains(key_of(kind)) || !answer.elements[key_of(kind)].is_object()) continue;
    for (const auto& item : answer.elements[key_of(kind)].items()) {
      if (!item.value().is_array()) {
        if (!found_only && kind != Kind::localmac) out.push_back(fmt::format("did not find anything for netstat {}:'{}'", key_of(kind), item.key()));
        continue;
      }
      for (const Json& row : item.value()) {
        if (!row.is_object()) continue;
        const std::string space = text(row, "namespace");
        out.push_back(found_line(kind, row, item.key()) + (space.empty() || space == "default" ? "" : " namespace:[" + space + "]") + owners_text(row));
      }
    }
  }
  if (found_only) return out;
  out.insert(out.end(), answer.errors.begin(), answer.errors.end());
  if (answer.statistics.is_object())
    out.push_back(fmt::format("Statistics: total hits {} examined {} items exectime {}", text(answer.statistics, "totalhits"), text(answer.statistics, "examined"),
                              text(answer.statistics, "exectime")));
  return out;
}

}  // namespace mig::modules::netstat
