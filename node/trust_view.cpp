#include "node/trust_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "modules/module.h"
#include "node/core/membership.h"
#include "node/core/time.h"
#include "node/wall.h"

namespace mig::node {
namespace {

using namespace core;

class Lines {
 public:
  template <typename... T>
  void add(fmt::format_string<T...> format, T&&... values) {
    lines_.push_back(fmt::format(format, std::forward<T>(values)...));
  }
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

void show_roots(const Trust& trust, Lines& out) {
  out.add("  a roster holds with {} of {} root keys:", trust.threshold, trust.roots.size());
  for (const auto& root : trust.roots) out.add("    {}", root.fingerprint);
}

void show_roster(const Roster& roster, WallMs now, Lines& out) {
  out.add("roster {}, issued {}, {} {}", roster.version, to_rfc3339(roster.issued), roster.expires < now ? "EXPIRED" : "expires", to_rfc3339(roster.expires));
  for (const auto& person : roster.investigators) {
    out.add("  {} {}{}", person.fingerprint, person.name, person.active ? "" : " (not active: nothing signed by this person counts)");
    for (const auto& key : person.keys)
      if (key.fingerprint != person.fingerprint) out.add("    signs also with {}", key.fingerprint);
  }
  for (const auto& [module, rule] : roster.access) {
    std::string weights;
    for (const auto& [who, weight] : rule.weights) {
      const auto* person = roster.by_fingerprint(who);
      weights += fmt::format("{}{} {}", weights.empty() ? "" : ", ", person ? person->name : who, weight);
    }
    out.add("  {}: {} of: {}", module, rule.minimum_weight == 0 ? "refused, minimum weight 0" : fmt::format("weight {}", rule.minimum_weight), weights.empty() ? "nobody" : weights);
  }
  if (!roster.access.contains("default")) out.add("  all other modules: refused, there is no default");
  for (const auto& enroller : roster.enrollers) out.add("  enroller {}", node_id_of(enroller).hex());
  for (const auto& node : roster.revoked) out.add("  revoked node {}", node.hex());
}

void show_stop(const Bytes& packed, Membership& membership, WallMs now, Lines& out) {
  auto object = unpack_object(packed);
  if (!object || !membership.take_stop({object->text, object->signatures}, now, true)) return;
  auto stop = parse_stop(object->text);
  const auto& lifted = membership.roster()->lifted;
  const bool over = std::find(lifted.begin(), lifted.end(), stop_id_of(object->text)) != lifted.end();
  out.add("stop {} of {}: {}{}", stop_id_of(object->text).hex(), stop->subject, stop->reason.empty() ? "no reason given" : stop->reason, over ? " (lifted)" : "");
}

void show_self(const TrustView& view, const Roster& roster, const std::string* certificate, Lines& out) {
  const Keys keys(view.seed);
  out.add("this agent {}", keys.id().hex());
  if (certificate == nullptr) return out.add("  not enrolled yet");
  auto own = verify_certificate(*certificate, roster, view.now);
  if (!own) return out.add("  its certificate does not hold: {}", own.error().text);
  out.add("  certified as '{}' until {} by {}", own->name, to_rfc3339(own->not_after), node_id_of(own->enroller).hex());
}

void show_modules(const Restrictions& restrictions, Lines& out) {
  const auto refused = restrictions.refusals();
  out.add("modules, and what each may do beside reading files:");
  for (const auto* module : modules::all()) {
    const auto demands = module->demands();
    std::string may;
    for (const auto& [has, word] : std::initializer_list<std::pair<bool, const char*>>{
             {demands.network, "ask other machines"}, {demands.raw_packets, "send raw packets"}, {demands.netlink, "ask the kernel's socket tables"},
             {demands.namespaces, "look into other network namespaces"}, {demands.processes, "look into other processes"}, {demands.root, "everything its user may"}})
      if (has) may += fmt::format("{}{}", may.empty() ? "" : ", ", word);
    const auto why = refused.find(module->parameters().name);
    out.add("  {}: {}", module->parameters().name, why != refused.end() ? "REFUSED: " + why->second : may.empty() ? "nothing" : may);
  }
}

}  // namespace

std::vector<std::string> stamp_in_words(const std::optional<Baked>& baked) {
  Lines out;
  if (!baked) {
    out.add("nothing is stamped into this program: it joins any mesh");
    return out.take();
  }
  out.add("stamped into this program: it joins mesh {} ({}) and no other", baked->trust.mesh.hex(), baked->trust.name);
  show_roots(baked->trust, out);
  for (const auto& relay : baked->relays) out.add("  begins with relay {}", to_text(relay));
  out.add("  restrictions:{}", baked->restrictions.empty() ? " none" : "");
  auto restrictions = parse_restrictions(baked->restrictions.empty() ? "{}" : baked->restrictions);
  if (!restrictions) out.add("    they cannot be read, so it will not start: {}", restrictions.error().text);
  if (restrictions)
    for (const auto& word : restrictions->in_words()) out.add("    {}", word);
  return out.take();
}

std::vector<std::string> trust_in_words(const TrustView& view) {
  Lines out;
  out.add("mesh {} ({})", view.trust.mesh.hex(), view.trust.name);
  show_roots(view.trust, out);
  const auto packed = view.kept.find("m/roster"), certificate = view.kept.find("m/certificate");
  if (packed == view.kept.end()) {
    out.add("no roster yet: nobody may ask anything");
  } else {
    auto object = unpack_object(packed->second);
    Membership membership(view.trust);
    // An expired one is shown too: it is what the agent holds, and it says when it ended.
    auto parsed = object ? parse_roster(object->text) : Result<Roster>(object.error());
    auto adopted = parsed ? membership.adopt({object->text, object->signatures}, std::min(view.now, parsed->expires)) : Result<Membership::Adopted>(parsed.error());
    if (!adopted) {
      out.add("the roster kept here does not hold: {}", adopted.error().text);
    } else {
      if (const auto fork = view.kept.find("m/fork"); fork != view.kept.end())
        if (auto other = unpack_object(fork->second)) (void)membership.adopt({other->text, other->signatures}, std::min(view.now, parsed->expires));
      for (auto row = view.kept.lower_bound("s/"); row != view.kept.end() && row->first.starts_with("s/"); ++row) show_stop(row->second, membership, view.now, out);
      if (!membership.roster()->root_changes.empty()) {
        out.add("  the roots have changed since; now:");
        show_roots(membership.roots_in_force(), out);
      }
      if (membership.fork()) out.add("ALARM: the roots signed two rosters of version {}; the first one counts here", membership.roster_version());
      show_roster(*membership.roster(), view.now, out);
      show_self(view, *membership.roster(), certificate == view.kept.end() ? nullptr : &certificate->second, out);
    }
  }
  const auto words = view.restrictions.in_words();
  std::string files;
  for (const auto& file : view.restriction_files) files += (files.empty() ? "" : ", ") + file;
  out.add("restricted on this machine ({}):{}", files, words.empty() ? " nothing" : "");
  for (const auto& word : words) out.add("  {}", word);
  out.add("the wall around every job:");
  for (const auto& fact : wall_facts()) out.add("  {}", fact);
  show_modules(view.restrictions, out);
  return out.take();
}

}  // namespace mig::node
