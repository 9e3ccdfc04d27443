// What rpm keeps of a package, and the two plain files it keeps it in: ndb and Berkeley DB hash.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "modules/pkg/packages.h"

namespace mig::modules::pkg {
namespace {

constexpr std::size_t header_max = 64 << 20;  // rpm's own bound is 256 MiB; real ones reach a few

std::uint32_t big(const char* at) {
  const auto* p = reinterpret_cast<const unsigned char*>(at);
  return static_cast<std::uint32_t>(p[0]) << 24 | static_cast<std::uint32_t>(p[1]) << 16 | static_cast<std::uint32_t>(p[2]) << 8 | p[3];
}
std::uint32_t little(const char* at) {
  const auto* p = reinterpret_cast<const unsigned char*>(at);
  return static_cast<std::uint32_t>(p[3]) << 24 | static_cast<std::uint32_t>(p[2]) << 16 | static_cast<std::uint32_t>(p[1]) << 8 | p[0];
}

// rpm's header: two numbers, an index of entries (tag, type, place, count), a store of values.
constexpr std::size_t head_size = 8, entry_size = 16, entries_max = 0xffff;
constexpr std::uint32_t tag_name = 1000, tag_version = 1001, tag_release = 1002, tag_epoch = 1003, tag_arch = 1022;
constexpr std::uint32_t type_number = 4, type_text = 6;
bool is_wanted(std::uint32_t tag) { return (tag >= tag_name && tag <= tag_epoch) || tag == tag_arch; }

core::Error damaged(std::string text) { return core::invalid(std::move(text)); }

/// Berkeley DB writes numbers as its machine did.
struct Order {
  bool swapped = false;
  std::uint32_t four(const char* at) const { return swapped ? big(at) : little(at); }
  std::size_t two(const char* at) const {
    const auto* p = reinterpret_cast<const unsigned char*>(at);
    return swapped ? static_cast<std::size_t>(p[0] << 8 | p[1]) : static_cast<std::size_t>(p[1] << 8 | p[0]);
  }
};

// Berkeley DB 5.3, db_page.h: offsets within a page and its types.
constexpr std::size_t page_next = 16, page_entries = 20, page_high = 22, page_type = 25, page_head = 26;
constexpr char type_hash_unsorted = 2, type_overflow = 7, type_hash_meta = 8, type_hash = 13;
constexpr char item_here = 1, item_elsewhere = 3;
constexpr std::uint32_t hash_magic = 0x061561;

class Berkeley {
 public:
  Berkeley(Pages& file, Budget& budget, std::vector<Package>& out) : file_(file), budget_(budget), out_(out) {}

  core::Status run() {
    char meta[72];
    if (!file_.read(0, sizeof meta, meta)) return damaged("is too short for a database");
    if (big(meta + 12) == hash_magic) order_.swapped = true;
    else if (little(meta + 12) != hash_magic) return damaged("is no hash of Berkeley DB");
    size_ = order_.four(meta + 20);
    if (size_ < 512 || size_ > 65536 || (size_ & (size_ - 1)) != 0 || meta[24] != 0 || meta[25] != type_hash_meta)
      return damaged("is no hash of Berkeley DB that can be read");
    last_ = order_.four(meta + 32);
    const std::uint64_t there = file_.size() / size_;
    page_.resize(size_);
    pages_left_ = there + 1;
    for (std::uint32_t number = 1; number <= last_ && number < there && !budget_.spent(); ++number) {
      // Most pages are long values: only their head is read here.
      if (!file_.read(std::uint64_t{number} * size_, page_head, page_.data())) break;
      if (page_[page_type] != type_hash && page_[page_type] != type_hash_unsorted) continue;
      if (!file_.read(std::uint64_t{number} * size_, size_, page_.data())) break;
      hash_page();
    }
    if (last_ >= there) note("is cut short: {} of its {} pages are missing", last_ + 1 - there, last_ + 1);
    if (trouble_.empty()) return core::Done{};
    return damaged(trouble_);
  }

 private:
  template <class... T>
  void note(fmt::format_string<T...> text, T&&... values) {
    if (trouble_.empty()) trouble_ = fmt::format(text, std::forward<T>(values)...);
  }

  void hash_page() {
    const std::size_t entries = order_.two(page_.data() + page_entries);
    if (page_head + 2 * entries > size_) return note("holds a page that is damaged");
    const auto offset = [&](std::size_t i) { return i == 0 ? size_ : order_.two(page_.data() + page_head + 2 * (i - 1)); };
    for (std::size_t i = 1; i < entries; i += 2) {  // key, value, key, value
      const std::size_t key = offset(i), value = offset(i + 1);
      if (value >= key || key > size_ || value < page_head + 2 * entries) return note("holds a page that is damaged");
      const std::size_t key_end = offset(i - 1);
      // The key is the number of a package; under 0 stands the next free one.
      if (key_end <= size_ && key_end == key + 5 && std::memcmp(page_.data() + key + 1, "\0\0\0\0", 4) == 0) continue;
      const char* item = page_.data() + value;
      if (*item == item_here) header(std::string_view(item + 1, key - value - 1), key - value - 1);
      else if (*item == item_elsewhere && key - value >= 12) elsewhere(order_.four(item + 4), order_.four(item + 8));
      else note("holds a value of an unknown kind");
    }
  }

  void elsewhere(std::uint32_t number, std::size_t size) {
    if (size > header_max || size > file_.size()) return note("holds a value that is too long");
    std::string value, page(size_, '\0');
    while (value.size() < rpm_header_wanted(value, size)) {
      if (number == 0 || pages_left_ == 0 || !file_.read(std::uint64_t{number} * size_, size_, page.data()) || page[page_type] != type_overflow)
        return note("holds a value whose end is missing");
      --pages_left_;  // no page belongs to two values: chains that turn in circles end
      const std::size_t length = order_.two(page.data() + page_high);
      if (length == 0 || page_head + length > size_) return note("holds a page that is damaged");
      value.append(page, page_head, length);
      number = order_.four(page.data() + page_next);
    }
    header(std::string_view(value).substr(0, size), size);
  }

  void header(std::string_view start, std::size_t size) {
    if (auto read = read_rpm_header(start, size, out_); !read) note("{}", std::move(read.error().text));
  }

  Pages& file_;
  Budget& budget_;
  std::vector<Package>& out_;
  Order order_;
  std::size_t size_ = 0;
  std::uint32_t last_ = 0;
  std::uint64_t pages_left_ = 0;
  std::string page_, trouble_;
};

}  // namespace

core::Status read_rpm_header(std::string_view start, std::size_t size, std::vector<Package>& out) {
  const auto bad = [] { return damaged("holds a package whose header is damaged"); };
  if (start.size() < head_size) return bad();
  const std::size_t count = big(start.data()), bytes = big(start.data() + 4), index_end = head_size + count * entry_size;
  if (count > entries_max || start.size() < index_end || bytes > size - index_end) return bad();
  const std::string_view store = start.substr(index_end, bytes);
  std::string_view name, version, release, arch = "(none)";
  std::string epoch;
  for (std::size_t i = 0; i < count; ++i) {
    const char* entry = start.data() + head_size + i * entry_size;
    const std::uint32_t tag = big(entry);
    if (!is_wanted(tag)) continue;
    std::string_view* text = tag == tag_name ? &name : tag == tag_version ? &version : tag == tag_release ? &release : tag == tag_arch ? &arch : nullptr;
    const std::size_t at = big(entry + 8);
    if (at >= store.size()) return bad();
    if (text != nullptr) {
      const std::size_t end = store.find('\0', at);
      if (big(entry + 4) != type_text || end == store.npos) return bad();
      *text = store.substr(at, end - at);
    } else {
      if (big(entry + 4) != type_number || store.size() - at < 4) return bad();
      epoch = fmt::format("{}:", big(store.data() + at));
    }
  }
  if (name.empty() || version.empty()) return bad();
  out.push_back({std::string(name), fmt::format("{}{}{}{}", epoch, version, release.empty() ? "" : "-", release), "rpm", std::string(arch), ""});
  return core::Done{};
}

std::size_t rpm_header_wanted(std::string_view start, std::size_t size) {
  if (start.size() < head_size) return std::min(size, head_size);
  const std::size_t count = big(start.data()), bytes = big(start.data() + 4), index_end = head_size + count * entry_size;
  if (count > entries_max || index_end > size) return start.size();  // it is none
  if (start.size() < index_end) return index_end;
  const auto place = [&](std::size_t i) { return big(start.data() + head_size + i * entry_size + 8); };
  std::size_t last = 0, end = bytes;
  for (std::size_t i = 0; i < count; ++i)
    if (is_wanted(big(start.data() + head_size + i * entry_size))) last = std::max<std::size_t>(last, place(i));
  for (std::size_t i = 0; i < count; ++i)  // a value reaches to the next one, in whatever order they are listed
    if (place(i) > last) end = std::min<std::size_t>(end, place(i));
  return std::min(size, index_end + end);
}

core::Status read_rpm_berkeley(Pages& file, Budget& budget, std::vector<Package>& out) {
  return Berkeley(file, budget, out).run();
}

core::Status read_rpm_ndb(Pages& file, Budget& budget, std::vector<Package>& out) {
  constexpr std::size_t page = 4096, slot_size = 16, block = 16;
  char head[32];
  if (!file.read(0, sizeof head, head)) return damaged("is too short for a database");
  if (std::memcmp(head, "RpmP", 4) != 0) return damaged("is no ndb database of rpm");
  if (little(head + 4) != 0) return damaged(fmt::format("is an ndb database of version {}, which is not known", little(head + 4)));
  const std::uint64_t slot_bytes = std::uint64_t{little(head + 12)} * page;
  std::string slots, blob, trouble;
  const auto note = [&](std::string text) {
    if (trouble.empty()) trouble = std::move(text);
  };
  if (slot_bytes > file.size() || slot_bytes > header_max) return damaged("is cut short within its list of packages");
  slots.resize(slot_bytes);
  if (!file.read(0, slots.size(), slots.data())) return damaged("is cut short within its list of packages");
  std::uint64_t bytes_left = file.size();  // no two packages share bytes
  for (std::size_t at = 2 * slot_size; at + slot_size <= slots.size() && !budget.spent(); at += slot_size) {
    const char* slot = slots.data() + at;
    const std::uint32_t number = little(slot + 4);
    if (std::memcmp(slot, "Slot", 4) != 0) {
      note("holds a list of packages that is damaged");
      break;
    }
    if (number == 0) continue;
    const std::uint64_t where = std::uint64_t{little(slot + 8)} * block;
    char start[16];
    if (!file.read(where, sizeof start, start) || std::memcmp(start, "BlbS", 4) != 0 || little(start + 4) != number) {
      note("lists a package whose header is missing");
      continue;
    }
    const std::size_t size = little(start + 12);
    if (size > header_max) {
      note("holds a package that is too long");
      continue;
    }
    if (where + sizeof start + size > file.size()) note("is cut short within a package");  // what is wanted may be there
    bool there = true;
    blob.clear();
    for (std::size_t wanted = std::min(size, page); there && blob.size() < wanted; wanted = rpm_header_wanted(blob, size)) {
      const std::size_t had = blob.size(), more = wanted - had;
      if (there = more <= bytes_left; !there) break;
      bytes_left -= more;
      blob.resize(wanted);
      there = file.read(where + sizeof start + had, more, blob.data() + had);
    }
    if (!there) note("is cut short within a package");
    else if (auto read = read_rpm_header(blob, size, out); !read) note(read.error().text);
  }
  if (!trouble.empty()) return damaged(trouble);
  return core::Done{};
}

}  // namespace mig::modules::pkg
