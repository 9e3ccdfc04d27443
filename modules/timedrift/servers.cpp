#include "modules/timedrift/servers.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "modules/host_files.h"
#include "modules/network.h"

namespace mig::modules::timedrift {
namespace {

constexpr std::size_t file_bytes_max = 256 * 1024, servers_max = 32, files_max = 64;
constexpr int include_depth = 4;

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  std::istringstream text(line);
  Words out;
  for (std::string word; out.size() < 64 && text >> word;) out.push_back(std::move(word));
  return out;
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// A port as decimal digits; 0 if it is none.
std::uint16_t port_of(std::string_view text) {
  unsigned long port = 0;
  for (char c : text) {
    if (c < '0' || c > '9' || port > 65535) return 0;
    port = port * 10 + static_cast<unsigned long>(c - '0');
  }
  return port > 65535 ? 0 : static_cast<std::uint16_t>(port);
}

Server make_server(std::string host, std::uint16_t port) {
  Server out{host, std::move(host), port};
  if (port == 123) return out;
  out.text = out.host.find(':') == std::string::npos ? fmt::format("{}:{}", out.host, port)
                                                     : fmt::format("[{}]:{}", out.host, port);
  return out;
}

/// Reads the files of the three programs; keeps servers in the order in which they are met.
class Reader {
 public:
  Reader(const Host& host, std::vector<std::string>& errors) : host_(host), errors_(errors) {}

  void chrony(const std::string& path, int depth = 0) {
    each_line(path, [&](const Words& words) {
      const std::string order = lower(words[0]);
      if (order == "include") return each_file(words[1], [&](const std::string& file) { included(file, depth, &Reader::chrony); });
      if (order == "confdir" || order == "sourcedir") {
        for (std::size_t i = 1; i < words.size(); ++i)
          each_file(words[i] + (order == "confdir" ? "/*.conf" : "/*.sources"),
                    [&](const std::string& file) { included(file, depth, &Reader::chrony); });
        return;
      }
      if (order != "server" && order != "pool" && order != "peer") return;
      std::uint16_t port = 123;
      for (std::size_t i = 2; i + 1 < words.size(); ++i)
        if (lower(words[i]) == "port") port = port_of(words[i + 1]);
      add(words[1], port);
    });
  }

  void ntpd(const std::string& path, int depth = 0) {
    each_line(path, [&](Words words) {
      const std::string order = lower(words[0]);
      if (order == "includefile") return included(words[1], depth, &Reader::ntpd);
      if (order != "server" && order != "pool" && order != "peer") return;
      words.erase(std::remove_if(words.begin(), words.end(), [](const auto& word) { return word == "-4" || word == "-6"; }), words.end());
      // 127.127.x.y names a clock in the machine (a receiver, its own oscillator), not a host.
      if (words.size() > 1 && !words[1].starts_with("127.127.")) add(words[1], 123);
    });
  }

  /// A later file adds to the list of an earlier one; an empty value begins it anew.
  void timesyncd() {
    std::vector<std::string> files;
    for (const char* folder : {"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"})
      if (files.empty() && exists(std::string(folder) + "/timesyncd.conf")) files.push_back(std::string(folder) + "/timesyncd.conf");
    std::map<std::string, std::string> additions;  // by name: the first folder wins
    for (const char* folder : {"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"})
      each_file(std::string(folder) + "/timesyncd.conf.d/*.conf", [&](const std::string& file) { additions.emplace(file.substr(file.rfind('/')), file); });
    for (const auto& [name, file] : additions) files.push_back(file);
    std::vector<std::string> wanted, fallback;
    for (const auto& file : files) read_timesyncd(file, wanted, fallback);
    for (const auto& name : wanted) add(name, 123);
    for (const auto& name : fallback) add(name, 123);
  }

  std::vector<Server> servers;

 private:
  using Parser = void (Reader::*)(const std::string&, int);

  void included(const std::string& file, int depth, Parser parser) {
    if (depth < include_depth) (this->*parser)(file, depth + 1);
  }

  bool exists(const std::string& path) const {
    auto text = read_file(host_, path, 0);
    return text || text.error().code != core::Code::not_found;
  }

  std::string text_of(const std::string& path) {
    if (files_read_++ >= files_max) return "";
    auto text = read_file(host_, path, file_bytes_max);
    if (text) return *text;
    if (text.error().code != core::Code::not_found) errors_.push_back(text.error().text);
    return "";
  }

  /// Lines of two words and more that are no comment.
  void each_line(const std::string& path, const std::function<void(const Words&)>& take) {
    std::istringstream lines(text_of(path));
    for (std::string line; std::getline(lines, line);) {
      const Words words = words_of(line);
      if (words.size() >= 2 && std::string_view("#%;!").find(words[0][0]) == std::string_view::npos) take(words);
    }
  }

  /// Only the last part of `pattern` may hold wildcards, as in practice.
  void each_file(const std::string& pattern, const std::function<void(const std::string&)>& take) {
    const std::size_t slash = pattern.rfind('/');
    if (slash == std::string::npos) return;
    const std::string folder = pattern.substr(0, slash), name = pattern.substr(slash + 1);
    if (name.find_first_of("*?[") == std::string::npos) return take(pattern);
    for (const auto& entry : names_in(host_, folder))
      if (fnmatch(name.c_str(), entry.c_str(), FNM_PERIOD) == 0) take(folder + "/" + entry);
  }

  void read_timesyncd(const std::string& path, std::vector<std::string>& wanted, std::vector<std::string>& fallback) {
    std::istringstream lines(text_of(path));
    bool ours = false;
    for (std::string line; std::getline(lines, line);) {
      line.erase(0, line.find_first_not_of(" \t"));
      if (line.empty() || line[0] == '#' || line[0] == ';') continue;
      if (line[0] == '[') ours = line.starts_with("[Time]");
      const std::size_t equals = line.find('=');
      if (!ours || equals == std::string::npos) continue;
      const Words key = words_of(line.substr(0, equals)), names = words_of(line.substr(equals + 1));
      if (key.size() != 1 || (key[0] != "NTP" && key[0] != "FallbackNTP")) continue;
      auto& list = key[0] == "NTP" ? wanted : fallback;
      if (names.empty()) list.clear();
      list.insert(list.end(), names.begin(), names.end());
    }
  }

  void add(const std::string& name, std::uint16_t port) {
    if (!check_host(name) || port == 0 || servers.size() >= servers_max) return;
    Server server = make_server(name, port);
    // What would be taken for another host and port when it is asked for by name is no host ("127.1:7").
    const auto again = parse_server(server.text);
    if (!again || again->host != server.host || again->port != port) return;
    const bool known = std::any_of(servers.begin(), servers.end(), [&](const Server& one) { return one.text == server.text; });
    if (!known) servers.push_back(std::move(server));
  }

  const Host& host_;
  std::vector<std::string>& errors_;
  std::size_t files_read_ = 0;
};

}  // namespace

core::Result<Server> parse_server(std::string_view text) {
  const core::Error wrong = core::invalid(fmt::format(
      "'{}' is not a server; write one like time.example.net, 192.0.2.7:1123 or [2001:db8::1]:1123", text.substr(0, 80)));
  std::string_view host = text, port = "123";
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return wrong;
    host = text.substr(1, end - 1);
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') return wrong;
      port = text.substr(end + 2);
    }
  } else if (const std::size_t colon = text.find(':'); colon != text.npos && text.find(':', colon + 1) == text.npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (!check_host(host) || port_of(port) == 0) return wrong;
  return make_server(std::string(host), port_of(port));
}

std::vector<Server> configured_servers(const Host& host, std::vector<std::string>& errors) {
  Reader reader(host, errors);
  reader.chrony("/etc/chrony/chrony.conf");
  reader.chrony("/etc/chrony.conf");
  reader.timesyncd();
  reader.ntpd("/etc/ntp.conf");
  reader.ntpd("/etc/ntpsec/ntp.conf");
  return std::move(reader.servers);
}

std::vector<Server> public_servers() {
  std::vector<Server> out{make_server("time.nist.gov", 123)};
  for (int i = 0; i < 4; ++i) out.push_back(make_server(fmt::format("{}.pool.ntp.org", i), 123));
  return out;
}

}  // namespace mig::modules::timedrift
