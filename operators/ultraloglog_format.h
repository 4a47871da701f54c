#pragma once

#include <string>
#include <string_view>

#include "millrace/framework/status.h"
#include "millrace/operators/ultraloglog.h"

namespace millrace {

/// The bytes of a sketch in results, state and repartition topics:
///
///     0  format version (1)
///     1  algorithm (1: UltraLogLog)
///     2  precision p
///     3  hash (1: the lower 64 bits of XXH3-128 without seed, Fingerprint::low)
///     4  2^p registers, one byte each
///
/// Appends them to `out`.
void append_sketch(const UltraLogLog& sketch, std::string& out);

/// Reads a whole sketch. Fails with kInvalid, naming what is unknown or broken.
Result<UltraLogLog> parse_sketch(std::string_view bytes);

}  // namespace millrace
