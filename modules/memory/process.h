// A process as seen from outside: its program, what is mapped, which pages are really there, and their bytes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "modules/module.h"
#include "node/core/result.h"

namespace mig::modules::memory {

struct Range {
  std::uint64_t begin = 0, end = 0;
};

struct Maps {
  std::vector<Range> readable;     ///< without what the kernel itself or a device answers for
  std::vector<std::string> files;  ///< mapped ones, each once, in the order of their addresses
};
/// Of the text of /proc/PID/maps. Lines that are not understood are left out.
Maps parse_maps(std::string_view text);

/// Of all processes that run a program (kernel threads do not), sorted.
std::vector<pid_t> processes(const Host& host);
core::Result<std::string> program_of(const Host& host, pid_t pid);
core::Result<Maps> maps_of(const Host& host, pid_t pid);

struct Present {
  std::vector<Range> ranges;  ///< reading these costs the process nothing
  std::uint64_t swapped = 0;  ///< bytes that lie on a disk and are left there
};
/// Those pages of `wanted` that are in memory; neighbours become one range.
core::Result<Present> present_of(const Host& host, pid_t pid, const std::vector<Range>& wanted);

/// As many bytes as could be read, up to `size`; errno tells why if none.
std::size_t read_memory(pid_t pid, std::uint64_t at, char* into, std::size_t size);

}  // namespace mig::modules::memory
