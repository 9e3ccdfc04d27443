// Which relay a leaf tries next: those it was given, in their order, then those it learnt of, with back-off for each.
#pragma once

#include <optional>
#include <vector>

#include "node/core/links.h"

namespace mig::core {

class Candidates {
 public:
  /// In the order of preference.
  explicit Candidates(const std::vector<Endpoint>& relays);
  /// Adds what is new (peers, alternatives) behind the given ones; of what was learnt the oldest goes. True if anything was new.
  bool learn(const std::vector<std::string>& endpoints);
  /// What was learnt, oldest first.
  std::vector<Endpoint> learnt() const;
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
    Instant ready;
    Backoff backoff;
    bool learnt = false;
  };
  Candidate* find(const Endpoint& relay);
  std::vector<Candidate> candidates_;
};

}  // namespace mig::core
