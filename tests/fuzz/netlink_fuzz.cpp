// leans on: modules
// What comes over netlink: a block of messages, each taken for a socket, a neighbour, an interface and an address.
#include "modules/netstat/kernel.h"
#include "tests/fuzz/fuzz.h"

using namespace mig::modules::netstat;

MIG_FUZZ(netlink) {
  int error = 0;
  std::size_t seen = 0;
  const Block end = each_message(input, error, [&](mig::core::BytesView payload) {
    seen += payload.size();
    if (const auto socket = socket_of(payload, tcp)) MIG_CHECK(Ip::parse(socket->local.text()) == socket->local, "an address reads as it was written");
    if (const auto neighbour = neighbour_of(payload)) MIG_CHECK(!neighbour->mac.empty() || !neighbour->ip.text().empty(), "a neighbour has an address");
    if (const auto interface = interface_of(payload)) MIG_CHECK(interface->name.find('\0') == std::string::npos, "a name ends at its zero");
    if (const auto ip = address_of(payload)) MIG_CHECK(Ip::parse(ip->text()) == *ip, "an address reads as it was written");
  });
  MIG_CHECK(seen <= input.size(), "nothing is read twice");
  MIG_CHECK(end != Block::refused || error > 0, "a refusal has a number");
}
