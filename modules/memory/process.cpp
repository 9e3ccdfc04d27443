#include "modules/memory/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>

#include "modules/host_files.h"

namespace mig::modules::memory {
namespace {

constexpr std::uint64_t page = 4096;

core::Error trouble(const std::string& what) {
  return {errno == ENOENT || errno == ESRCH ? core::Code::not_found : core::Code::world,
          fmt::format("{}: {}", what, std::strerror(errno))};
}

std::string place(const Host& host, pid_t pid, const char* what) {
  return fmt::format("{}/{}/{}", host.proc, pid, what);
}

bool take_hex(std::string_view& text, std::uint64_t& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

void add(std::vector<Range>& ranges, std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  if (!ranges.empty() && ranges.back().end == begin)
    ranges.back().end = end;
  else
    ranges.push_back({begin, end});
}

/// The kernel's answer since 6.7; written down here because older headers lack it.
struct Region {
  std::uint64_t begin, end, categories;
};
struct ScanCall {
  std::uint64_t size, flags, begin, end, reached, regions, regions_most, pages_most, inverted, all_of, any_of,
      wanted;
};
constexpr std::uint64_t is_present = 1 << 3, is_swapped = 1 << 4;
constexpr unsigned long scan_call = _IOWR('f', 16, ScanCall);

/// False if this kernel does not know the call.
bool ask_kernel(int fd, const Range& wanted, Present& out) {
  std::array<Region, 512> regions;
  ScanCall call{};
  call.size = sizeof call;
  call.begin = wanted.begin;
  call.end = wanted.end;
  call.regions = reinterpret_cast<std::uintptr_t>(regions.data());
  call.regions_most = regions.size();
  call.any_of = call.wanted = is_present | is_swapped;
  while (call.begin < call.end) {
    const int got = ioctl(fd, scan_call, &call);
    if (got < 0) return false;
    for (int i = 0; i < got; ++i) {
      const Region& region = regions[static_cast<std::size_t>(i)];
      if (region.categories & is_present)
        add(out.ranges, region.begin, region.end);
      else
        out.swapped += region.end - region.begin;
    }
    if (call.reached <= call.begin) return true;
    call.begin = call.reached;
  }
  return true;
}

bool read_page_map(int fd, const Range& wanted, Present& out) {
  std::array<std::uint64_t, 8192> entries;
  for (std::uint64_t at = wanted.begin; at < wanted.end;) {
    const std::size_t count = std::min<std::uint64_t>(entries.size(), (wanted.end - at) / page);
    const ssize_t got = pread(fd, entries.data(), count * 8, static_cast<off_t>(at / page * 8));
    if (got < 8) return got == 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(got) / 8; ++i, at += page) {
      if (entries[i] >> 63 & 1)
        add(out.ranges, at, at + page);
      else if (entries[i] >> 62 & 1)
        out.swapped += page;
    }
  }
  return true;
}

}  // namespace

Maps parse_maps(std::string_view text) {
  Maps out;
  std::set<std::string, std::less<>> seen;
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == text.npos ? text.size() : newline + 1);
    Range range;
    if (!take_hex(line, range.begin) || !line.starts_with('-')) continue;
    line.remove_prefix(1);
    if (!take_hex(line, range.end) || line.size() < 6 || range.begin >= range.end) continue;
    const bool readable = line[1] == 'r';
    // Behind the rights: offset, device, inode, and the path after blanks.
    for (int field = 0; field < 4; ++field) {
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      line.remove_prefix(std::min(line.find(' '), line.size()));
    }
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.starts_with('/') && seen.emplace(line).second) out.files.emplace_back(line);
    const bool device =
        line.starts_with("/dev/") && !line.starts_with("/dev/shm/") && !line.starts_with("/dev/zero");
    const bool kernels = line.starts_with("[vvar") || line == "[vsyscall]" || line == "[vdso]";
    if (readable && !device && !kernels) add(out.readable, range.begin, range.end);
  }
  return out;
}

std::vector<pid_t> processes(const Host& host) {
  std::vector<pid_t> out;
  for (const std::string& name : names_in(Host{"", host.proc}, host.proc)) {
    pid_t pid = 0;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size()) out.push_back(pid);
  }
  std::sort(out.begin(), out.end());
  return out;
}

core::Result<std::string> program_of(const Host& host, pid_t pid) {
  char target[PATH_MAX];
  const ssize_t size = readlink(place(host, pid, "exe").c_str(), target, sizeof target);
  if (size < 0) return trouble("program");
  return std::string(target, static_cast<std::size_t>(size));
}

core::Result<Maps> maps_of(const Host& host, pid_t pid) {
  constexpr std::size_t most = 64 * 1024 * 1024;  // half a million mappings
  auto text = read_file(Host{"", host.proc}, place(host, pid, "maps"), most);
  if (!text) return text.error();
  return parse_maps(*text);
}

core::Result<Present> present_of(const Host& host, pid_t pid, const std::vector<Range>& wanted) {
  const int fd = open(place(host, pid, "pagemap").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return trouble("pagemap");
  Present out;
  bool knows = true, good = true;
  for (std::size_t i = 0; i < wanted.size() && good; ++i) {
    knows = knows && ask_kernel(fd, wanted[i], out);
    if (!knows) good = read_page_map(fd, wanted[i], out);
  }
  auto error = good ? core::Error{} : trouble("pagemap");
  close(fd);
  if (!good) return error;
  return out;
}

std::size_t read_memory(pid_t pid, std::uint64_t at, char* into, std::size_t size) {
  iovec here{into, size}, there{reinterpret_cast<void*>(at), size};
  const ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
  return got < 0 ? 0 : static_cast<std::size_t>(got);
}

}  // namespace mig::modules::memory
