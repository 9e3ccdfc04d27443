// Which of two package versions is the newer one, by the rules of those who made them.
#pragma once

#include <string_view>

#include "node/core/result.h"

namespace mig::modules::pkg {

/// Less than, equal to or greater than 0. As dpkg --compare-versions: [epoch:]upstream[-revision].
int compare_dpkg(std::string_view a, std::string_view b);

/// As librpm (rpm.vercmp): [epoch:]version[-release]; what lacks a release is older.
int compare_rpm(std::string_view a, std::string_view b);

/// As scribe did it for every kind of package: runs of letters or of digits, all else only parts them. Errors: an
/// epoch alone, or nothing behind the last dash.
core::Result<int> compare_mig(std::string_view a, std::string_view b);

}  // namespace mig::modules::pkg
