// mig invite: prints the join string of a relay or of agents, alone on stdout.
#include <fmt/format.h>

#include "investigator/commands/command.h"
#include "investigator/join.h"

namespace mig::investigator {
namespace {

const core::Schema& schema() {
  static const core::Schema schema = [] {
    core::Field role{.name = "role", .help = "What may join: agents, a relay, or the first relay (the enroller).",
                     .flag = "role", .fallback = "agent", .one_of = {"agent", "relay", "enroller"}};
    core::Field endpoint{.name = "endpoint", .help = "Enroller only: where others will reach that relay.",
                         .flag = "endpoint", .example = "tcp://relay1.example.org:7447"};
    core::Field name{.name = "name", .help = "Enroller only: name of the relay in your list.", .flag = "name"};
    core::Field tags{.name = "tag", .type = core::Type::texts, .help = "Tag in the certificate, as key=value.",
                     .flag = "tag", .example = "role=web"};
    core::Field segment{.name = "segment", .help = "Network segment in the certificate.", .flag = "segment"};
    core::Field uses{.name = "uses", .type = core::Type::integer, .help = "How many nodes may join with it.",
                     .flag = "uses", .fallback = 1, .low = 1, .high = 1'000'000};
    core::Field expires{.name = "expires", .help = "Until when it can be used, from now on.", .flag = "expires",
                        .fallback = "24h"};
    core::Field via{.name = "via", .type = core::Type::texts,
                    .help = "Relay to dial (name or endpoint), best first; default: all you know.", .flag = "via",
                    .example = "relay-2"};
    return core::Schema{"invite", "Prints one join string: all a new node needs.",
                        {role, endpoint, name, tags, segment, uses, expires, via},
                        {{"mig invite --role enroller --endpoint tcp://relay1.example.org:7447", "for the first relay"},
                         {"mig invite --role relay --segment plant-a --via relay-1", "for one more relay"},
                         {"mig invite --uses 200 --tag role=web --via relay-2", "for 200 agents"}}};
  }();
  return schema;
}

core::Result<std::map<std::string, std::string>> tags_of(const Words& words) {
  std::map<std::string, std::string> tags;
  if (!words.has("tag")) return tags;
  for (const core::Json& tag : words.options["tag"]) {
    std::string text = tag.get<std::string>();
    std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return core::invalid(fmt::format("--tag: '{}' has no value; write key=value", text));
    tags[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return tags;
}

core::Result<Guest> guest_of(const Words& words) {
  Guest guest;
  guest.role = words.text("role") == "relay" ? core::Role::relay : core::Role::agent;
  auto tags = tags_of(words);
  if (!tags) return tags.error();
  guest.tags = *tags;
  guest.segment = words.text("segment");
  guest.uses = words.options["uses"].get<std::uint32_t>();
  auto life = core::parse_duration(words.text("expires"));
  if (!life) return core::invalid("--expires: " + life.error().text);
  if (life->us <= 0) return core::invalid("--expires: it must be later than now");
  guest.not_after = wall_now() + life->us / 1000;
  if (words.has("via"))
    for (const core::Json& via : words.options["via"]) guest.via.push_back(via.get<std::string>());
  return guest;
}

int first_relay(const Words& words, Home& home) {
  if (!words.has("endpoint"))
    return fail(core::invalid("--endpoint: the first relay needs the address others will reach it at, "
                              "tcp://HOST:PORT"));
  for (const char* other : {"tag", "segment", "via"})
    if (words.has(other))
      return fail(core::invalid(fmt::format("--{}: has no meaning with --role enroller", other)));
  auto join = invite_first_relay(home, {words.text("name"), words.text("endpoint")});
  if (!join) return fail(join.error());
  fmt::print("{}\n", core::to_text(*join));
  fmt::print(stderr, "For one relay, reached at {}. SECRET: it holds the enroller's key, which lets nodes in.\n"
                     "There: mig-relay --listen ADDRESS --state DIR --join STRING\n", words.text("endpoint"));
  return 0;
}

int run(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(schema(), words);
  if (!read) return fail(read.error());
  if (!read->rest.empty()) return fail(core::invalid(fmt::format("invite: '{}' is one word too many", read->rest[0])));
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  if (read->text("role") == "enroller") return first_relay(*read, *home);
  for (const char* other : {"endpoint", "name"})
    if (read->has(other))
      return fail(core::invalid(fmt::format("--{}: only with --role enroller; a node tells its own when it joins", other)));
  auto guest = guest_of(*read);
  if (!guest) return fail(guest.error());
  auto join = invite(*home, *guest);
  if (!join) return fail(join.error());
  fmt::print("{}\n", core::to_text(*join));
  fmt::print(stderr, "For {} {}{}, until {}. Secret until used.\n", guest->uses, core::to_text(guest->role),
             guest->uses == 1 ? "" : "s", core::to_rfc3339(guest->not_after));
  return 0;
}

}  // namespace

Command invite_command() {
  return {"invite", "print the join string of a relay or of agents", core::help_text(schema()), run};
}

}  // namespace mig::investigator
