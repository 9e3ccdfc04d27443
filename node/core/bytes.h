// Octets: std::string holds them, std::string_view looks at them; text forms and hashes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "node/core/result.h"

namespace mig::core {

/// Octets, not text. std::string because every library at our doors takes and gives it without a copy.
using Bytes = std::string;
using BytesView = std::string_view;

std::string to_hex(BytesView bytes);                ///< lower case
Result<Bytes> from_hex(std::string_view text);      ///< either case; even length
std::string to_base64url(BytesView bytes);          ///< no padding
Result<Bytes> from_base64url(std::string_view text);
std::string to_base64(BytesView bytes);             ///< standard alphabet, padded
Result<Bytes> from_base64(std::string_view text);   ///< standard alphabet; padding required, no blanks

/// BLAKE2b of 1..64 octets over `bytes`.
Bytes blake2b(BytesView bytes, std::size_t size);

}  // namespace mig::core
