#include "millrace/operators/distinct_count.h"

#include "millrace/operators/distinct_union.h"
#include "millrace/operators/shard_sum.h"

namespace millrace::distinct_detail {

EdgeId<WindowStats> add_stages(Graph& graph, const StreamTraits& traits, const std::string& name,
                               const DistinctOptions& options) {
  const EdgeId<WindowStats> results = graph.new_edge<WindowStats>();
  if (traits.windows == nullptr) return results;  // windows(...) has already said what is wrong
  if (options.shards < 1) graph.fail("distinct_count '" + name + "' needs at least one shard");
  if (options.method.precision && (*options.method.precision < UltraLogLog::kMinPrecision ||
                                   *options.method.precision > UltraLogLog::kMaxPrecision))
    graph.fail("distinct_count '" + name + "': the precision of a sketch is 3 to 18");

  const std::string total = name + "-total";
  const TopicName users{TopicName::Kind::kRepartition, name};
  const TopicName sums{TopicName::Kind::kRepartition, total};
  const bool sharded = options.shards > 1;
  const WindowBoard::Options board{.plan = traits.windows,
                                   .method = options.method,
                                   .store = name,
                                   .lateness_ms = traits.lateness_ms,
                                   .update_every_ms = options.update_every.count()};
  graph.add(RepartitionSpec{name, options.shards, traits.behind_repartition, traits.lateness_ms});
  NodeSpec stage2;
  stage2.name = "union " + name;
  stage2.source = users;
  stage2.operators = {"union of users per window, rolled up"};
  if (sharded)
    stage2.sinks = {sums};
  else
    stage2.outputs = {results.index};
  stage2.source_recipe = [=](TaskContext&) {
    return std::make_unique<DistinctUnion>(
        board, sharded ? results_to_topic(board.plan, sums)
                       : results_to_edge(board.plan, board.method, results));
  };
  stage2.readers.emplace(name, union_reader(board.plan, board.method, sharded));
  graph.add(std::move(stage2));
  if (!sharded) return results;

  graph.add(RepartitionSpec{total, 1, true, traits.lateness_ms});
  NodeSpec stage3;
  stage3.name = "sum " + name;
  stage3.source = sums;
  stage3.operators = {"sum of the shards per window"};
  stage3.outputs = {results.index};
  WindowBoard::Options sum = board;
  sum.store = total;
  stage3.source_recipe = [=](TaskContext&) {
    return std::make_unique<ShardSum>(sum, results_to_edge(sum.plan, sum.method, results));
  };
  stage3.readers.emplace(total, sum_reader(sum.plan));
  graph.add(std::move(stage3));
  return results;
}

}  // namespace millrace::distinct_detail
