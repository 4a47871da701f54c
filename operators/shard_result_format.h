#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "millrace/framework/status.h"
#include "millrace/operators/windows.h"

/// What a shard of distinct_count tells stage 3 of one window, and what stage 3 keeps of it.
namespace millrace {

struct ShardResult {
  AssignedWindow window;
  std::int32_t shard = 0;
  std::uint64_t users = 0;
  std::uint64_t frames = 0;
  bool final = true;
  bool exact = true;
  std::string_view sketch;  ///< encoded; empty when counting exactly; a view into what was decoded
};

void append_shard_result(const WindowPlan& plan, const ShardResult& result, std::string& out);
/// kFailed names an unknown version, window, or damage.
Result<ShardResult> decode_shard_result(const WindowPlan& plan, std::string_view payload);

}  // namespace millrace
