// The words of a scenario's statements, and what can be looked at: a LOOK is true, or says what is so instead.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulate/stage.h"

namespace mig::simulate {

using Look = std::function<std::string(Stage&)>;

class Words {
 public:
  explicit Words(const std::string& line = {});
  bool over() const { return at_ >= words_.size(); }
  std::string next() const { return over() ? "" : words_[at_]; }
  std::string take() { return over() ? "" : words_[at_++]; }
  bool maybe(const std::string& word);
  std::string rest();                            ///< all that is left, as one

 private:
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

/// Reads names, spans and looks; the first thing that is wrong stands in `trouble_`.
class LookReader {
 protected:
  struct Cast {
    std::vector<std::string> relays, agents;
    std::vector<std::vector<std::size_t>> homes;
    std::vector<std::string> roles;
    std::set<std::string> questions;
  };
  static std::size_t index_in(const std::vector<std::string>& names, const std::string& name);  ///< size(): not in it
  void fail(std::string why) {
    if (trouble_.empty()) trouble_ = std::move(why);
  }
  void expect(const char* word);
  core::Duration duration();
  std::string frame_kind();
  std::string question();
  std::size_t relay();                           ///< its place among relays
  NodeIndex node(const std::string& name);
  NodeIndex node() { return node(words_.take()); }
  NodeIndex agent();
  std::vector<NodeIndex> these(const std::set<std::string>& until);  ///< at least one
  std::optional<unsigned> times();               ///< "once", "never", "3 times"; none: at least once
  Look look();

  Cast cast_;
  Words words_;
  std::string trouble_;

 private:
  Look look_at_question(const std::string& name);
  Look look_at_node(const std::string& name);
};

}  // namespace mig::simulate
