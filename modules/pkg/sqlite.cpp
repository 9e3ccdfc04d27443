// The one table of rpmdb.sqlite that matters, read from the file itself: no lock is taken, nothing is written beside
// the database, and a page costs one read. The format: https://www.sqlite.org/fileformat2.html
#include <fmt/format.h>

#include <cstring>
#include <map>

#include "modules/pkg/packages.h"

namespace mig::modules::pkg {
namespace {

constexpr std::size_t value_max = 64 << 20;
constexpr int depth_max = 20;

std::size_t two(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at]) << 8 | static_cast<unsigned char>(bytes[at + 1]));
}
std::uint32_t four(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint32_t>(two(bytes, at)) << 16 | static_cast<std::uint32_t>(two(bytes, at + 2));
}

/// 1 to 9 octets, the highest bit says that more come. False: they end too early.
bool varint(std::string_view& from, std::uint64_t& value) {
  value = 0;
  for (std::size_t i = 0; i < from.size() && i < 9; ++i) {
    const auto octet = static_cast<unsigned char>(from[i]);
    value = i == 8 ? value << 8 | octet : value << 7 | (octet & 0x7f);
    if (i == 8 || octet < 0x80) {
      from.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

struct Value {
  enum class Kind { other, text, blob } kind = Kind::other;
  std::string_view bytes;
  std::int64_t number = 0;
  std::size_t size = 0;  ///< of a blob whose end is not there yet: more than there are bytes
};

/// The values of one record, of which the beginning is there. Empty: it is damaged, or more of it is needed.
std::vector<Value> record(std::string_view payload) {
  std::string_view head = payload;
  std::uint64_t head_size = 0;
  if (!varint(head, head_size) || head_size > payload.size()) return {};
  const std::size_t used = payload.size() - head.size();
  if (head_size < used) return {};
  head = payload.substr(used, head_size - used);
  std::string_view body = payload.substr(head_size);
  std::vector<Value> out;
  for (std::uint64_t type = 0; !head.empty();) {
    if (!varint(head, type)) return {};
    static constexpr std::size_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
    const std::uint64_t size = type < 12 ? sizes[type] : (type - 12) / 2;
    Value value{type < 12 ? Value::Kind::other : type % 2 == 0 ? Value::Kind::blob : Value::Kind::text, body.substr(0, size), 0, size};
    if (size > body.size() && (value.kind != Value::Kind::blob || !head.empty())) return {};
    if (type >= 1 && type <= 6) {
      value.number = static_cast<signed char>(value.bytes[0]);
      for (std::size_t i = 1; i < size; ++i)
        value.number = static_cast<std::int64_t>(static_cast<std::uint64_t>(value.number) << 8 | static_cast<unsigned char>(value.bytes[i]));
    } else if (type == 9) value.number = 1;
    out.push_back(value);
    body.remove_prefix(value.bytes.size());
  }
  return out;
}

class Sqlite {
 public:
  Sqlite(Pages& file, Pages* log, Budget& budget, std::vector<Package>& out) : file_(file), log_(log), budget_(budget), out_(out) {}

  core::Status run() {
    char head[100];
    if (!file_.read(0, sizeof head, head)) return core::invalid("is too short for a database");
    if (std::memcmp(head, "SQLite format 3", 16) != 0) return core::invalid("is no SQLite database");
    const std::string_view bytes(head, sizeof head);
    size_ = two(bytes, 16) == 1 ? 65536 : two(bytes, 16);
    if (size_ < 512 || (size_ & (size_ - 1)) != 0 || static_cast<unsigned char>(head[20]) > size_ - 480) return core::invalid("is a damaged SQLite database");
    usable_ = size_ - static_cast<unsigned char>(head[20]);
    if (log_ != nullptr) read_log();
    pages_left_ = 2 * (file_.size() / size_ + logged_.size()) + 2;
    std::uint32_t root = 0;
    walk(1, 0, [&](std::string_view row, bool whole) {
      if (!whole) return false;
      const auto values = record(row);  // type, name, table, root page, text
      if (values.size() >= 4 && values[0].bytes == "table" && values[1].bytes == "Packages" && values[3].number > 0)
        root = static_cast<std::uint32_t>(values[3].number);
      return true;
    });
    if (root == 0) return core::invalid(trouble_.empty() ? "has no table of packages" : trouble_);
    walk(root, 0, [&](std::string_view row, bool whole) {
      const auto values = record(row);  // number, header
      const bool good = values.size() >= 2 && values[1].kind == Value::Kind::blob;
      if (!whole && (!good || values[1].bytes.size() < rpm_header_wanted(values[1].bytes, values[1].size))) return false;
      if (!good) note("holds a damaged row");
      else if (auto read = read_rpm_header(values[1].bytes, values[1].size, out_); !read) note(read.error().text);
      return true;
    });
    // The ends of long rows are not read: their loss shows in the size, which holds if whoever wrote last knew of it.
    const std::uint64_t pages = four(bytes, 28), there = std::max<std::uint64_t>(file_.size() / size_, logged_.empty() ? 0 : logged_.rbegin()->first);
    if (four(bytes, 24) == four(bytes, 92) && pages > there) note(fmt::format("is cut short: {} of its {} pages are missing", pages - there, pages));
    if (!trouble_.empty()) return core::invalid(trouble_);
    return core::Done{};
  }

 private:
  void note(std::string text) {
    if (trouble_.empty()) trouble_ = std::move(text);
  }

  /// What was written but not yet moved into the database: the last whole page of each number up to the last commit.
  void read_log() {
    char head[32], frame[24];
    if (!log_->read(0, sizeof head, head)) return;  // empty: nothing is waiting
    const std::string_view top(head, sizeof head);
    const std::uint32_t magic = four(top, 0);
    if ((magic & ~1U) != 0x377f0682 || four(top, 8) != size_) return note("has a log of changes that is damaged; the newest are not told");
    big_ = (magic & 1) != 0;
    std::uint32_t a = 0, b = 0;
    add(top.substr(0, 24), a, b);
    if (a != four(top, 24) || b != four(top, 28)) return note("has a log of changes that is damaged; the newest are not told");
    std::map<std::uint32_t, std::uint64_t> pending;
    std::string page(size_, '\0');
    for (std::uint64_t at = sizeof head; !budget_.spent(); at += sizeof frame + size_) {
      if (!log_->read(at, sizeof frame, frame) || !log_->read(at + sizeof frame, size_, page.data())) break;
      const std::string_view about(frame, sizeof frame);
      if (about.substr(8, 8) != top.substr(16, 8)) break;  // left over from an earlier log
      add(about.substr(0, 8), a, b);
      add(page, a, b);
      if (a != four(about, 16) || b != four(about, 20)) break;
      pending[four(about, 0)] = at + sizeof frame;
      if (four(about, 4) == 0) continue;  // no commit yet
      for (const auto& [number, where] : pending) logged_[number] = where;
      pending.clear();
    }
  }

  void add(std::string_view bytes, std::uint32_t& a, std::uint32_t& b) const {
    const auto word = [&](std::size_t at) {
      const std::uint32_t value = four(bytes, at);
      return big_ ? value : __builtin_bswap32(value);
    };
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      a += word(at) + b;
      b += word(at + 4) + a;
    }
  }

  bool page(std::uint32_t number, std::string& to) {
    if (number == 0 || pages_left_ == 0) return false;
    --pages_left_;  // no page stands in two places: trees that turn in circles end
    to.resize(size_);
    if (const auto at = logged_.find(number); at != logged_.end()) return log_->read(at->second, size_, to.data());
    return file_.read(std::uint64_t{number - 1} * size_, size_, to.data());
  }

  /// Every row of a table, in order. `on_row(beginning, whole)`: false if it needs more of it.
  template <class OnRow>
  void walk(std::uint32_t number, int depth, const OnRow& on_row) {
    std::string bytes;
    if (depth > depth_max || !page(number, bytes)) return note("is cut short or damaged: a page is missing");
    const std::size_t head = number == 1 ? 100 : 0;
    const unsigned char kind = static_cast<unsigned char>(bytes[head]);
    const bool leaf = kind == 13;
    if (!leaf && kind != 5) return note("holds a page that is damaged");
    const std::size_t cells = two(bytes, head + 3), list = head + (leaf ? 8 : 12);
    if (list + 2 * cells > usable_) return note("holds a page that is damaged");
    for (std::size_t i = 0; i < cells && !budget_.spent(); ++i) {
      const std::size_t at = two(bytes, list + 2 * i);
      if (at + 4 > usable_) return note("holds a page that is damaged");
      if (leaf) row(std::string_view(bytes).substr(at, usable_ - at), on_row);
      else walk(four(bytes, at), depth + 1, on_row);
    }
    if (!leaf) walk(four(bytes, head + 8), depth + 1, on_row);
  }

  template <class OnRow>
  void row(std::string_view cell, const OnRow& on_row) {
    std::uint64_t size = 0, id = 0;
    if (!varint(cell, size) || !varint(cell, id) || size > value_max) return note("holds a row that is damaged");
    const std::size_t most = usable_ - 35;
    if (size <= most) {
      if (size > cell.size()) return note("holds a row that is damaged");
      on_row(cell.substr(0, size), true);
      return;
    }
    const std::size_t least = (usable_ - 12) * 32 / 255 - 23;
    std::size_t here = least + (size - least) % (usable_ - 4);
    if (here > most) here = least;
    if (here + 4 > cell.size()) return note("holds a row that is damaged");
    std::string whole(cell.substr(0, here)), more;
    std::uint32_t next = four(cell, here);
    while (!on_row(whole, whole.size() == size)) {
      if (whole.size() == size) return;
      if (!page(next, more)) return note("holds a row whose end is missing");
      whole.append(more, 4, std::min<std::size_t>(usable_ - 4, size - whole.size()));
      next = four(more, 0);
    }
  }

  Pages& file_;
  Pages* log_;
  Budget& budget_;
  std::vector<Package>& out_;
  std::size_t size_ = 0, usable_ = 0;
  std::uint64_t pages_left_ = 0;
  std::map<std::uint32_t, std::uint64_t> logged_;
  bool big_ = false;
  std::string trouble_;
};

}  // namespace

core::Status read_rpm_sqlite(Pages& file, Pages* log, Budget& budget, std::vector<Package>& out) {
  return Sqlite(file, log, budget, out).run();
}

}  // namespace mig::modules::pkg
