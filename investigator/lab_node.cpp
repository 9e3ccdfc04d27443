#include "investigator/lab_node.h"

#include <fmt/format.h>

#include <filesystem>
#include <thread>

#include "investigator/files.h"

namespace mig::investigator {
namespace {

constexpr auto look_again = std::chrono::milliseconds(10);
constexpr std::size_t tail_lines = 8;

/// Every start writes this line first, so that older runs in the same log are not mistaken for this one.
constexpr std::string_view start_mark = "---- started by mig lab ----\n";

std::string newest_run(const std::string& log) {
  auto text = read_file(log);
  if (!text) return "";
  std::size_t mark = text->rfind(start_mark);
  return mark == std::string::npos ? *text : text->substr(mark + start_mark.size());
}

std::string tail(const std::string& text) {
  std::size_t begin = text.size();
  for (std::size_t lines = 0; begin > 0; --begin)
    if (text[begin - 1] == '\n' && begin != text.size() && ++lines == tail_lines) break;
  return text.empty() ? "(its log is empty)" : text.substr(begin);
}

/// The event's name stands alone between blanks in its line.
bool tells(const std::string& log, const std::string& event) {
  for (std::size_t at = log.find(event); at != std::string::npos; at = log.find(event, at + 1)) {
    bool begins = at == 0 || log[at - 1] == ' ' || log[at - 1] == '\n';
    std::size_t end = at + event.size();
    if (begins && (end == log.size() || log[end] == ' ' || log[end] == '\n')) return true;
  }
  return false;
}

core::Error missing(const Lab& lab, const LabNode& node, const std::string& what) {
  return {core::Code::world, fmt::format("{}: {}; {} ends with:\n{}", node.name, what, lab.log(node),
                                         tail(newest_run(lab.log(node))))};
}

/// Looks until `there` says yes.
template <class Look>
core::Status await(const Lab& lab, const LabNode& node, const std::string& what, LabDeadline deadline, Look there) {
  for (;;) {
    bool alive = runs(node.process);  // before the look: what it wrote last must not be missed
    if (there()) return core::Done{};
    if (!alive) return missing(lab, node, "ended before it was " + what);
    if (std::chrono::steady_clock::now() > deadline) return missing(lab, node, "is not " + what + " yet");
    std::this_thread::sleep_for(look_again);
  }
}

}  // namespace

std::string arrival_of(const LabNode& node) {
  if (!node.relay) return "attached";
  return node.name == "relay-1" ? "" : "link_up";
}

core::Status start_node(const Lab& lab, LabNode& node) {
  std::error_code error;
  std::filesystem::create_directories(lab.state(node), error);
  if (error) return core::Error{core::Code::world, fmt::format("{}: {}", lab.state(node), error.message())};
  auto log = read_file(lab.log(node));
  if (core::Status marked = write_private(lab.log(node), (log ? *log : "") + std::string(start_mark)); !marked)
    return marked;
  auto process = start_process(node.words, lab.log(node));
  if (!process) return process.error();
  node.process = *process;
  return core::Done{};
}

core::Status await_event(const Lab& lab, const LabNode& node, const std::string& event, LabDeadline deadline) {
  return await(lab, node, event, deadline, [&] { return tells(newest_run(lab.log(node)), event); });
}

core::Result<core::Endpoint> await_endpoint(const Lab& lab, const LabNode& node, LabDeadline deadline) {
  core::Result<core::Endpoint> endpoint = core::invalid("");
  core::Status told = await(lab, node, "listening", deadline, [&] {
    auto text = read_file(lab.state(node) + "/endpoint");
    if (!text) return false;
    while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
    endpoint = core::endpoint_from_text(*text);
    return static_cast<bool>(endpoint);
  });
  if (!told) return told.error();
  return endpoint;
}

}  // namespace mig::investigator
