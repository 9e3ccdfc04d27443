// Packed files, unpacked as they are read, in bounded memory: gzip, xz, zstd, and the members of a zip.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mig::modules::scan {

class Unpacker {
 public:
  /// Takes the unpacked bytes, in pieces.
  using Sink = std::function<void(std::string_view)>;
  using More = std::function<bool()>;
  virtual ~Unpacker() = default;
  Unpacker() = default;
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  /// `more()` is asked between pieces: false stops early, which is no error. False if the data is corrupt.
  virtual bool feed(std::string_view packed, const More& more) = 0;
  /// At the end of the file. False if what there is is not whole.
  virtual bool finish() = 0;
  /// What is wrong and where: "gzip: incorrect data check at byte 1042". Empty if nothing.
  const std::string& trouble() const { return trouble_; }

 protected:
  std::string trouble_;
};

/// By the first bytes of a file; none if it is not packed.
std::unique_ptr<Unpacker> unpacker_for(std::string_view start, Unpacker::Sink sink);

}  // namespace mig::modules::scan
