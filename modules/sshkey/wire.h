// The encoding of SSH: big-endian numbers and strings with their length before them.
#pragma once

#include <cstdint>
#include <string>

#include "node/core/bytes.h"

namespace mig::modules::sshkey {

class WireReader {
 public:
  explicit WireReader(core::BytesView bytes) : rest_(bytes) {}
  std::uint32_t number32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t number64() { return number(8); }
  core::BytesView text() { return take(number32()); }
  core::BytesView take(std::size_t size) {
    if (size > rest_.size()) {
      good_ = false;
      size = rest_.size();
    }
    const core::BytesView out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }
  core::BytesView rest() const { return rest_; }
  bool good() const { return good_; }  ///< false once something was cut short
  bool done() const { return good_ && rest_.empty(); }

 private:
  std::uint64_t number(std::size_t size) {
    std::uint64_t out = 0;
    const core::BytesView octets = take(size);
    for (unsigned char octet : octets) out = out << 8 | octet;
    return good_ ? out : 0;
  }
  core::BytesView rest_;
  bool good_ = true;
};

inline void put_text(core::Bytes& out, core::BytesView text) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(text.size() >> shift & 0xff);
  out += text;
}

inline core::BytesView without_zeros(core::BytesView number) {
  const auto first = number.find_first_not_of('\0');
  return first == number.npos ? core::BytesView() : number.substr(first);
}

/// A positive number: no leading zeros, but one before a high first bit.
inline void put_number(core::Bytes& out, core::BytesView number) {
  number = without_zeros(number);
  const bool high = !number.empty() && (number.front() & 0x80) != 0;
  put_text(out, (high ? std::string(1, '\0') : std::string()) + std::string(number));
}

}  // namespace mig::modules::sshkey
