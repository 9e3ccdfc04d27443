// mig relays add: one more relay this home may dial.
#include <fmt/format.h>

#include "investigator/commands/command.h"

namespace mig::investigator {

int add_relay(const std::vector<std::string>& words, Globals& globals) {
  static const core::Schema schema = {"relays add", "Adds a relay this home may dial.",
                                      {core::Field{.name = "name", .help = "What to call it.", .flag = "name"}}, {}};
  auto read = read_words(schema, words);
  if (!read) return fail(read.error());
  if (read->rest.size() != 1)
    return fail(core::invalid("relays add: give one endpoint, tcp://HOST:PORT#KEY (a relay writes it to STATE/endpoint)"));
  auto endpoint = core::endpoint_from_text(read->rest[0]);
  if (!endpoint) return fail(endpoint.error());
  auto home = globals.open_home();
  if (!home) return fail(home.error());
  core::Status added = home->add_relay({read->text("name"), *endpoint});
  return added ? 0 : fail(added.error());
}

}  // namespace mig::investigator
