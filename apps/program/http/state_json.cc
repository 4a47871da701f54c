#include "millrace/apps/program/http/state_json.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "millrace/apps/program/http/readiness.h"
#include "millrace/operators/codec/json_writer.h"

namespace millrace {
namespace {

void write_time(JsonWriter& json, std::string_view key, std::int64_t unix_ms) {
  json.key(key);
  unix_ms == kNoTime || unix_ms == kEndOfTime ? json.null() : json.integer(unix_ms);
}

template <class Number>
void write_known(JsonWriter& json, std::string_view key, const std::optional<Number>& number) {
  json.key(key);
  number ? json.integer(*number) : json.null();
}

void write_counters(JsonWriter& json, const RunCounters& counters,
                    const std::vector<std::string>& window_names) {
  json.begin_object();
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::uint64_t>>{
           {"accepted", counters.accepted},
           {"late", counters.late},
           {"dead_lettered", counters.dead_lettered},
           {"merged", counters.merged},
           {"out_of_order", counters.out_of_order},
           {"early_closes", counters.early_closes},
           {"dropped_after_close", counters.dropped_after_close},
           {"lost", counters.lost}})
    json.key(name).integer(value);
  json.key("late_by_window").begin_object();
  for (std::size_t i = 0; i < window_names.size(); ++i)
    json.key(window_names[i])
        .integer(i < counters.late_by_window.size() ? counters.late_by_window[i] : 0);
  json.end_object().end_object();
}

/// Why a partition does not go on, or does not hold the others back; empty: it goes on.
std::string why(const PartitionStatus& partition) {
  if (partition.stalled) return "there are records, but none come";
  if (partition.status == SourceStatus::kIdle)
    return partition.told ? "the task upstream is idle" : "no record for as long as --idle-after";
  if (partition.status == SourceStatus::kEnded) return "the end of the bounded run";
  if (partition.waiting_bytes > 0) return "a jump of event time waits for records that confirm it";
  if (partition.held_bytes > 0) return "its records wait for those of other partitions";
  return {};
}

void write_partition(JsonWriter& json, const PartitionStatus& partition) {
  json.begin_object();
  json.key("topic").string(partition.partition.topic);
  json.key("partition").integer(partition.partition.partition);
  json.key("position").integer(partition.position);
  json.key("committed").integer(partition.committed);
  write_known(
      json, "end",
      partition.high_watermark < 0 ? std::nullopt : std::optional(partition.high_watermark));
  write_known(json, "lag", partition.lag());
  write_time(json, "highest_time_ms", partition.highest_ms);
  write_time(json, "watermark_ms", partition.watermark_ms);
  json.key("status").string(to_string(partition.status));
  const std::string reason = why(partition);
  json.key("why");
  reason.empty() ? json.null() : json.string(reason);
  json.key("waiting_bytes").integer(partition.waiting_bytes);
  json.key("held_bytes").integer(partition.held_bytes);
  json.key("read_records").integer(partition.read_records);
  json.key("read_bytes").integer(partition.read_bytes);
  json.end_object();
}

void write_restore(JsonWriter& json, const RestoreStatus& restore) {
  json.begin_object();
  json.key("store").string(restore.store);
  json.key("begin").integer(restore.begin);
  json.key("position").integer(restore.position);
  json.key("end").integer(restore.end);
  json.key("records").integer(restore.records);
  json.key("bytes").integer(restore.bytes);
  write_known(json, "seconds_left", restore.seconds_left);
  json.end_object();
}

void write_store(JsonWriter& json, const StoreStatus& store) {
  json.begin_object();
  json.key("store").string(store.store);
  json.key("bytes").integer(store.bytes);
  json.end_object();
}

void write_node(JsonWriter& json, const NodeStatus& node, const NodeSpec& spec) {
  const auto us = [](std::int64_t ns) { return ns / 1'000; };
  json.begin_object();
  json.key("node").string(spec.name);
  json.key("records").integer(node.records.empty() ? 0 : node.records.front());
  json.key("out_records").integer(node.records.empty() ? 0 : node.records.back());
  json.key("batches").integer(node.work.batches);
  json.key("read_bytes").integer(node.work.read_bytes);
  json.key("sent_records").integer(node.work.sent_records);
  json.key("sent_bytes").integer(node.work.sent_bytes);
  json.key("busy_us").integer(us(node.work.busy_ns));
  json.key("sampled_us").integer(us(node.work.sampled_ns));
  json.key("sampled_decoding_us").integer(us(node.work.sampled_decoding_ns));
  json.key("operators").begin_array();
  for (std::size_t i = 0; i < spec.operators.size() && i < node.records.size(); ++i) {
    json.element().begin_object();
    json.key("operator").string(spec.operators[i]).key("records").integer(node.records[i]);
    json.end_object();
  }
  json.end_array().end_object();
}

void write_task(JsonWriter& json, const TaskStatus& task, const Observation& observation) {
  json.begin_object();
  json.key("task").string(task.id.text());
  json.key("phase").string(to_string(task.phase));
  json.key("restores").begin_array();
  for (const RestoreStatus& restore : task.restores) write_restore(json.element(), restore);
  json.end_array().key("stores").begin_array();
  for (const StoreStatus& store : task.stores) write_store(json.element(), store);
  json.end_array().key("partitions").begin_array();
  for (const PartitionStatus& partition : task.partitions)
    write_partition(json.element(), partition);
  json.end_array().key("nodes").begin_array();
  for (const NodeStatus& node : task.nodes)
    write_node(json.element(), node,
               observation.topology.nodes()[static_cast<std::size_t>(node.node)]);
  json.end_array().key("counters");
  write_counters(json, task.counters, observation.identity.window_names);
  json.end_object();
}

void write_refused(JsonWriter& json, const RefusedRecord& record) {
  json.begin_object();
  json.key("topic").string(record.partition.topic);
  json.key("partition").integer(record.partition.partition);
  json.key("offset").integer(record.offset);
  json.key("reason").string(to_string(record.error));
  json.key("detail").string(record.detail);
  json.key("value").string(record.value);
  json.key("committed_at_ms").integer(record.committed_ms);
  json.end_object();
}

/// The last records that all threads have refused, the newest first.
void write_last_refused(JsonWriter& json, const Observation& observation) {
  std::vector<const RefusedRecord*> records;
  for (const auto& thread : observation.status.threads)
    if (thread->last_refused)
      for (const RefusedRecord& record : *thread->last_refused) records.push_back(&record);
  std::ranges::reverse(records);
  std::ranges::stable_sort(records, std::greater(), &RefusedRecord::committed_ms);
  if (records.size() > DeadLetters::kLast) records.resize(DeadLetters::kLast);
  json.begin_array();
  for (const RefusedRecord* record : records) write_refused(json.element(), *record);
  json.end_array();
}

void write_thread(JsonWriter& json, std::size_t index, const ThreadStatus& thread,
                  const Observation& observation) {
  json.begin_object();
  json.key("thread").integer(index);
  json.key("activity").string(to_string(observation.status.activities[index]));
  json.key("member").boolean(thread.joined);
  json.key("broker_away").boolean(observation.status.broker_away[index]);
  write_known(json, "published_ms_ago",
              thread.published_ms == 0
                  ? std::nullopt
                  : std::optional(observation.monotonic_ms - thread.published_ms));
  json.key("spent_ms").begin_object();
  for (std::size_t i = 0; i < thread.spent_ms.size(); ++i)
    json.key(to_string(static_cast<Activity>(i))).integer(thread.spent_ms[i]);
  json.end_object();
  json.key("output_full_ms").integer(thread.output_full_ms);
  json.key("sent_records").integer(thread.sent_records);
  json.key("sent_bytes").integer(thread.sent_bytes);
  json.key("pending_bytes").integer(thread.pending_bytes);
  json.key("commits").integer(thread.commits);
  json.key("aborts").integer(thread.aborts);
  write_known(json, "last_commit_ms",
              thread.commit_ms < 0 ? std::nullopt : std::optional(thread.commit_ms));
  write_known(json, "last_commit_at_ms",
              thread.commit_ms < 0 ? std::nullopt : std::optional(thread.committed_ms));
  json.key("tasks").begin_array();
  for (const TaskStatus& task : thread.tasks) write_task(json.element(), task, observation);
  json.end_array().end_object();
}

}  // namespace

std::string state_json(const Observation& observation) {
  const ApplicationIdentity& identity = observation.identity;
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  json.key("program").string(identity.program);
  json.key("version").string(identity.version);
  json.key("application_id").string(identity.application_id);
  json.key("instance_id").string(identity.instance_id);
  json.key("broker").string(identity.broker);
  json.key("state").string(to_string(observation.status.state));
  const std::vector<Unready> reasons = unready(observation);
  json.key("ready").boolean(reasons.empty()).key("unready");
  write_reasons(json, reasons);
  json.key("now_ms").integer(observation.wall_ms);
  json.key("started_ms").integer(identity.started_ms);
  json.key("stores").begin_array();
  for (const auto& [store, kind] : identity.stores)
    json.element().begin_object().key("store").string(store).key("kind").string(kind).end_object();
  json.end_array().key("counters");
  write_counters(json, observation.counters(), identity.window_names);
  json.key("refused_by_reason").begin_object();
  const RefusalCounts refused = observation.refused();
  for (std::size_t i = 0; i < refused.size(); ++i)
    if (refused[i] > 0) json.key(to_string(static_cast<RecordError>(i))).integer(refused[i]);
  json.end_object().key("memory_bytes").begin_object();
  const MemoryUsage memory = observation.memory();
  for (std::size_t i = 0; i < kMemoryOwners; ++i) {
    const auto owner = static_cast<MemoryOwner>(i);
    json.key(to_string(owner)).integer(memory[owner]);
  }
  json.end_object().key("last_refused");
  write_last_refused(json, observation);
  json.key("threads").begin_array();
  std::size_t index = 0;
  for (const auto& thread : observation.status.threads)
    write_thread(json.element(), index++, *thread, observation);
  json.end_array().end_object();
  return text;
}

}  // namespace millrace
