#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/apps/program/split_mix.h"

namespace millrace {

/// JSON object fields (`"key":value`, valid, no comma) to fill a frame with, made once so that a
/// frame costs only copies. They are what makes a careless parser fail: decoy `ts` and `uid` keys
/// in nested objects and inside strings, escapes of every kind, four scripts, numbers of every
/// form, differing white space. None of them has `ts` or `uid` as its own key, escaped or not.
/// Immutable, so thread-safe.
class FieldPool {
 public:
  /// Makes the fields from `random`: equal generators give equal pools.
  explicit FieldPool(SplitMix random);
  /// One of the fields. Lives as long as the pool.
  std::string_view pick(SplitMix& random) const { return fields_[random.below(kFields)]; }

  static constexpr std::uint32_t kFields = 512;

 private:
  std::vector<std::string> fields_;
};

}  // namespace millrace
