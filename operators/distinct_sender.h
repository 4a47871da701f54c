#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "millrace/framework/memory_budget.h"
#include "millrace/framework/task_context.h"
#include "millrace/operators/distinct_method.h"
#include "millrace/operators/fingerprint_set.h"
#include "millrace/operators/ultraloglog.h"
#include "millrace/operators/windows.h"

namespace millrace {

/// Stage 1 of distinct_count, where the values are: per open window, what has been sent already; at
/// each commit it sends what is new to it, packed by shard (design §7). One thread.
///
/// Keeps users only for windows that no other window of the plan divides: stage 2 rolls the others
/// up. A value late for a window's parent goes to the window itself. Has no changelog: what is
/// forgotten is sent again, and a union does not mind. So the largest sets are forgotten when they
/// take more memory than they may.
class DistinctSender {
 public:
  DistinctSender(std::shared_ptr<const WindowPlan> plan, DistinctMethod method, TopicName topic);

  void open(TaskContext& context);
  /// Counts one value.
  void add(const WindowAssignment& assignment, std::string_view user);
  /// Sends deltas, then forgets windows that the watermark has closed.
  void flush();
  /// What was sent in the transaction was not: everything is sent again.
  void abort();

  /// A delta record is split at this size; brokers refuse records over 1 MiB by default.
  static constexpr std::size_t kMaxDeltaBytes = 512 * 1024;

 private:
  static constexpr std::size_t kLookEvery = 16384;  ///< new fingerprints between looks at memory

  struct OpenWindow {
    AssignedWindow window;
    std::uint64_t frames = 0;            ///< since the last commit
    FingerprintSet sent;                 ///< exact: fingerprints sent or about to be
    std::vector<Fingerprint> fresh;      ///< exact: to be sent
    std::optional<UltraLogLog> sketch;   ///< sketch: registers sent or about to be
    std::vector<std::uint32_t> changed;  ///< sketch: registers to be sent, by (shard << 18 | index)
    bool remembers = false;              ///< keeps what was sent
  };
  using Key = std::tuple<std::int64_t, std::int64_t, int>;  ///< end, start, definition

  void select(const WindowAssignment& assignment);
  OpenWindow& window(const AssignedWindow& assigned);
  void credit();
  void add_user(OpenWindow& window, Fingerprint user);
  void send(OpenWindow& window);
  void send_delta(std::int32_t shard);
  void make_room();

  std::shared_ptr<const WindowPlan> plan_;
  DistinctMethod method_;
  TopicName topic_;
  std::string topic_name_;
  TaskContext* context_ = nullptr;
  std::int32_t shards_ = 1;

  std::map<Key, OpenWindow> windows_;  ///< ascending by end
  const WindowAssignment* selected_ = nullptr;
  std::uint64_t selected_frames_ = 0;
  std::vector<OpenWindow*> counting_;  ///< windows of the selected assignment that count its frames
  std::vector<OpenWindow*> telling_;   ///< those that tell its users
  std::vector<std::vector<std::uint32_t>> by_shard_;
  std::string buffer_;
  MemoryBudget::Share share_;
};

}  // namespace millrace
