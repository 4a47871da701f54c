#include "millrace/apps/millrace/multiset_hash.h"

#include <array>
#include <string_view>

#include "millrace/operators/fingerprint.h"

namespace millrace::tool {

void MultisetHash::add(const RecordView& record) {
  // Key and value are hashed apart, so that no byte can move from one to the other.
  const Fingerprint key = fingerprint(record.key), value = fingerprint(record.value);
  const std::uint64_t nulls = (record.has_key() ? 0u : 1u) + (record.has_value() ? 0u : 2u);
  const std::array<std::uint64_t, 5> parts{key.low, key.high, value.low, value.high, nulls};
  const Fingerprint hash = fingerprint({reinterpret_cast<const char*>(parts.data()), sizeof parts});
  low_ += hash.low;
  high_ += hash.high + (low_ < hash.low ? 1 : 0);
}

}  // namespace millrace::tool
