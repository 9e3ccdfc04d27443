// Users and capabilities, by raw system calls: libcap would be a library for two of them.
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "node/wall.h"

namespace mig::node {
namespace {

constexpr unsigned nobody = 65534;
constexpr int capabilities_asked = 63;  // the kernel says EINVAL for those it has not

std::uint64_t bit(int capability) { return std::uint64_t{1} << capability; }

struct Sets {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  std::uint64_t permitted() const { return data[0].permitted | std::uint64_t{data[1].permitted} << 32; }
  void fill(std::uint64_t set) {
    for (int half = 0; half < 2; ++half) {
      data[half].permitted = data[half].effective = static_cast<std::uint32_t>(set >> (32 * half));
      data[half].inheritable = 0;
    }
  }
};

/// Reading any file is what most questions are about. Where a container took that one away, writing comes
/// with it, which the list of system calls keeps out.
std::uint64_t kept(const modules::Demands& demands, std::uint64_t held) {
  std::uint64_t out = held & bit(CAP_DAC_READ_SEARCH);
  if (out == 0) out = held & bit(CAP_DAC_OVERRIDE);
  if (demands.raw_packets) out |= held & bit(CAP_NET_RAW);
  if (demands.processes || demands.namespaces) out |= held & bit(CAP_SYS_PTRACE);
  if (demands.namespaces) out |= held & bit(CAP_SYS_ADMIN);
  return out;
}

/// False where this user namespace does not know the user, or may not change to it: then root stays, without
/// its capabilities.
bool become_nobody() {
  return setgroups(0, nullptr) == 0 && setresgid(nobody, nobody, nobody) == 0 &&
         setresuid(nobody, nobody, nobody) == 0;
}

}  // namespace

core::Status drop_privileges(const modules::Demands& demands) {
  if (demands.root) return core::Done{};
  Sets sets;
  if (syscall(SYS_capget, &sets.header, sets.data) != 0)
    return core::Error{core::Code::world,
                       fmt::format("wall: the capabilities cannot be read: {}", std::strerror(errno))};
  const std::uint64_t keep = kept(demands, sets.permitted());
  for (int capability = 0; capability <= capabilities_asked; ++capability)
    if ((keep & bit(capability)) == 0) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (geteuid() == 0) {
    prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    become_nobody();
  }
  sets.fill(keep);
  if (syscall(SYS_capset, &sets.header, sets.data) != 0)
    return core::Error{core::Code::world,
                       fmt::format("wall: the capabilities cannot be dropped: {}", std::strerror(errno))};
  return core::Done{};
}

}  // namespace mig::node
