// The chunks of attachments: those that live actions name, fetched from neighbours, and no other bytes.
//
// A relay asks whoever brought the action, then its other neighbours in turn. Who asks for a chunk that is still on its
// way here gets it when it comes, so that chunks follow their action down the mesh without anybody asking twice.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "node/core/action.h"
#include "node/core/fetch.h"
#include "node/core/machine.h"
#include "store/store.h"

namespace mig::relay {

class Chunks {
 public:
  explicit Chunks(store::Store& store) : store_(store) {}
  /// May its chunks be kept beside those of all other actions?
  bool room(const core::Action& action) const;
  /// An action or draft stands on the board.
  void open(const core::Action& action);
  /// Who brought the action is asked first for what is missing.
  void prefer(const core::ActionKey& key, core::LinkId from);
  /// The action is over: what no other names is dropped.
  void forget(const core::ActionKey& key);
  /// After loading: what the store holds and no action names any more.
  void tidy();

  bool complete(const core::ActionKey& key) const;
  std::optional<core::Bytes> find(const core::BoardKey& key) const;
  /// `link` gets it when it comes, if it is on its way here; few at a time.
  void awaited(const core::BoardKey& key, core::LinkId link);
  void lost(core::LinkId link) { waiting_.erase(link); }
  /// Keeps a chunk that is missing here; gives who waits for it. Nothing: it was not asked for, or is another's.
  std::optional<std::vector<core::LinkId>> take(core::BytesView chunk, core::LinkId from, core::Instant now);

  /// What to ask of whom; `neighbours` are the links that may have something.
  std::vector<std::pair<core::LinkId, core::Want>> ask(core::Instant now, const std::vector<core::LinkId>& neighbours);
  /// There is somebody new to ask.
  void way_opened();
  core::Instant wake() const;

 private:
  struct Named {
    unsigned actions = 0;
    bool held = false;
  };
  struct Supply {
    std::vector<core::Hash> chunks;
    core::Fetch fetch;
    core::LinkId from = 0;
  };
  template <class F>
  void each(const core::BoardKey& key, const F& visit) const;
  store::Store& store_;
  std::map<core::Hash, Named> named_;
  std::map<core::ActionKey, Supply> supplies_;
  std::set<core::ActionKey> incomplete_;
  std::map<core::LinkId, std::set<core::Hash>> waiting_;
};

}  // namespace mig::relay
