// What can be asked: the keys of MIG's `file` documents, the flags for them, and the check of every value.
#include <fmt/format.h>

#include <algorithm>

#include "modules/file/search.h"

namespace mig::modules::file {
namespace {

using core::Field;
using core::Status;
using core::Type;

core::Status check_label(std::string_view label) {
  const auto characters = std::count_if(label.begin(), label.end(), [](char c) { return (c & 0xc0) != 0x80; });
  if (characters >= 1 && characters <= 64 && label.find('\n') == label.npos) return core::Done{};
  return core::invalid(fmt::format("'{}' is not right; write 1 to 64 characters without a newline", label.substr(0, 80)));
}

core::Status check_path(std::string_view path) {
  if (!path.empty() && path.find('\0') == path.npos) return core::Done{};
  return core::invalid("the path is empty or holds a zero byte; write one like /etc");
}

template <class T>
Status status_of(const core::Result<T>& parsed) {
  if (parsed) return core::Done{};
  return parsed.error();
}

Status check_pattern(std::string_view text) { return status_of(parse_pattern(text)); }
Status check_size(std::string_view text) { return status_of(parse_size(text)); }
Status check_period(std::string_view text) { return status_of(parse_period(text)); }

Field list(std::string name, std::string flag, std::string example, std::string help,
           std::function<Status(std::string_view)> check) {
  return {.name = std::move(name), .type = Type::texts, .help = std::move(help), .flag = std::move(flag),
          .example = std::move(example), .check = std::move(check)};
}

Field hash(const std::string& family, const std::string& digits) {
  return list(family, family, "", fmt::format("{} sum of the content: {} hexadecimal digits, any case", family, digits),
              [family](std::string_view text) { return status_of(parse_hash(family, text)); });
}

Field flag(std::string name, std::string help) {
  return {.name = name, .type = Type::boolean, .help = std::move(help), .flag = name, .fallback = false};
}

Field bound(std::string name, int from_flags, std::string help) {
  return {.name = name, .type = Type::number, .help = std::move(help), .flag = name, .fallback = 0,
          .flag_fallback = from_flags, .low = 0};
}

core::Schema make_options() {
  core::Schema out{"options", "How a search is done.", {}, {}};
  Field all = flag("matchall", "a file must match every value; otherwise each value is looked for by itself");
  all.flag_fallback = true;
  all.flag_off = "matchany";
  out.fields.push_back(std::move(all));
  out.fields.push_back(bound("maxdepth", 1000, "levels of directories; 1: only the files right in a path; 0: no limit"));
  out.fields.push_back(bound("maxerrors", 30, "errors of the walk that are returned; the rest is counted; 0: no limit (10000)"));
  out.fields.push_back(bound("matchlimit", 1000, "stop the search after this many hits (any of them); 0: no limit"));
  out.fields.push_back(flag("macroal", "content expressions must hold on all lines of a file, not on any"));
  Field mismatch = list("mismatch", "mismatch", "content", "invert every check of this kind", nullptr);
  mismatch.one_of = {"name", "size", "mode", "mtime", "content", "md5", "sha1", "sha2", "sha3"};
  out.fields.push_back(std::move(mismatch));
  out.fields.push_back(flag("returnsha256", "give the SHA-256 sum of every file found; only with matchall"));
  out.fields.push_back(flag("decompress", "look into gzip, xz, zstd and zip files: contents and hashes are those of the unpacked data (of a zip, its members one behind the other)"));
  out.fields.push_back({.name = "debug", .type = Type::text, .help = "of MIG: given back with the result, no traces are written"});
  Field verbose = flag("verbose", "of MIG: understood, changes nothing");
  verbose.fallback = nullptr;
  out.fields.push_back(std::move(verbose));
  out.fields.push_back({.name = "remotefs", .type = Type::boolean, .help = "go also into mounted file systems of other machines below a path"});
  out.fields.push_back(flag("samefs", "stay on the file system of each path"));
  out.fields.push_back({.name = "cpu", .type = Type::number, .help = "percent of each thread's time; 0: what is idle", .flag = "cpu", .fallback = 0, .low = 0, .high = 100});
  out.fields.push_back({.name = "readrate", .type = Type::number, .help = "megabytes a second that are read at most; 0: no limit", .flag = "readrate", .fallback = 0, .low = 0});
  return out;
}

core::Schema make_search() {
  core::Schema out{"search", "One search: where, and what a file must look like.", {}, {}};
  out.fields.push_back({.name = "description", .type = Type::text, .help = "words for people; given back with the result"});
  Field paths = list("paths", "path", "/etc", "where to look: a directory, a file, or a link to one; no wildcards", check_path);
  paths.required = paths.required_unless_empty = true;
  out.fields.push_back(std::move(paths));
  out.fields.push_back(list("names", "name", "^passwd$", "expression on the file's name without directory; ! inverts", check_pattern));
  out.fields.push_back(list("sizes", "size", ">10m", "in bytes: 512 exactly, <10k at most, >1m at least", check_size));
  out.fields.push_back(list("modes", "mode", "^.*u.*rwx", "expression on the mode, written like -rw-r--r-- or urwxr-xr-x (setuid); ! inverts", check_pattern));
  out.fields.push_back(list("mtimes", "mtime", "<30d", "modified within (<) or before (>) so many days d, hours h, minutes m", check_period));
  out.fields.push_back(list("contents", "content", "^root:", "expression on each line of the file; ! inverts", check_pattern));
  out.fields.push_back(hash("md5", "32"));
  out.fields.push_back(hash("sha1", "40"));
  out.fields.push_back(hash("sha2", "64, 96 or 128"));
  out.fields.push_back(hash("sha3", "56, 64, 96 or 128"));
  Field options{.name = "options", .type = Type::object, .help = "how the search is done"};
  options.fallback = core::Json::object();
  options.inner = std::make_shared<const core::Schema>(make_options());
  out.fields.push_back(std::move(options));
  return out;
}

core::Schema make_parameters() {
  core::Schema out{"file", "Which files match by name, size, mode, time, content or hash.", {}, {}};
  Field searches{.name = "searches", .type = Type::map, .help = "label to search; the command line makes one, s1", .required = true};
  searches.map_key = "s1";
  searches.required_unless_empty = true;
  searches.check = check_label;
  searches.inner = std::make_shared<const core::Schema>(make_search());
  out.fields.push_back(std::move(searches));
  out.examples = {
      {"mig file -path /etc -name '^passwd$' -content '^root:'", "machines that have a root account in /etc/passwd"},
      {"mig file -path /usr -mode '^u' -mtime '<7d' -returnsha256", "setuid programs that changed within a week"},
      {"mig file -path /home -sha2 <64 hex digits> -sha2 <another> -matchany", "which of two files lies where"},
      {"mig file -path /var/log -name '\\.gz$' -decompress -content 'Failed password'", "inside rotated logs"},
  };
  return out;
}

}  // namespace

const core::Schema& parameters_schema() {
  static const core::Schema schema = make_parameters();
  return schema;
}

}  // namespace mig::modules::file
