#include "investigator/publish.h"

#include <fmt/format.h>

#include "investigator/inquiry.h"

namespace mig::investigator {
namespace {

constexpr core::Duration verdict_wait = core::Duration::seconds(15);

}  // namespace

core::Status publish(Station& station, const core::Object& object, const std::string& what) {
  if (core::Status attached = station.attach(); !attached) return attached;
  station.ask({core::Publish{object}});
  const auto answered = station.run([&] { return station.machine().published().has_value(); }, station.now().at + verdict_wait);
  if (answered == Station::End::interrupted) return core::Error{core::Code::later, what + ": interrupted"};
  if (answered == Station::End::broken) return core::Error{core::Code::world, station.trouble()};
  const auto verdict = station.machine().published();
  if (!verdict) return core::Error{core::Code::later, what + ": the relay did not say that it keeps it; try again"};
  if (verdict->code != core::VerdictCode::stored) return not_taken(*verdict);
  return core::Done{};
}

}  // namespace mig::investigator
