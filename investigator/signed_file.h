// A signed document as people keep it: pretty JSON with its signatures inside, as `pgpsignatures`.
#pragma once

#include <string>

#include "node/core/action.h"

namespace mig::investigator {

/// REQUIRES: `text` is JSON, as every checked document.
std::string write_signed(const core::SignedText& signed_text);
/// The canonical text and the packets; nothing is verified. Errors: no list of pgpsignatures, not base64.
core::Result<core::SignedText> read_signed(core::Json document);

}  // namespace mig::investigator
