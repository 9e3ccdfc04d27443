#include "modules/scan/mounts.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <vector>

namespace mig::modules::scan {
namespace {

bool is_one_of(std::string_view type, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), type) != list.end();
}

/// The kernel writes blanks and backslashes as \040.
std::string plain_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    const std::size_t blank = line.find(' ');
    out.push_back(line.substr(0, blank));
    line.remove_prefix(blank == line.npos ? line.size() : blank + 1);
  }
  return out;
}

}  // namespace

Mounts::Mounts(std::string_view table) {
  while (!table.empty()) {
    const std::size_t end = table.find('\n');
    const auto fields = fields_of(table.substr(0, end));
    table.remove_prefix(end == table.npos ? table.size() : end + 1);
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 5 || fields.end() - dash < 2) continue;
    Mount mount;
    mount.at = plain_text(fields[4]);
    mount.type = *(dash + 1);
    const std::string_view type = mount.type;
    mount.kernel = is_one_of(
        type, {"proc",        "sysfs",  "debugfs",   "tracefs",    "securityfs", "configfs", "pstore",
               "bpf",         "cgroup", "cgroup2",   "efivarfs",   "fusectl",    "mqueue",   "devpts",
               "binfmt_misc", "autofs", "selinuxfs", "rpc_pipefs", "nsfs",       "nfsd",     "devtmpfs"});
    mount.remote = type.starts_with("nfs") || type.starts_with("fuse.") ||
                   is_one_of(type, {"cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre",
                                    "ncpfs", "ocfs2", "gfs2", "fuse", "virtiofs"});
    mount.plain = is_one_of(type, {"ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "f2fs", "overlay", "zfs",
                                   "squashfs", "erofs", "vfat", "iso9660", "ramfs"});
    mounts_[mount.at] = mount;  // what is mounted later lies on top
  }
}

Mounts Mounts::of_this_process() {
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream text;
  text << file.rdbuf();
  return Mounts(text.str());
}

const Mount* Mounts::of(std::string_view path) const {
  for (;;) {
    if (auto at = mounts_.find(path); at != mounts_.end()) return &at->second;
    const std::size_t slash = path.rfind('/');
    if (slash == path.npos || path == "/") return &unknown_;
    path = slash == 0 ? "/" : path.substr(0, slash);
  }
}

const Mount* Mounts::exactly_at(const std::string& path) const {
  auto at = mounts_.find(path);
  return at == mounts_.end() ? nullptr : &at->second;
}

}  // namespace mig::modules::scan
