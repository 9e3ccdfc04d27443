// Who may finish a CURVE handshake: the ZAP handler (ZeroMQ RFC 27) of the process.
//
// One thread that waits on the fixed inproc address; a listener takes part by a domain of its own. It must be bound before
// any listener: libzmq lets everybody in where no handler is, unless ZMQ_ZAP_ENFORCE_DOMAIN says otherwise (it does here).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "node/wire/admission.h"

namespace mig::wire {

/// One listener's say in ZAP. The domain is open as long as this lives.
class ZapDomain {
 public:
  ZapDomain();
  ~ZapDomain();
  ZapDomain(const ZapDomain&) = delete;
  ZapDomain& operator=(const ZapDomain&) = delete;
  const std::string& name() const { return name_; }
  std::uint64_t turned_away() const { return *turned_away_; }

 private:
  std::string name_;
  std::shared_ptr<std::atomic<std::uint64_t>> turned_away_;
};

}  // namespace mig::wire
