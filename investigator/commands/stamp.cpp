// mig stamp: writes into a finished mig-agent or mig-relay which mesh it belongs to.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "investigator/action_text.h"
#include "investigator/commands/command.h"
#include "node/core/baked.h"

namespace mig::investigator {
namespace {

const core::Schema& schema() {
  static const core::Schema schema{"stamp", "Writes mesh, root keys, relays to begin with and restrictions into a finished program.",
                                   {core::Field{.name = "out", .help = "File to write, mode 0755.", .flag = "o", .required = true},
                                    core::Field{.name = "restrict", .help = "File of restrictions that hold by default, as /etc/mig/agent-restrict.json.", .flag = "restrict"}},
                                   {{"mig stamp /usr/bin/mig-agent -o mig-agent-ours", "Joins no other mesh than the one of this home."},
                                    {"mig stamp -o ours.inc && cmake --preset release -DMIG_BAKED=$PWD/ours.inc", "The same, compiled in."}}};
  return schema;
}

int stamp(const std::vector<std::string>& words, Globals& globals) {
  auto read = read_words(schema(), words);
  if (!read) return fail(read.error());
  if (read->rest.size() > 1) return fail(core::invalid("stamp: give one PROGRAM (mig-agent or mig-relay), or none for what is compiled in"));
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  core::Baked baked{home->trust(), {}, {}};
  for (const KnownRelay& relay : home->relays()) baked.relays.push_back(relay.endpoint);
  if (read->has("restrict")) {
    auto text = read_named(read->text("restrict"));
    if (!text) return fail(text.error());
    baked.restrictions = *text;
  }
  const std::string out = read->text("out");
  if (read->rest.empty()) {
    core::Status written = write_named(out, "R\"baked(" + core::to_text(baked) + ")baked\"\n");
    return written ? 0 : fail(written.error());
  }
  std::ifstream file(read->rest[0], std::ios::binary);
  core::Bytes program((std::istreambuf_iterator<char>(file)), {});
  if (!file) return fail({core::Code::world, fmt::format("{}: cannot be read: {}", read->rest[0], std::strerror(errno))});
  if (core::Status done = core::stamp(program, baked); !done) return fail({done.error().code, fmt::format("{}: {}", read->rest[0], done.error().text)});
  if (core::Status written = write_named(out, program); !written) return fail(written.error());
  if (chmod(out.c_str(), 0755) != 0) return fail({core::Code::world, out + ": " + std::strerror(errno)});
  fmt::print("{}: belongs to mesh {} {}, begins with {} relays\n", out, baked.trust.name, baked.trust.mesh.hex(), baked.relays.size());
  return 0;
}

}  // namespace

Command stamp_command() {
  return {"stamp", "write mesh, roots, relays and restrictions into a finished program", "mig stamp [PROGRAM] -o FILE\n\n" + core::help_text(schema()), stamp};
}

}  // namespace mig::investigator
