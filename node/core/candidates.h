// Which relay a leaf tries next: an order of its own over all relays it knows, with back-off for each.
#pragma once

#include <optional>
#include <vector>

#include "node/core/links.h"

namespace mig::core {

class Candidates {
 public:
  /// Ordered by rendezvous hash of `self` and each relay's key, so that leaves spread evenly without agreement.
  /// `keep_order`: the given order is a preference (the first is tried first).
  Candidates(BytesView self, std::vector<Endpoint> relays, bool keep_order);
  /// Adds what is new (peer records, alternatives), bounded; own order is kept for the others.
  void learn(const std::vector<std::string>& endpoints);
  /// The best candidate whose back-off is over; nullptr if none is.
  const Endpoint* next(Instant now) const;
  /// When next() may give one.
  Instant ready_at() const;
  void failed(const Endpoint& relay, Instant now, Random& random);
  /// Not before: a relay asked for patience, or a herd is to be spread.
  void wait(const Endpoint& relay, Instant until);
  void good(const Endpoint& relay);
  std::vector<Endpoint> all() const;

 private:
  struct Candidate {
    Endpoint to;
    Bytes rank;
    Instant ready;
    Backoff backoff;
  };
  Candidate* find(const Endpoint& relay);
  void add(const Endpoint& relay, bool keep_order);
  Bytes self_;
  std::vector<Candidate> candidates_;
};

}  // namespace mig::core
