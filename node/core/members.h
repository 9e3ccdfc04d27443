// Reads the members of one JSON object strictly: each by name, type and bound, none left over.
//
// The first trouble sticks and everything after it is skipped, so a reader is a plain list of its members:
//   Members in(json, "action");
//   in.text("name", out.name, 1, 2048);
//   in.time("validfrom", out.valid_from);
//   if (Status ok = in.end(); !ok) return ok.error();
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "node/core/ids.h"
#include "node/core/json.h"
#include "node/core/time.h"

namespace mig::core {

class Members {
 public:
  enum class Absent { refused, skipped };
  /// `object` must outlive this. `subject` begins every error: "action: limits.grace: 99 is outside 0..64".
  /// With Absent::skipped a missing member leaves its variable alone; see lacking().
  Members(const Json& object, std::string subject, Absent absent = Absent::refused);

  /// UTF-8 text of `least`..`most` octets, without control characters.
  void text(const char* name, std::string& out, std::size_t least, std::size_t most);
  /// One of the words, by its index.
  void word(const char* name, const std::vector<std::string_view>& words, std::size_t& out);
  /// 40 upper-case hex digits.
  void fingerprint(const char* name, Fingerprint& out);
  void boolean(const char* name, bool& out);
  /// RFC 3339.
  void time(const char* name, WallMs& out);
  /// Lower-case hex of `least`..`most` octets.
  void hex(const char* name, Bytes& out, std::size_t least, std::size_t most);
  template <class Tag, std::size_t N>
  void hex(const char* name, Id<Tag, N>& out) {
    Bytes octets;
    hex(name, octets, N, N);
    if (octets.size() == N) out = *Id<Tag, N>::from(octets);
  }
  template <class T>
  void integer(const char* name, T& out, std::int64_t low, std::int64_t high) {
    std::int64_t value = 0;
    if (whole_number(name, value, low, high)) out = static_cast<T>(value);
  }
  void object(const char* name, Json& out);  ///< any object, as it is
  void any(const char* name, Json& out);     ///< any JSON, as it is

  /// Reads an inner object: `read` takes its members, end() is called for it.
  void inside(const char* name, const std::function<void(Members&)>& read);
  /// Every element of an array of `least`..`most`; subjects become "keys[2]".
  void each(const char* name, std::size_t least, std::size_t most,
            const std::function<void(const Json& element, const std::string& subject)>& read);
  /// Every member of an object of at most `most`, in order of its keys; subjects become "access.file".
  void each_key(const char* name, std::size_t most,
                const std::function<void(const std::string& key, const Json& value, const std::string& subject)>& read);

  /// Names a trouble found elsewhere; `name` "" means the object as a whole.
  void fail(std::string_view name, std::string_view trouble);
  void fail_with(Error error);  ///< the same with a whole sentence
  bool good() const { return good_; }
  bool lacking() const { return lacking_; }  ///< a member was absent and skipped
  /// Done, the first trouble, or a member nobody asked for.
  Status end();

 private:
  const Json* find(const char* name);
  const Json* find(const char* name, bool (Json::*is)() const, std::string_view wanted);
  bool whole_number(const char* name, std::int64_t& out, std::int64_t low, std::int64_t high);
  std::string path_of(std::string_view name) const;

  const Json& object_;
  std::string subject_;
  Absent absent_;
  std::set<std::string> asked_;
  bool good_ = true, lacking_ = false;
  Error error_;
};

bool is_fingerprint(std::string_view text);

}  // namespace mig::core
