// leans on: modules
// The databases of package managers. The first octet chooses whose.
#include <cstring>

#include "modules/pkg/packages.h"
#include "tests/fuzz/fuzz.h"

using namespace mig::modules;

namespace {

class Bytes final : public pkg::Pages {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  bool read(std::uint64_t at, std::size_t size, char* to) override {
    if (at > bytes_.size() || size > bytes_.size() - at) return false;
    std::memcpy(to, bytes_.data() + at, size);
    return true;
  }
  std::uint64_t size() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

}  // namespace

MIG_FUZZ(pkg) {
  if (input.empty()) return;
  const std::string_view content = input.substr(1);
  std::vector<pkg::Package> out, gone;
  Budget budget(0, 0);
  const std::string path = "status";
  pkg::Stanzas state{path, out, &gone};
  bool header = false;
  switch (static_cast<unsigned char>(input.front()) % 7) {
    case 0: pkg::read_dpkg(content, state); break;
    case 1: pkg::read_apk(content, state); break;
    case 2: header = static_cast<bool>(pkg::read_rpm_header(content, content.size(), out)); break;
    case 3: {
      Bytes file(content);
      (void)pkg::read_rpm_sqlite(file, nullptr, budget, out);
      break;
    }
    case 4: {  // half of it is the log of changes
      Bytes file(content.substr(0, content.size() / 2)), log(content.substr(content.size() / 2));
      (void)pkg::read_rpm_sqlite(file, &log, budget, out);
      break;
    }
    case 5: {
      Bytes file(content);
      (void)pkg::read_rpm_ndb(file, budget, out);
      break;
    }
    default: {
      Bytes file(content);
      (void)pkg::read_rpm_berkeley(file, budget, out);
    }
  }
  MIG_CHECK(!header || out.size() == 1, "a header that is one gives one package");
  std::size_t size = 0;
  for (const pkg::Package& package : out) {
    MIG_CHECK(!package.name.empty() && !package.version.empty(), "a package has a name and a version");
    size += package.name.size();
  }
  MIG_CHECK(size <= 2 * input.size(), "nothing is read without end");
}
