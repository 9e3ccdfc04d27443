// What every file NAME_fuzz.cpp here starts from: one function that takes any bytes and must come through.
//
//   MIG_FUZZ(target) { (void)mig::core::Target::parse(input); }
//
// `./dev fuzz target` makes a libFuzzer program of it (clang, address and undefined-behaviour sanitizers); the test
// program `fuzz_test` runs all of them over their corpora, as plain functions. A wrong result is told by MIG_CHECK.
#pragma once

#include <cstddef>
#include <cstdint>

#include "node/core/bytes.h"
#include "node/core/check.h"

#ifdef MIG_FUZZ_ALONE
#define MIG_FUZZ(name)                                                              \
  static void fuzz_##name(mig::core::BytesView input);                              \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    fuzz_##name({reinterpret_cast<const char*>(data), size});                       \
    return 0;                                                                       \
  }                                                                                 \
  static void fuzz_##name(mig::core::BytesView input)
#else
#define MIG_FUZZ(name) void fuzz_##name(mig::core::BytesView input)
#endif
