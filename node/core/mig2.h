// Documents of MIG (syntax version 2): read for signing anew, and the text their own signatures cover.
#pragma once

#include <string>
#include <string_view>

#include "node/core/action.h"

namespace mig::core {

/// Keys are matched as Go did (any case, unknown ones dropped, null is nothing). Status, counters and times of the
/// server are dropped, `is_compressed` parameters unpacked. The draft has no mesh, nonce or keys, and no times where
/// the file has Go's zero time. Targets are taken as they are.
Result<ActionFile> read_mig2_document(const Json& document);

/// The binary packets in one entry of a MIG document's `pgpsignatures`: armor without its lines, "body=crc".
Result<Bytes> mig2_signature(std::string_view stored);

}  // namespace mig::core
