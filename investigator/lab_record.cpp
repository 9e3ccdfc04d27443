#include "investigator/lab_record.h"

#include <fmt/format.h>

#include <filesystem>

#include "investigator/files.h"
#include "node/core/json.h"

namespace mig::investigator {
namespace {

using core::Json;

Json to_json(const LabNode& node) {
  return {{"name", node.name},
          {"kind", node.relay ? "relay" : "agent"},
          {"segment", node.segment},
          {"words", node.words},
          {"pid", node.process.pid},
          {"program", node.process.name},
          {"started", node.process.started}};
}

LabNode node_from(const Json& json) {
  LabNode node{json.at("name").get<std::string>(), json.at("kind") == "relay", json.at("segment").get<std::string>(),
               json.at("words").get<std::vector<std::string>>(), {}};
  node.process = {json.at("pid").get<int>(), json.at("program").get<std::string>(),
                  json.at("started").get<std::uint64_t>()};
  return node;
}

}  // namespace

core::Result<LabNode*> Lab::node(const std::string& name) {
  std::string names;
  for (LabNode& node : nodes) {
    if (node.name == name) return &node;
    names += " " + node.name;
  }
  return core::Error{core::Code::not_found, fmt::format("lab: nobody is called '{}'; there are:{}", name, names)};
}

std::vector<ProcessId> Lab::processes() const {
  std::vector<ProcessId> out;
  for (const LabNode& node : nodes) out.push_back(node.process);
  return out;
}

core::Result<Lab> read_lab(const std::string& dir) {
  Lab lab;
  std::error_code error;
  lab.dir = std::filesystem::absolute(dir, error).lexically_normal().string();
  while (lab.dir.size() > 1 && lab.dir.back() == '/') lab.dir.pop_back();
  std::string path = lab.dir + "/lab.json";
  auto text = read_file(path);
  if (!text && text.error().code == core::Code::not_found)
    return core::Error{core::Code::not_found, fmt::format("{}: there is no lab here; `mig lab up --dir {}` makes one",
                                                          lab.dir, dir)};
  if (!text) return text.error();
  auto json = core::parse_json(*text, 4 << 20);
  if (!json) return core::invalid(fmt::format("{}: {}", path, json.error().text));
  try {
    lab.gnupg_home = json->at("gnupg_home").get<std::string>();
    for (const Json& node : json->at("nodes")) lab.nodes.push_back(node_from(node));
  } catch (const Json::exception& wrong) {
    return core::invalid(fmt::format("{}: not written by mig lab: {}", path, wrong.what()));
  }
  return lab;
}

core::Status write_lab(const Lab& lab) {
  Json json = {{"gnupg_home", lab.gnupg_home}, {"nodes", Json::array()}};
  for (const LabNode& node : lab.nodes) json["nodes"].push_back(to_json(node));
  return write_private(lab.dir + "/lab.json", core::pretty_json(json) + "\n");
}

}  // namespace mig::investigator
