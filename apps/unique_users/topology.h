#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/topology.h"
#include "millrace/operators/distinct_method.h"
#include "millrace/operators/window_definition.h"

namespace millrace {

/// What is read of a frame.
struct Frame {
  std::chrono::sys_seconds ts;
  std::string_view uid;
};

enum class FrameFormat { kJson, kCsv, kMsgpack };

struct UniqueUsersOptions {
  std::string input = "frames";
  FrameFormat format = FrameFormat::kJson;
  std::string csv_header = "ts,uid";  ///< names of the columns of a CSV frame
  std::string output = "unique-users";
  std::vector<WindowDefinition> windows{tumbling(std::chrono::minutes(1))};
  std::chrono::milliseconds lateness{5'000};
  std::chrono::milliseconds grace{0};
  std::optional<std::chrono::milliseconds> jump_guard{std::chrono::hours(1)};
  DistinctMethod method = exact();
  std::int32_t shards = 1;
  std::chrono::milliseconds update_every{-1};
};

/// Frames on a topic → unique users and frames per window on another, as JSON. kInvalid: the CSV
/// header does not name what is read.
Result<Topology> unique_users(const UniqueUsersOptions& options);

}  // namespace millrace
