#include "millrace/apps/program/http/metrics_text.h"

#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "millrace/apps/program/http/metric.h"
#include "millrace/apps/program/http/node_metrics.h"
#include "millrace/apps/program/http/readiness.h"

namespace millrace {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

Metrics process_metrics(const Observation& observation, const ProcessUsage& usage) {
  const ApplicationIdentity& identity = observation.identity;
  Metric info = gauge("millrace_info", "What runs here; always 1.");
  info.add({{"program", identity.program},
            {"version", identity.version},
            {"application", identity.application_id},
            {"instance", identity.instance_id}},
           1);
  Metric ready = gauge("millrace_ready", "1 if the application does its work, as /ready says.");
  ready.add({}, unready(observation).empty() ? 1 : 0);
  Metric cpu = counter("process_cpu_seconds_total", "CPU time of the process, in seconds.");
  cpu.add({}, usage.cpu_seconds);
  Metric memory = gauge("process_resident_memory_bytes", "Resident memory, in bytes.");
  memory.add({}, usage.resident_bytes);
  Metric start = gauge("process_start_time_seconds", "Start of the process, Unix seconds.");
  start.add({}, seconds(identity.started_ms));
  Metric owned = gauge("millrace_memory_bytes", "Memory that is accounted for, by who holds it.");
  const MemoryUsage usage_by_owner = observation.memory();
  for (std::size_t i = 0; i < kMemoryOwners; ++i) {
    const auto owner = static_cast<MemoryOwner>(i);
    owned.add({{"owner", std::string(to_string(owner))}}, usage_by_owner[owner]);
  }
  return {info, ready, cpu, memory, start, owned};
}

Metrics thread_metrics(const Observation& observation) {
  Metric time = counter("millrace_thread_seconds_total", "Time of a thread, by what it does.");
  Metric full = counter("millrace_output_full_seconds_total",
                        "Of the time of a thread: the producer took no more records.");
  Metric commits = histogram("millrace_commit_duration_seconds", "How long commits took.");
  Metric aborts = counter("millrace_aborts_total", "Transactions aborted since the thread began.");
  Metric sent = counter("millrace_sent_records_total",
                        "Records sent to all topics, changelogs included, also aborted ones.");
  Metric bytes = counter("millrace_sent_bytes_total", "Keys and values of these, in bytes.");
  Metric pending = gauge("millrace_pending_bytes",
                         "Sent and changed since the last commit, in bytes of memory.");
  for (std::size_t i = 0; i < observation.status.threads.size(); ++i) {
    const ThreadStatus& thread = *observation.status.threads[i];
    const Metric::Labels labels{{"thread", std::to_string(i)}};
    for (std::size_t activity = 0; activity < kActivities; ++activity)
      time.add({{"thread", std::to_string(i)},
                {"activity", std::string(to_string(static_cast<Activity>(activity)))}},
               seconds(thread.spent_ms[activity]));
    full.add(labels, seconds(thread.output_full_ms));
    commits.add(labels, thread.commit_times);
    aborts.add(labels, thread.aborts);
    sent.add(labels, thread.sent_records);
    bytes.add(labels, thread.sent_bytes);
    pending.add(labels, thread.pending_bytes);
  }
  return {time, full, commits, aborts, sent, bytes, pending};
}

Metrics sum_metrics(const Observation& observation) {
  Metric refused = counter("millrace_refused_records_total",
                           "Records that could not be processed, by reason, since the start.");
  const RefusalCounts counts = observation.refused();
  for (std::size_t i = 1; i < counts.size(); ++i)
    refused.add({{"reason", std::string(to_string(static_cast<RecordError>(i)))}}, counts[i]);
  Metric ages = histogram("millrace_record_age_seconds",
                          "Age of input records, by their timestamps, when they were committed.");
  std::vector<DurationHistogram> sums;
  for (const auto& thread : observation.status.threads) {
    sums.resize(std::max(sums.size(), thread->ages.size()));
    for (std::size_t i = 0; i < thread->ages.size(); ++i) sums[i].add(thread->ages[i]);
  }
  for (std::size_t i = 0; i < sums.size(); ++i)
    ages.add({{"sub_topology", std::to_string(i)}}, sums[i]);
  return {refused, ages};
}

Metrics task_metrics(const Observation& observation) {
  Metric tasks = gauge("millrace_tasks", "Tasks that this instance has, by phase.");
  Metric left = gauge("millrace_restore_remaining_offsets",
                      "Offsets of a changelog that are still to be restored.");
  Metric stores =
      gauge("millrace_store_bytes", "What a store takes on disk and in write buffers, in bytes.");
  Metric records = counter("millrace_records_total",
                           "Input records of the task's life that were committed, by outcome.");
  Metric late = counter("millrace_late_records_total", "Records too late for a window.");
  Metric early = counter("millrace_early_closes_total",
                         "Windows emitted that an idle or ended source did not hold back.");
  Metric dropped = counter("millrace_dropped_after_close_records_total",
                           "Records for windows whose state had expired.");
  Metric lost = counter("millrace_lost_offsets_total",
                        "Offsets that were deleted before they were read, and passed over.");
  Metric disorder = counter("millrace_out_of_order_records_total",
                            "Records merged below one that was passed on before.");
  std::map<TaskPhase, int> phases{
      {TaskPhase::kOffsets, 0}, {TaskPhase::kRestore, 0}, {TaskPhase::kRunning, 0}};
  for (const auto& thread : observation.status.threads)
    for (const TaskStatus& task : thread->tasks) {
      const std::string id = task.id.text();
      ++phases[task.phase];
      for (const RestoreStatus& restore : task.restores)
        left.add({{"task", id}, {"store", restore.store}}, restore.end - restore.position);
      if (task.phase != TaskPhase::kRunning) continue;
      for (const StoreStatus& store : task.stores)
        stores.add({{"task", id}, {"store", store.store}}, store.bytes);
      const RunCounters& counters = task.counters;
      records.add({{"task", id}, {"outcome", "accepted"}}, counters.accepted);
      records.add({{"task", id}, {"outcome", "late"}}, counters.late);
      records.add({{"task", id}, {"outcome", "dead_lettered"}}, counters.dead_lettered);
      records.add({{"task", id}, {"outcome", "merged"}}, counters.merged);
      const std::vector<std::string>& windows = observation.identity.window_names;
      for (std::size_t i = 0; i < windows.size() && i < counters.late_by_window.size(); ++i)
        late.add({{"task", id}, {"window", windows[i]}}, counters.late_by_window[i]);
      early.add({{"task", id}}, counters.early_closes);
      dropped.add({{"task", id}}, counters.dropped_after_close);
      lost.add({{"task", id}}, counters.lost);
      disorder.add({{"task", id}}, counters.out_of_order);
    }
  for (const auto& [phase, count] : phases)
    tasks.add({{"phase", std::string(to_string(phase))}}, count);
  return {tasks, left, stores, records, late, early, dropped, lost, disorder};
}

Metrics partition_metrics(const Observation& observation) {
  Metric position = gauge("millrace_partition_committed_offset", "Offset that is committed.");
  Metric end = gauge("millrace_partition_end_offset", "End of the log, as last told.");
  Metric lag =
      gauge("millrace_partition_lag_records", "Offsets from the committed one to the end.");
  Metric watermark = gauge("millrace_partition_watermark_timestamp_seconds",
                           "Watermark in event time, Unix seconds.");
  Metric idle = gauge("millrace_partition_idle", "1 if it holds the others back no longer.");
  Metric stalled = gauge("millrace_partition_stalled", "1 if it has records, but none come.");
  Metric held = gauge("millrace_partition_held_bytes",
                      "Records read that wait for others, in bytes of memory.");
  Metric read = counter("millrace_read_records_total",
                        "Records read since the task is here, also those read twice.");
  Metric bytes = counter("millrace_read_bytes_total", "Keys and values of these, in bytes.");
  for (const auto& thread : observation.status.threads)
    for (const TaskStatus& task : thread->tasks)
      for (const PartitionStatus& partition : task.partitions) {
        const Metric::Labels labels{{"topic", partition.partition.topic},
                                    {"partition", std::to_string(partition.partition.partition)}};
        position.add(labels, partition.committed);
        if (partition.high_watermark >= 0) end.add(labels, partition.high_watermark);
        if (const auto records = partition.lag()) lag.add(labels, *records);
        if (partition.watermark_ms != kNoTime && partition.watermark_ms != kEndOfTime)
          watermark.add(labels, seconds(partition.watermark_ms));
        idle.add(labels, partition.status == SourceStatus::kActive ? 0 : 1);
        stalled.add(labels, partition.stalled ? 1 : 0);
        held.add(labels, partition.waiting_bytes + partition.held_bytes);
        read.add(labels, partition.read_records);
        bytes.add(labels, partition.read_bytes);
      }
  return {position, end, lag, watermark, idle, stalled, held, read, bytes};
}

}  // namespace

ProcessUsage ProcessUsage::now() {
  ProcessUsage usage;
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0)
    usage.cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  if (std::ifstream file("/proc/self/statm"); file >> pages >> resident)
    usage.resident_bytes = static_cast<double>(resident) * static_cast<double>(getpagesize());
  return usage;
}

std::string metrics_text(const Observation& observation, const ProcessUsage& usage) {
  std::vector<prometheus::MetricFamily> families;
  for (const Metrics& metrics :
       {process_metrics(observation, usage), thread_metrics(observation), sum_metrics(observation),
        task_metrics(observation), node_metrics(observation), partition_metrics(observation)})
    for (const Metric& metric : metrics)  // without series it would be help about nothing
      if (!metric.family().metric.empty()) families.push_back(metric.family());
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

}  // namespace millrace
