// docs/modules is what the schemas say. `./dev docs` writes it anew.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "modules/reference.h"

using namespace mig;
namespace fs = std::filesystem;

namespace {

const fs::path source_dir = MIG_SOURCE_DIR;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

std::map<std::string, std::string> pages() {
  std::map<std::string, std::string> out{{"README.md", modules::reference_index()}};
  for (const modules::Module* module : modules::all()) {
    const std::string& name = module->parameters().name;
    out[name + ".md"] = modules::reference_page(*module, text_of(source_dir / "modules" / name / "README.md"));
  }
  return out;
}

void rewrite(const fs::path& folder) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& [name, page] : pages()) std::ofstream(folder / name, std::ios::binary) << page;
}

}  // namespace

TEST_CASE("docs/modules says what the schemas say; ./dev docs writes it anew", "[reference]") {
  const fs::path folder = source_dir / "docs" / "modules";
  if (std::getenv("MIG_REWRITE_DOCS") != nullptr) rewrite(folder);
  std::set<std::string> written;
  if (fs::exists(folder))
    for (const auto& entry : fs::directory_iterator(folder)) written.insert(entry.path().filename().string());
  for (const auto& [name, page] : pages()) {
    INFO("docs/modules/" << name << ": run ./dev docs and commit what it writes");
    CHECK(text_of(folder / name) == page);
    written.erase(name);
  }
  for (const auto& name : written) FAIL_CHECK("docs/modules/" << name << " is of no module; ./dev docs takes it away");
}

TEST_CASE("every module tells in sentences what it costs and needs, and every parameter and row field has its meaning") {
  for (const modules::Module* module : modules::all()) {
    INFO(module->parameters().name);
    for (std::string_view sentence : {module->cost(), module->needs(), std::string_view(module->parameters().summary), std::string_view(module->row().summary)}) {
      CHECK(sentence.size() > 10);
      CHECK(sentence.ends_with('.'));
    }
    CHECK(core::markdown(module->parameters()).find("|  |\n") == std::string::npos);
    CHECK(core::markdown(module->row()).find("|  |\n") == std::string::npos);
  }
}
