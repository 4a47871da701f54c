#include "millrace/apps/unique_users/topology.h"

#include "millrace/framework/topology_builder.h"
#include "millrace/operators/codec/json.h"
#include "millrace/operators/distinct_count.h"
#include "millrace/operators/event_time.h"
#include "millrace/operators/to.h"

namespace millrace {

Result<Topology> unique_users(const UniqueUsersOptions& options) {
  TopologyBuilder topology{"unique-users"};
  topology.source(options.input, json<Frame>(field("ts", &Frame::ts), field("uid", &Frame::uid))) |
      event_time(&Frame::ts, lateness(options.lateness), JumpGuardOption{options.jump_guard}) |
      windows(options.windows, options.grace) |
      distinct_count("users", &Frame::uid,
                     DistinctOptions{options.method, options.shards, options.update_every}) |
      to(options.output, window_stats_json());
  return topology.build();
}

}  // namespace millrace
