// The little of ASN.1 DER that private keys are written in.
#pragma once

#include "node/core/bytes.h"

namespace mig::modules::sshkey {

class DerReader {
 public:
  explicit DerReader(core::BytesView bytes) : rest_(bytes) {}

  /// The content of the next value if it has this tag; an empty view and good() false if not.
  core::BytesView value(unsigned char tag) {
    core::BytesView content;
    if (!good_ || !next(tag, content)) good_ = false;
    return good_ ? content : core::BytesView();
  }
  bool next_is(unsigned char tag) const {
    return good_ && !rest_.empty() && static_cast<unsigned char>(rest_[0]) == tag;
  }
  bool good() const { return good_; }

 private:
  bool next(unsigned char tag, core::BytesView& content) {
    if (rest_.size() < 2 || static_cast<unsigned char>(rest_[0]) != tag) return false;
    std::size_t length = static_cast<unsigned char>(rest_[1]), head = 2;
    if (length >= 0x80) {  // that many octets of length follow
      const std::size_t octets = length & 0x7f;
      if (octets == 0 || octets > 4 || rest_.size() < 2 + octets) return false;
      length = 0;
      for (std::size_t i = 0; i < octets; ++i)
        length = length << 8 | static_cast<unsigned char>(rest_[2 + i]);
      head += octets;
    }
    if (length > rest_.size() - head) return false;
    content = rest_.substr(head, length);
    rest_.remove_prefix(head + length);
    return true;
  }
  core::BytesView rest_;
  bool good_ = true;
};

namespace der {
constexpr unsigned char integer = 0x02, bits = 0x03, octets = 0x04, object = 0x06, sequence = 0x30,
                        part0 = 0xa0, part1 = 0xa1;
}

}  // namespace mig::modules::sshkey
