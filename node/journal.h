// What an agent remembers of actions, durably: at most one start each, and the results until they are confirmed.
//
// started -> done -> stored (a relay has it on disk) -> confirmed (a reader has it). A record still `started` when the
// process begins is one that a crash interrupted; the agent answers so instead of running it again.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "node/core/action.h"
#include "node/core/message.h"
#include "store/store.h"

namespace mig::node {

struct JournalEntry {
  core::ActionId id;
  core::Journal state = core::Journal::started;
  core::LinkPublic reply_key;
  core::Disclose disclose = core::Disclose::status;
  core::WallMs started = 0, result_by = 0;
  std::uint16_t parts = 0;
  core::State outcome = core::State::unknown;   ///< found, clean or failed, once done
};

class Journal {
 public:
  /// Loads what the store holds; unreadable records are dropped.
  explicit Journal(store::Store& store);
  const JournalEntry* find(const core::ActionKey& key) const;
  const std::map<core::ActionKey, JournalEntry>& all() const { return entries_; }
  void start(const core::Action& action, core::WallMs now);
  void finish(const core::ActionKey& key, core::State outcome, const std::vector<core::Reply>& replies);
  void stored(const core::ActionKey& key);
  void confirmed(const core::ActionKey& key);   ///< the results are dropped
  /// Frames to send (again): encoded ResultFrames of every part.
  std::vector<core::Bytes> frames(const core::ActionKey& key) const;
  std::vector<core::Held> held() const;
  /// Forgets what is past its time; entries are kept 10 min past result_by.
  void purge(core::WallMs now);

 private:
  void write(const core::ActionKey& key);
  void drop_frames(const core::ActionKey& key);
  store::Store& store_;
  std::map<core::ActionKey, JournalEntry> entries_;
};

}  // namespace mig::node
