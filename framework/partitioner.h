#pragma once

#include <cstdint>
#include <string_view>

namespace millrace {

/// Murmur2 as Kafka's Java clients compute it, so that our topics co-partition with theirs.
/// Source: org.apache.kafka.common.utils.Utils.murmur2.
std::uint32_t murmur2(std::string_view key);

/// The partition a Java producer would choose for a record with this key. REQUIRES: partitions > 0.
inline std::int32_t partition_for_key(std::string_view key, std::int32_t partitions) {
  return static_cast<std::int32_t>((murmur2(key) & 0x7fffffffU) %
                                   static_cast<std::uint32_t>(partitions));
}

}  // namespace millrace
