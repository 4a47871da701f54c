#include "millrace/apps/unique_users/topology.h"

#include <algorithm>
#include <utility>

#include "millrace/framework/topology_builder.h"
#include "millrace/operators/codec/csv.h"
#include "millrace/operators/codec/json.h"
#include "millrace/operators/codec/msgpack.h"
#include "millrace/operators/distinct_count.h"
#include "millrace/operators/event_time.h"
#include "millrace/operators/to.h"

namespace millrace {

namespace {

/// The topology behind frames of any format.
template <class Codec>
Result<Topology> count_users(const UniqueUsersOptions& options, Codec frames) {
  TopologyBuilder topology{"unique-users"};
  topology.source(options.input, std::move(frames)) |
      event_time(&Frame::ts, lateness(options.lateness), JumpGuardOption{options.jump_guard}) |
      windows(options.windows, options.grace) |
      distinct_count("users", &Frame::uid,
                     DistinctOptions{options.method, options.shards, options.update_every}) |
      to(options.output, window_stats_json());
  return topology.build();
}

/// Whether it names both columns that are read.
bool is_frame_header(const CsvOptions& csv) {
  const std::vector<std::string> names = csv_column_names(csv);
  return std::ranges::count(names, "ts") > 0 && std::ranges::count(names, "uid") > 0;
}

}  // namespace

Result<Topology> unique_users(const UniqueUsersOptions& options) {
  const auto ts = field("ts", &Frame::ts);
  const auto uid = field("uid", &Frame::uid);
  switch (options.format) {
    case FrameFormat::kJson:
      break;
    case FrameFormat::kCsv: {
      const CsvOptions csv_options{.header = options.csv_header};
      if (!is_frame_header(csv_options))
        return Status::invalid("the CSV header '" + options.csv_header +
                               "' must name the columns, ts and uid among them");
      return count_users(options, csv<Frame>(csv_options, ts, uid));
    }
    case FrameFormat::kMsgpack:
      return count_users(options, msgpack<Frame>(ts, uid));
  }
  return count_users(options, json<Frame>(ts, uid));
}

}  // namespace millrace
