#include "investigator/topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "investigator/print.h"

namespace mig::investigator {
namespace {

const RelayLine* find(const std::vector<RelayLine>& relays, const std::string& id) {
  auto it = std::find_if(relays.begin(), relays.end(), [&](const RelayLine& one) { return one.id == id; });
  return it == relays.end() ? nullptr : &*it;
}

std::string shown(const RelayLine& relay) { return printable(relay.name.empty() ? relay.id.substr(0, 8) : relay.name); }

std::string words_of(const RelayLine& relay, core::WallMs now) {
  std::string out = shown(relay);
  if (!relay.segment.empty()) out += "  " + printable(relay.segment);
  out += fmt::format("  {} of {} online", grouped(relay.online), grouped(relay.agents));
  if (relay.state != "reachable") out += "  " + relay.state;
  return out + "  heard " + ago(relay.seen, now);
}

class Tree {
 public:
  Tree(const std::vector<RelayLine>& relays, core::WallMs now) : relays_(relays), now_(now) {}

  std::string text() {
    for (const RelayLine& relay : relays_)
      if (relay.state == "attached") grow(relay);
    for (const RelayLine& relay : relays_)  // islands: what we are not linked with may still be linked in itself
      if (!relay.id.empty() && relay.state != "forgotten" && !parent_.contains(relay.id)) grow(relay);
    for (const RelayLine& relay : relays_)
      if (relay.id.empty() || !parent_.contains(relay.id)) out_ += words_of(relay, now_) + "\n";
    return out_;
  }

 private:
  /// Breadth first, so that everyone hangs as near to the root as the links allow.
  void grow(const RelayLine& root) {
    parent_[root.id] = "";
    std::vector<std::string> queue{root.id};
    for (std::size_t at = 0; at < queue.size(); ++at) {
      const RelayLine* one = find(relays_, queue[at]);
      for (const RelayLine::Link& link : one->links)
        if (link.both && find(relays_, link.id) != nullptr && parent_.try_emplace(link.id, one->id).second) queue.push_back(link.id);
    }
    draw(root, "", "");
  }

  void draw(const RelayLine& relay, const std::string& before, const std::string& below) {
    std::vector<const RelayLine*> children;
    std::vector<std::string> beside;
    for (const RelayLine::Link& link : relay.links) {
      const RelayLine* other = find(relays_, link.id);
      if (link.both && other != nullptr && parent_[link.id] == relay.id)
        children.push_back(other);
      else if (link.id != parent_[relay.id])
        beside.push_back(printable(link.name) + (link.both ? "" : " (says only one end)"));
    }
    std::sort(children.begin(), children.end(), [](const RelayLine* a, const RelayLine* b) { return a->name < b->name; });
    out_ += before + words_of(relay, now_) + (beside.empty() ? "" : fmt::format("  also linked: {}", fmt::join(beside, ", "))) + "\n";
    for (const RelayLine* child : children) {
      const bool last = child == children.back();
      draw(*child, below + (last ? "└─ " : "├─ "), below + (last ? "   " : "│  "));
    }
  }

  const std::vector<RelayLine>& relays_;
  core::WallMs now_;
  std::map<std::string, std::string> parent_;
  std::string out_;
};

/// Inside double quotes of a DOT file. Names come from relays; nothing of them may end the string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : printable(text)) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
}

}  // namespace

std::vector<RelayLine> relay_lines(Station& station) {
  std::vector<RelayLine> lines;
  const auto views = station.machine().relays();
  std::map<core::NodeId, const RelayView*> known;
  for (const RelayView& view : views) known[view.id] = &view;
  std::map<core::NodeId, std::string> names;
  std::set<core::NodeId> forgotten;  // the record of one may outlive it for a while
  for (const store::LedgerRelay& kept : station.ledger().relays()) {
    names[kept.relay] = kept.name;
    if (kept.forgotten) forgotten.insert(kept.relay);
  }
  for (const RelayView& view : views) {
    const bool here = station.machine().attached_to() == view.id;
    RelayLine line{view.name, view.id.hex(), {}, view.segment, here ? "attached" : view.reachable ? "reachable" : forgotten.contains(view.id) ? "forgotten" : "unreachable", view.known, view.online, view.issued, {}};
    for (const core::NodeId& neighbour : view.neighbours) {
      auto other = known.find(neighbour);
      const bool both = other != known.end() && std::count(other->second->neighbours.begin(), other->second->neighbours.end(), view.id) > 0;
      std::string name = other != known.end() ? other->second->name : names[neighbour];
      line.links.push_back({neighbour.hex(), name.empty() ? neighbour.brief() : std::move(name), both});
    }
    lines.push_back(std::move(line));
  }
  std::map<core::NodeId, std::uint32_t> last_at;
  for (const store::LedgerAgent& agent : station.ledger().agents()) ++last_at[agent.home];
  for (const store::LedgerRelay& kept : station.ledger().relays())
    if (!known.contains(kept.relay)) lines.push_back({kept.name, kept.relay.hex(), {}, kept.segment, kept.forgotten ? "forgotten" : "unreachable", last_at[kept.relay], 0, kept.seen, {}});
  for (const KnownRelay& home : station.home().relays()) {
    auto line = std::find_if(lines.begin(), lines.end(), [&](const RelayLine& one) { return !home.name.empty() && one.name == home.name; });
    if (line == lines.end()) line = lines.insert(lines.end(), {home.name, {}, {}, {}, "never heard", 0, 0, 0, {}});
    line->endpoint = core::to_text(home.endpoint);
  }
  std::sort(lines.begin(), lines.end(), [](const RelayLine& a, const RelayLine& b) { return std::tie(a.name, a.id) < std::tie(b.name, b.id); });
  return lines;
}

std::string tree_of(const std::vector<RelayLine>& relays, core::WallMs now) { return Tree(relays, now).text(); }

std::string dot_of(const std::vector<RelayLine>& relays) {
  std::string out = "graph mesh {\n  node [shape=box];\n";
  std::set<std::pair<std::string, std::string>> drawn;
  for (const RelayLine& relay : relays) {
    if (relay.id.empty()) continue;
    std::string label = quoted(relay.name.empty() ? relay.id.substr(0, 8) : relay.name);
    label.pop_back();  // the lines of a label are parted by DOT's own \n
    label += relay.segment.empty() ? "" : "\\n" + quoted(relay.segment).substr(1, quoted(relay.segment).size() - 2);
    label += fmt::format("\\n{} of {} online\"", relay.online, relay.agents);
    const bool away = relay.state == "unreachable" || relay.state == "forgotten";
    out += fmt::format("  {} [label={}{}];\n", quoted(relay.id.substr(0, 16)), label, away ? ", style=dotted" : relay.state == "attached" ? ", style=bold" : "");
  }
  for (const RelayLine& relay : relays)
    for (const RelayLine::Link& link : relay.links)
      if (find(relays, link.id) != nullptr && drawn.insert(std::minmax(relay.id, link.id)).second)
        out += fmt::format("  {} -- {}{};\n", quoted(relay.id.substr(0, 16)), quoted(link.id.substr(0, 16)), link.both ? "" : " [style=dashed]");
  return out + "}\n";
}

}  // namespace mig::investigator
