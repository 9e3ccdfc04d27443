#include "investigator/lab_root.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

namespace mig::investigator {
namespace {

constexpr const char* implant_path = "usr/lib/mig-lab/.sysupd";
constexpr const char* implant = "#!/bin/sh\n# mig-lab implant 1\necho beacon lab.invalid:4444\n";

std::string passwd_of(const LabAgent& agent) {
  std::string out = "root:x:0:0:root:/root:/bin/bash\n"
                    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
                    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
  out += agent.role() == "web" ? "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
                               : "postgres:x:110:115:PostgreSQL administrator:/var/lib/postgresql:/bin/bash\n";
  if (agent.implanted()) out += "sysupd:x:0:0:system update:/usr/lib/mig-lab:/bin/sh\n";
  return out;
}

std::vector<std::pair<std::string, std::string>> files_of(const LabAgent& agent) {
  std::vector<std::pair<std::string, std::string>> files = {
      {"etc/passwd", passwd_of(agent)},
      {"etc/hostname", agent.name() + "\n"},
      {"etc/ssh/sshd_config", fmt::format("Port 22\nPermitRootLogin {}\nPasswordAuthentication no\n",
                                          agent.root_login() ? "yes" : "no")},
  };
  if (agent.role() == "web")
    files.emplace_back("srv/www/index.html", "<html><title>mig-lab</title><p>It works.</p></html>\n");
  else
    files.emplace_back("srv/db/dump.sql", "-- mig-lab dump\nCREATE TABLE people (name text, mail text);\n");
  if (agent.implanted()) files.emplace_back(implant_path, implant);
  return files;
}

}  // namespace

core::Status write_lab_root(const LabAgent& agent, const std::string& root) {
  for (const auto& file : files_of(agent)) {
    std::filesystem::path path = std::filesystem::path(root) / file.first;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << file.second;
    out.close();
    if (error || !out) return core::Error{core::Code::world, fmt::format("{}: cannot be written", path.string())};
  }
  return core::Done{};
}

std::string lab_root_text() {
  return "Agents are web-1, db-1, web-2, db-2 ... with the tag role=web or role=db. Their made-up files, beside the real ones:\n"
         "  /etc/passwd              all; with a line of www-data (web) or postgres (db)\n"
         "  /etc/hostname            all; the agent's name\n"
         "  /etc/ssh/sshd_config     all; PermitRootLogin yes on db-1, db-3, db-5 ... and no elsewhere\n"
         "  /srv/www/index.html      web only\n"
         "  /srv/db/dump.sql         db only\n"
         "  /usr/lib/mig-lab/.sysupd an 'implant' on web-1, db-2, web-4, db-5 ... (every third), which also have a second\n"
         "                           account with uid 0, sysupd, in /etc/passwd. Its content has the line\n"
         "                           '# mig-lab implant 1'; its sha256 is\n"
         "                           be6c155f98cb87ff0ab35f04dce1e27688b1c73c7f24da24f62721461f27bf3e\n"
         "Questions to try:\n"
         "  mig file -path /usr/lib -name '^\\.sysupd$'\n"
         "  mig file -path /usr/lib/mig-lab -sha2 SUM      (the sum above)\n"
         "  mig file -path /etc/ssh -name '^sshd_config$' -content '^PermitRootLogin yes'\n"
         "  mig file -t \"tags->>'role'='web'\" -path /etc -name '^passwd$'\n";
}

}  // namespace mig::investigator
