// The made-up tree of the file module's cases, and the documents they must give, built without the module's code.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "modules/module.h"

namespace mig::test {

using core::Json;

inline std::string gzipped(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 256, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// What module file answers to these searches, within a minute.
inline modules::Answer ask(const Json& searches) {
  modules::Budget budget(60, 0);
  return modules::run("file", {{"searches", searches}}, {}, budget);
}

class FileTree {
 public:
  static constexpr std::time_t old_time = 1'467'732'762;  // 2016-07-05 15:32:42 UTC
  static constexpr const char* old_text = "2016-07-05 15:32:42 +0000 UTC";

  FileTree() {
    char name[] = "/tmp/mig-file-XXXXXX";
    root_ = mkdtemp(name);
    ::umask(022);
    file("alpha.txt", "hello world\nsecond line\n");
    file("beta.log", "hello beta\nall hello\nhello again\n");
    file("empty", "");
    file("crlf.txt", "one\r\ntwo\r\n");
    file("noeol", "first\nlast without newline");
    file("long", std::string(100'000, 'x') + "needle" + std::string(30'000, 'y') + "\nshort\n");
    file("binary", std::string("\xff\xfe\x00z\x80needle\n", 12));
    file("packed.gz", gzipped("secret inside\n"));
    file("double.gz", gzipped("part one\n") + gzipped("part two\n"));
    std::string broken = gzipped(std::string(5000, 'q') + "\n" + std::string(5000, 'r'));
    file("corrupt.gz", broken.substr(0, broken.size() / 2));
    file("modes/plain", "m", 0644);
    file("modes/setuid", "m", 04755);
    file("modes/setgid", "m", 02755);
    file("modes/both", "m", 06755);
    file("modes/sticky", "m", 01777);
    file("modes/private", "m", 0600);
    file("sizes/s0", "");
    file("sizes/s512", std::string(512, 's'));
    file("sizes/s1k", std::string(1024, 's'));
    file("sizes/s2k", std::string(2048, 's'));
    file("deep/one/two/three/bottom", "b");
    file("deep/one/middle", "b");
    file("deep/top", "b");
    file("deeper/other", "b");
    file("times/old", "t");
    file("times/fresh", "t", 0644, false);
    file("links/target", "linked content\n");
    ::symlink("target", path("links/to-file").c_str());
    ::symlink("../deep", path("links/to-dir").c_str());
    ::symlink("nowhere", path("links/broken").c_str());
    ::mkfifo(path("links/pipe").c_str(), 0644);
    ::symlink("deep", path("dirlink").c_str());
    ::symlink("alpha.txt", path("filelink").c_str());
  }
  ~FileTree() { std::filesystem::remove_all(root_); }
  FileTree(const FileTree&) = delete;
  FileTree& operator=(const FileTree&) = delete;

  const std::string& root() const { return root_; }
  std::string path(const std::string& name) const { return name.empty() ? root_ : root_ + "/" + name; }

  void file(const std::string& name, const std::string& content, mode_t mode = 0644, bool old = true) {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
    ::chmod(path(name).c_str(), mode);
    if (!old) return;
    const timespec times[2] = {{old_time, 0}, {old_time, 0}};
    ::utimensat(AT_FDCWD, path(name).c_str(), times, 0);
  }

  /// What the file system says, by stat(2) alone.
  Json info(const std::string& name) const {
    struct stat s {};
    ::stat(path(name).c_str(), &s);
    std::string mode;
    if (s.st_mode & S_ISUID) mode += 'u';
    if (s.st_mode & S_ISGID) mode += 'g';
    if (s.st_mode & S_ISVTX) mode += 't';
    if (mode.empty()) mode = "-";
    for (int bit = 8; bit >= 0; --bit) mode += s.st_mode >> bit & 1 ? "rwx"[(8 - bit) % 3] : '-';
    return {{"size", s.st_size}, {"mode", mode}, {"lastmodified", s.st_mtim.tv_sec == old_time ? old_text : "*"}};
  }

 private:
  std::string root_;
};

/// A search as MIG's results repeat it.
inline Json echoed(const Json& search, bool zero_bounds) {
  Json out = search;
  const Json given = search.value("options", Json::object());
  Json& options = out["options"] = Json::object();
  for (const char* bound : {"maxdepth", "maxerrors", "matchlimit"}) options[bound] = zero_bounds ? Json(0) : given.value(bound, Json(0));
  options["matchall"] = given.value("matchall", false);
  options["macroal"] = given.value("macroal", false);
  options["mismatch"] = given.contains("mismatch") ? given["mismatch"] : Json(nullptr);
  for (const char* option : {"returnsha256", "decompress", "remotefs"})
    if (given.value(option, false)) options[option] = true;
  return out;
}

inline Json no_file() { return {{"size", 0}, {"mode", ""}, {"lastmodified", ""}}; }

/// Times of files that are not old differ from run to run: "*". Nothing else is smoothed.
inline void smooth(Json& document) {
  if (document["statistics"].is_object() && document["statistics"].contains("exectime")) document["statistics"]["exectime"] = "*";
  if (!document["elements"].is_object()) return;
  for (auto& entries : document["elements"])
    for (auto& entry : entries)
      if (auto& time = entry["fileinfo"]["lastmodified"]; time != FileTree::old_text && time != "") time = "*";
}

}  // namespace mig::test
