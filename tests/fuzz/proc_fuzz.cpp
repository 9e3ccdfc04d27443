// leans on: modules
// The texts of /proc that modules take apart. The first octet chooses which.
#include "modules/netstat/proc_net.h"
#include "modules/process/look.h"
#include "tests/fuzz/fuzz.h"

using namespace mig::modules;

MIG_FUZZ(proc) {
  if (input.empty()) return;
  const std::string_view text = input.substr(1);
  switch (static_cast<unsigned char>(input.front()) % 10) {
    case 0: (void)netstat::socket_of_line(text, netstat::tcp, false); break;
    case 1: (void)netstat::socket_of_line(text, netstat::udp, true); break;
    case 2: (void)netstat::neighbour_of_line(text); break;
    case 3: (void)netstat::address_of_line(text); break;
    case 4: (void)netstat::addresses_of_trie(text); break;
    case 5: {
      const auto stat = process::parse_stat(text);
      MIG_CHECK(!stat || text.find(stat->name) != text.npos, "the name stands in the text");
      break;
    }
    case 6: {
      const auto status = process::parse_status(text);
      if (status) MIG_CHECK(process::capability_names(status->capabilities).size() <= 64, "one name a bit");
      break;
    }
    case 7: {
      std::size_t size = 0;
      for (const std::string& one : process::parse_cmdline(text)) size += one.size();
      MIG_CHECK(size <= text.size(), "arguments are not longer than the text");
      break;
    }
    case 8: {
      const auto began = process::parse_boot_time(text);
      MIG_CHECK(!began || *began >= 0, "a machine did not start before 1970");
      break;
    }
    default:
      if (const auto prefix = netstat::parse_prefix(text)) MIG_CHECK(prefix->bits >= 0 && prefix->bits <= (prefix->ip.six ? 128 : 32), "a prefix fits its address");
  }
}
