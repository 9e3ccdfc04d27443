// dpkg and apk: stanzas of lines.
#include <fmt/format.h>

#include "modules/pkg/packages.h"

namespace mig::modules::pkg {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

/// Calls `field(key, value)` for each line that begins one, and `end(line)` behind each stanza.
template <class OnField, class OnEnd>
void stanzas(std::string_view content, Stanzas& state, OnField field, OnEnd end) {
  std::size_t &number = state.line, began = number + 1;
  bool inside = false;
  if (!content.empty()) state.whole_line = content.back() == '\n';
  while (!content.empty()) {
    const std::size_t stop = content.find('\n');
    const std::string_view line = content.substr(0, stop);
    content.remove_prefix(stop == content.npos ? content.size() : stop + 1);
    ++number;
    if (line.empty() || line == "\r") {
      if (inside) end(began);
      inside = false;
      continue;
    }
    if (!inside) began = number;
    inside = true;
    if (line.front() == ' ' || line.front() == '\t') continue;  // goes on from the line before
    const std::size_t colon = line.find(':');
    if (colon != line.npos) field(line.substr(0, colon), trimmed(line.substr(colon + 1)));
    else field(line, std::string_view());
  }
  if (inside) end(began);
}

bool is(std::string_view key, std::string_view lower) {
  if (key.size() != lower.size()) return false;
  for (std::size_t i = 0; i < key.size(); ++i)
    if ((key[i] | 0x20) != lower[i]) return false;
  return true;
}

/// "install ok installed": what is wanted, whether it may be trusted, how far it came.
bool is_installed(std::string_view status) {
  const std::string_view state = status.substr(status.rfind(' ') + 1);
  return state == "installed" || state == "triggers-pending" || state == "triggers-awaited";
}

}  // namespace

std::string Stanzas::trouble() const {
  if (bad != 0)
    return fmt::format("{}: line {} begins a stanza without a package or a version; the file is damaged or another's", path, bad);
  return whole_line ? "" : fmt::format("{}: ends within a line; it is cut short, and packages may be missing", path);
}

void read_dpkg(std::string_view content, Stanzas& state) {
  std::string_view name, version, arch, status;
  bool has_status = false;
  stanzas(
      content, state,
      [&](std::string_view key, std::string_view value) {
        if (is(key, "package")) name = value;
        else if (is(key, "version")) version = value;
        else if (is(key, "architecture")) arch = value;
        else if (is(key, "status")) status = value, has_status = true;
      },
      [&](std::size_t line) {
        // A file of status.d (images without dpkg) has no status: what is listed is there.
        const bool installed = !has_status || is_installed(status);
        if (name.empty() || (installed && version.empty())) {
          if (state.bad == 0) state.bad = line;
        } else if (installed) {
          state.out.push_back({std::string(name), std::string(version), "dpkg", std::string(arch), ""});
        } else if (state.gone != nullptr) {
          state.gone->push_back({std::string(name), "", "dpkg", std::string(arch), ""});
        }
        name = version = arch = status = {};
        has_status = false;
      });
}

void read_apk(std::string_view content, Stanzas& state) {
  std::string_view name, version, arch;
  stanzas(
      content, state,
      [&](std::string_view key, std::string_view value) {
        if (key == "P") name = value;
        else if (key == "V") version = value;
        else if (key == "A") arch = value;
      },
      [&](std::size_t line) {
        if (!name.empty() && !version.empty())
          state.out.push_back({std::string(name), std::string(version), "apk", std::string(arch), ""});
        else if (state.bad == 0) state.bad = line;
        name = version = arch = {};
      });
}

}  // namespace mig::modules::pkg
