#include "node/core/bytes.h"

#include <sodium.h>

#include <array>

namespace mig::core {
namespace {

std::string encode64(BytesView bytes, int variant) {
  std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    variant);
  out.resize(out.find('\0'));
  return out;
}

Result<Bytes> decode64(std::string_view text, int variant) {
  Bytes out(text.size() / 4 * 3 + 3, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(), text.size(), nullptr,
                        &size, &end, variant) != 0 ||
      end != text.data() + text.size())
    return invalid("base64: not a valid encoding");
  out.resize(size);
  return out;
}

constexpr auto nibbles = [] {
  std::array<signed char, 256> out{};
  out.fill(-1);
  for (int i = 0; i < 16; ++i) {
    out[static_cast<unsigned char>("0123456789abcdef"[i])] = static_cast<signed char>(i);
    out[static_cast<unsigned char>("0123456789ABCDEF"[i])] = static_cast<signed char>(i);
  }
  return out;
}();

int nibble(char c) { return nibbles[static_cast<unsigned char>(c)]; }

}  // namespace

std::string to_hex(BytesView bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char c : bytes) {
    out += digits[c >> 4];
    out += digits[c & 15];
  }
  return out;
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return invalid("hex: an odd number of digits");
  Bytes out(text.size() / 2, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0) return invalid("hex: only digits 0-9 and a-f are allowed");
    out[i] = static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string to_base64url(BytesView bytes) { return encode64(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING); }
Result<Bytes> from_base64url(std::string_view text) {
  return decode64(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
std::string to_base64(BytesView bytes) { return encode64(bytes, sodium_base64_VARIANT_ORIGINAL); }
Result<Bytes> from_base64(std::string_view text) { return decode64(text, sodium_base64_VARIANT_ORIGINAL); }

Bytes blake2b(BytesView bytes, std::size_t size) {
  Bytes out(size, '\0');
  crypto_generichash_blake2b(reinterpret_cast<unsigned char*>(out.data()), size,
                             reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  return out;
}

}  // namespace mig::core
