// A value, or the reason why there is none, in words for the person at the console.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace mig::core {

/// What kind of trouble it is. A code exists only where some caller branches on it; all else is `invalid`.
enum class Code {
  invalid,      ///< the input is wrong; nothing but other input helps
  refused,      ///< well formed, but not allowed (signature, weight, window, restriction ...)
  not_found,    ///< no such thing
  unsupported,  ///< this build, machine or kernel cannot do it
  too_large,    ///< over a bound of limits.h
  later,        ///< may work when tried again (full, busy, roster too old ...)
  world,        ///< the world disappointed: disk, network, another program
};

struct Error {
  Code code = Code::invalid;
  std::string text;  ///< subject, trouble, what helps: "max-depth: 99 is outside 0..64"
};

inline Error invalid(std::string text) { return {Code::invalid, std::move(text)}; }
inline Error refused(std::string text) { return {Code::refused, std::move(text)}; }

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}        // NOLINT: implicit on purpose
  Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}    // NOLINT
  explicit operator bool() const { return held_.index() == 0; }
  T& operator*() & { return std::get<0>(held_); }
  const T& operator*() const& { return std::get<0>(held_); }
  T&& operator*() && { return std::get<0>(std::move(held_)); }
  T* operator->() { return &std::get<0>(held_); }
  const T* operator->() const { return &std::get<0>(held_); }
  const Error& error() const { return std::get<1>(held_); }

 private:
  std::variant<T, Error> held_;
};

struct Done {};
/// For what has no value to give: `return Done{};` or an Error.
using Status = Result<Done>;

}  // namespace mig::core
