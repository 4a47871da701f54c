#include "millrace/apps/program/http/readiness.h"

#include <fmt/format.h>

namespace millrace {
namespace {

std::string restoring(const TaskStatus& task) {
  std::string text = fmt::format("task {} is {}", task.id.text(), to_string(task.phase));
  for (const RestoreStatus& restore : task.restores) {
    text += fmt::format(", store {} at {} of {}", restore.store, restore.position, restore.end);
    if (restore.seconds_left) text += fmt::format(", {} s left", *restore.seconds_left);
  }
  return text;
}

void look_at_task(const TaskStatus& task, std::vector<Unready>& reasons) {
  if (task.phase != TaskPhase::kRunning) reasons.push_back({"restoring", restoring(task)});
  for (const PartitionStatus& partition : task.partitions)
    if (partition.stalled)
      reasons.push_back(
          {"stalled", fmt::format("topic '{}' partition {}: there are records behind offset {}, "
                                  "but none come: its leader may be away, or a transaction is open",
                                  partition.partition.topic, partition.partition.partition,
                                  partition.position)});
}

}  // namespace

std::vector<Unready> unready(const Observation& observation) {
  std::vector<Unready> reasons;
  const ApplicationState state = observation.status.state;
  if (state != ApplicationState::kRunning)
    reasons.push_back({"not-running", fmt::format("the application is {}", to_string(state))});
  for (std::size_t i = 0; i < observation.status.threads.size(); ++i) {
    const auto& thread = observation.status.threads[i];
    const std::string who = fmt::format("thread {}", i);
    const std::int64_t silent_ms = observation.monotonic_ms - thread->published_ms;
    if (state == ApplicationState::kRunning && thread->published_ms != 0 && silent_ms >= kSilentMs)
      reasons.push_back(
          {"silent", fmt::format("{} has been {} for {} s: it may wait for the broker", who,
                                 to_string(observation.status.activities[i]), silent_ms / 1'000)});
    if (observation.status.broker_away[i])
      reasons.push_back({"broker-away", fmt::format("{} cannot reach its broker", who)});
    if (!thread->joined)
      reasons.push_back({"no-member", fmt::format("{} is no member of the group", who)});
    for (const TaskStatus& task : thread->tasks) look_at_task(task, reasons);
  }
  return reasons;
}

void write_reasons(JsonWriter& json, const std::vector<Unready>& reasons) {
  json.begin_array();
  for (const Unready& each : reasons)
    json.element()
        .begin_object()
        .key("reason")
        .string(each.reason)
        .key("detail")
        .string(each.detail)
        .end_object();
  json.end_array();
}

std::string readiness_json(const std::vector<Unready>& reasons) {
  std::string text;
  JsonWriter json(text);
  json.begin_object().key("ready").boolean(reasons.empty()).key("reasons");
  write_reasons(json, reasons);
  json.end_object();
  return text;
}

}  // namespace millrace
