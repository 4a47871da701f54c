#pragma once

#include <cstdint>

#include "millrace/framework/record.h"

namespace millrace::tool {

/// Tells in constant memory whether two sets of records, in whatever order, hold the same keys and
/// values as often: the sum, modulo 2^128, of a 128-bit hash of each record. A sum, because in an
/// xor two equal records would cancel out. (MSet-Add-Hash of Clarke, Devadas, van Dijk, Gassend and
/// Suh, "Incremental Multiset Hash Functions and Their Application to Memory Integrity Checking",
/// ASIACRYPT 2003. The hash here is XXH3: it finds mistakes, not forgeries.)
class MultisetHash {
 public:
  /// Takes in the key and value of a record; null and empty ones differ.
  void add(const RecordView& record);

  bool operator==(const MultisetHash&) const = default;

 private:
  std::uint64_t low_ = 0;
  std::uint64_t high_ = 0;
};

}  // namespace millrace::tool
