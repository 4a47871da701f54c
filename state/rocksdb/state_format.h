#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"

namespace millrace {

/// Whose state a directory holds: the file `stamp` in it. Its version is that of everything below
/// the directory.
struct StateStamp {
  std::string application_id;
  std::string topology_fingerprint;
  bool operator==(const StateStamp&) const = default;
};

std::string encode_state_stamp(const StateStamp& stamp);
/// kFailed names an unknown version or damage; the text does not name the file.
Result<StateStamp> decode_state_stamp(std::string_view bytes);

/// Up to where a store holds its changelog; kept in the same database, written with the data.
struct StorePosition {
  std::int64_t offset = 0;  ///< of the changelog record to be read next
  /// Wall clock, Unix ms: everything that the changelog held below `offset` then is in the store.
  std::int64_t complete_ms = 0;
  std::uint64_t life = 0;  ///< TaskStateOptions::life
  bool operator==(const StorePosition&) const = default;
};

std::string encode_store_position(const StorePosition& position);
/// kFailed names an unknown version or damage.
Result<StorePosition> decode_store_position(std::string_view bytes);

}  // namespace millrace
