// mig-agent: the agent's process. What it is asked to be stands on its command line.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "node/jobs.h"
#include "node/module_main.h"

namespace {

constexpr const char* usage =
    "usage: mig-agent -m MODULE [-p]   run one module: a line of JSON in, a result out; -p prints lines for people\n"
    "       mig-agent --version\n"
    "       mig-agent --help\n";

int misused(const std::string& trouble) {
  std::fprintf(stderr, "mig-agent: %s\n%s", trouble.c_str(), usage);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::string module;
  bool pretty = false;
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--job") return mig::node::job_main();
    if (words[i] == "-V" || words[i] == "--version") return std::puts("mig-agent " MIG_VERSION) < 0;
    if (words[i] == "-h" || words[i] == "--help") return std::fputs(usage, stdout) < 0;
    if (words[i] == "-p") {
      pretty = true;
    } else if (words[i] == "-m") {
      if (++i == words.size()) return misused("-m needs the name of a module");
      module = words[i];
    } else {
      return misused("'" + std::string(words[i]) + "' is not an option");
    }
  }
  if (!module.empty()) return mig::node::run_module(module, pretty);
  return misused("running as an agent is not there yet; -m MODULE is");
}
