// What the objects of a document come to on this machine.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "modules/pkg/packages.h"
#include "modules/scribe/document.h"

namespace mig::modules::scribe {

struct Criterion {
  std::string identifier, value;
  std::string type;  ///< of a package; empty: none
};

struct Gathered {
  std::vector<Criterion> criteria;
  std::string error;
};

/// Negative, 0 or positive, by the rules of `document` for a value of `type`.
core::Result<int> compare(const Document& document, const std::string& type, std::string_view a, std::string_view b);

/// All objects but those that only chains use. Packages are listed once, files looked for in one walk.
/// `troubles`: what could not be read.
std::map<std::string, Gathered> gather(const Document& document, const Host& host, Budget& budget, std::vector<std::string>& troubles);

}  // namespace mig::modules::scribe
