#include "modules/pkg/packages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "modules/host_files.h"

namespace mig::modules::pkg {
namespace {

constexpr std::size_t stanza_max = 16 << 20, metadata_max = 1 << 20, troubles_max = 100;

class File final : public Pages {
 public:
  ~File() override {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File() = default;
  /// Never waits on a pipe.
  core::Status open(const Host& host, const std::string& path) {
    fd_ = ::open(place_of(host, path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info {};
    if (fd_ < 0 || fstat(fd_, &info) != 0) return core::Error{core::Code::world, std::strerror(errno)};
    if (!S_ISREG(info.st_mode)) return core::Error{core::Code::world, "is not a regular file"};
    size_ = static_cast<std::uint64_t>(info.st_size);
    return core::Done{};
  }
  bool read(std::uint64_t at, std::size_t size, char* to) override {
    for (std::size_t done = 0; done < size;) {
      const ssize_t got = pread(fd_, to + done, size - done, static_cast<off_t>(at + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      done += static_cast<std::size_t>(got);
    }
    return true;
  }
  std::uint64_t size() const override { return size_; }
  /// -1: trouble, in errno.
  ssize_t next(char* to, std::size_t size) {
    ssize_t got = 0;
    do got = ::read(fd_, to, size);
    while (got < 0 && errno == EINTR);
    return got;
  }

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

class List {
 public:
  List(const Host& host, Budget& budget, Packages& out) : host_(host), budget_(budget), out_(out) {}

  void dpkg() {
    const std::string folder = "/var/lib/dpkg";
    const auto names = names_in(host_, folder);
    if (holds(names, "status")) stanzas(folder + "/status", read_dpkg, out_.all, nullptr);
    if (holds(names, "status.d"))
      for (const std::string& name : names_in(host_, folder + "/status.d"))
        if (!name.ends_with(".md5sums") && !budget_.spent()) stanzas(folder + "/status.d/" + name, read_dpkg, out_.all, nullptr);
    // While dpkg works, and after it was interrupted, the newest states stand in files of their own.
    if (holds(names, "updates"))
      for (const std::string& name : names_in(host_, folder + "/updates"))
        if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }) && !budget_.spent()) update(folder + "/updates/" + name);
  }

  void apk() {
    for (const std::string folder : {"/lib/apk/db", "/usr/lib/apk/db"})
      if (holds(names_in(host_, folder), "installed") && is_new(folder)) stanzas(folder + "/installed", read_apk, out_.all, nullptr);
  }

  void rpm() {
    for (const std::string folder : {"/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"}) {
      const auto names = names_in(host_, folder);
      if (names.empty() || !is_new(folder)) continue;
      if (holds(names, "rpmdb.sqlite")) database(folder + "/rpmdb.sqlite", [&](File& file) {
        File log;
        const bool has_log = holds(names, "rpmdb.sqlite-wal") && log.open(host_, folder + "/rpmdb.sqlite-wal");
        // A rollback journal that is there: a change was cut off, and rpm itself would undo it first.
        if (File journal; holds(names, "rpmdb.sqlite-journal") && journal.open(host_, folder + "/rpmdb.sqlite-journal") && journal.size() > 0)
          trouble(folder + "/rpmdb.sqlite: is being changed, or a change of it was cut off; what is told may be half of it");
        return read_rpm_sqlite(file, has_log ? &log : nullptr, budget_, out_.all);
      });
      else if (holds(names, "Packages.db")) database(folder + "/Packages.db", [&](File& file) { return read_rpm_ndb(file, budget_, out_.all); });
      else if (holds(names, "Packages")) database(folder + "/Packages", [&](File& file) { return read_rpm_berkeley(file, budget_, out_.all); });
    }
  }

  void pip() {
    for (const std::string base : {"/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"}) {
      if (!is_new(base)) continue;
      for (const std::string& python : names_in(host_, base)) {
        if (!python.starts_with("python")) continue;
        for (const auto& folder : {base + "/" + python + "/dist-packages", base + "/" + python + "/site-packages"}) {
          const auto names = names_in(host_, folder);
          if (names.empty() || !is_new(folder)) continue;
          for (const std::string& name : names) {
            if (budget_.spent()) return;
            if (name.ends_with(".dist-info")) python_package(folder + "/" + name, folder + "/" + name + "/METADATA");
            else if (name.ends_with(".egg-info")) python_package(folder + "/" + name, folder + "/" + name + (is_folder(folder + "/" + name) ? "/PKG-INFO" : ""));
          }
        }
      }
    }
  }

  void npm() {
    for (const std::string base : {"/usr/lib/node_modules", "/usr/local/lib/node_modules"})
      for (const std::string& name : names_in(host_, base)) {
        if (budget_.spent()) return;
        if (!name.starts_with("@")) node_package(base + "/" + name);
        else
          for (const std::string& inner : names_in(host_, base + "/" + name)) node_package(base + "/" + name + "/" + inner);
      }
  }

 private:
  static bool holds(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  /// The same folder often has two names, by a link.
  bool is_new(const std::string& path) {
    struct stat info {};
    return stat(place_of(host_, path).c_str(), &info) == 0 && seen_.insert({info.st_dev, info.st_ino}).second;
  }

  bool is_folder(const std::string& path) const {
    struct stat info {};
    return stat(place_of(host_, path).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  }

  void trouble(std::string text) {
    if (out_.troubles.size() < troubles_max) out_.troubles.push_back(std::move(text));
  }

  template <class Read>
  void database(const std::string& path, Read read) {
    File file;
    core::Status done = file.open(host_, path);
    if (done) done = read(file);
    if (!done) trouble(fmt::format("{}: {}", path, done.error().text));
  }

  /// In pieces, since touching a megabyte of fresh memory costs more than reading it.
  void stanzas(const std::string& path, void (*read)(std::string_view, Stanzas&), std::vector<Package>& out, std::vector<Package>* gone) {
    File file;
    if (auto opened = file.open(host_, path); !opened) return trouble(fmt::format("{}: {}", path, opened.error().text));
    Stanzas state{path, out, gone};
    std::string piece(64 * 1024, '\0');
    std::size_t size = 0;
    for (;;) {
      const ssize_t got = file.next(piece.data() + size, piece.size() - size);
      if (got < 0) trouble(fmt::format("{}: {}", path, std::strerror(errno)));
      if (got <= 0 || budget_.spent()) break;
      size += static_cast<std::size_t>(got);
      const std::size_t end = std::string_view(piece.data(), size).rfind("\n\n");
      if (end != std::string_view::npos) {
        read(std::string_view(piece.data(), end + 2), state);
        std::memmove(piece.data(), piece.data() + end + 2, size - end - 2);
        size -= end + 2;
      } else if (size == piece.size()) {
        if (size >= stanza_max) return trouble(path + ": holds a stanza that is too long; it is no list of packages");
        piece.resize(2 * size);
      }
    }
    read(std::string_view(piece.data(), size), state);
    if (std::string why = state.trouble(); !why.empty()) trouble(std::move(why));
  }

  void update(const std::string& path) {
    std::vector<Package> here, gone;
    stanzas(path, read_dpkg, here, &gone);
    for (const auto* list : {&here, &gone})
      for (const Package& package : *list)
        std::erase_if(out_.all, [&](const Package& old) { return old.type == "dpkg" && old.name == package.name && old.arch == package.arch; });
    out_.all.insert(out_.all.end(), here.begin(), here.end());
  }

  void python_package(const std::string& path, const std::string& metadata) {
    auto content = read_file(host_, metadata, metadata_max);
    if (!content) return trouble(content.error().text);
    Package package{"", "", "pip", "", path};
    for (std::string_view rest = *content; !rest.empty() && rest.front() != '\n' && rest.front() != '\r';) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.starts_with("Name: ") && package.name.empty()) package.name = line.substr(6);
      if (line.starts_with("Version: ") && package.version.empty()) package.version = line.substr(9);
    }
    if (package.name.empty() || package.version.empty()) return trouble(metadata + ": has no name or no version");
    out_.all.push_back(std::move(package));
  }

  void node_package(const std::string& path) {
    const std::string about = path + "/package.json";
    auto content = read_file(host_, about, metadata_max);
    if (!content) {
      if (content.error().code != core::Code::not_found) trouble(content.error().text);
      return;  // a folder of npm's own, such as .bin
    }
    const auto json = core::parse_json(*content, metadata_max);
    if (!json) return trouble(fmt::format("{}: {}", about, json.error().text));
    const auto text = [&](const char* key) {
      return json->is_object() && json->contains(key) && (*json)[key].is_string() ? (*json)[key].get<std::string>() : "";
    };
    Package package{text("name"), text("version"), "npm", "", path};
    if (package.name.empty() || package.version.empty()) return trouble(about + ": has no name or no version");
    out_.all.push_back(std::move(package));
  }

  const Host& host_;
  Budget& budget_;
  Packages& out_;
  std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> all = {"rpm", "dpkg", "apk", "pip", "npm"};
  return all;
}

Packages list_packages(const Host& host, Budget& budget, const std::set<std::string>& types) {
  Packages out;
  List list(host, budget, out);
  for (const std::string& kind : kinds()) {
    if (!types.contains(kind)) continue;
    const std::size_t begin = out.all.size();
    if (kind == "rpm") list.rpm();
    else if (kind == "dpkg") list.dpkg();
    else if (kind == "apk") list.apk();
    else if (kind == "pip") list.pip();
    else list.npm();
    std::sort(out.all.begin() + static_cast<std::ptrdiff_t>(begin), out.all.end());
  }
  return out;
}

}  // namespace mig::modules::pkg
