#pragma once

#include <memory>

#include "millrace/apps/program/http/observation.h"
#include "millrace/millrace.h"

namespace millrace {

/// An application with two threads: one whose task runs, one whose task is being restored.
class ObservedApplication {
 public:
  ObservedApplication() {
    running_->published_ms = 99'900;
    running_->joined = true;
    running_->last_refused =
        std::make_shared<std::vector<RefusedRecord>>(std::vector<RefusedRecord>{
            {{"frames", 1}, 41, RecordError::kMalformed, "", "\xff{", 1'700'000'000'400},
            {{"frames", 1}, 77, RecordError::kFieldMissing, "uid", "{}", 1'700'000'000'500}});
    running_->spent_ms = {5, 10, 1'000, 30, 200, 40, 3'000};
    running_->output_full_ms = 20;
    running_->sent_records = 50;
    running_->sent_bytes = 5'000;
    running_->pending_bytes = 640;
    running_->memory[MemoryOwner::kBatches] = 1'000;
    running_->memory[MemoryOwner::kConsumers] = 7'000;
    for (const std::int64_t ms : {3, 12, 700'000}) running_->commit_times.add(ms);
    running_->ages.resize(2);
    running_->ages[0].add(15, 90);
    running_->commits = 7;
    running_->aborts = 1;
    running_->commit_ms = 12;
    running_->committed_ms = 1'700'000'000'500;
    running_->refused[static_cast<std::size_t>(RecordError::kMalformed)] = 3;
    running_->tasks = {{.id = {0, 1},
                        .phase = TaskPhase::kRunning,
                        .restores = {},
                        .partitions = {{.partition = {"frames", 1},
                                        .position = 120,
                                        .committed = 100,
                                        .high_watermark = 150,
                                        .highest_ms = 1'468'244'385'500,
                                        .watermark_ms = 1'468'244'380'500,
                                        .read_records = 120,
                                        .read_bytes = 12'000},
                                       {.partition = {"more \"frames\"", 1},
                                        .position = 5,
                                        .committed = 5,
                                        .high_watermark = 5,
                                        .status = SourceStatus::kIdle}},
                        .stores = {{"users", 4'096}},
                        .nodes = nodes(),
                        .counters = counters()}};
    running_->counters = counters();
    restoring_->published_ms = 99'800;
    restoring_->joined = true;
    restoring_->ages.resize(2);
    restoring_->memory[MemoryOwner::kBatches] = 24;
    restoring_->ages[0].add(15, 10);
    restoring_->tasks = {{.id = {1, 0},
                          .phase = TaskPhase::kRestore,
                          .restores = {{.store = "users",
                                        .begin = 100,
                                        .position = 400,
                                        .end = 1'300,
                                        .records = 250,
                                        .bytes = 9'000,
                                        .seconds_left = 12}},
                          .partitions = {},
                          .stores = {},
                          .nodes = {},
                          .counters = {}}};
    stores_[MemoryOwner::kBlockCache] = 50'000;
  }

  Observation observation() const {
    return {identity_,
            {state,
             {running_, restoring_},
             {Activity::kCommitting, Activity::kTakingOver},
             {broker_away, false}},
            100'000,
            1'700'000'001'000,
            topology_,
            stores_};
  }
  ThreadStatus& running() { return *running_; }
  ThreadStatus& restoring() { return *restoring_; }
  /// The second thread is as ready as the first one.
  void restored() {
    restoring_->tasks.front().phase = TaskPhase::kRunning;
    restoring_->tasks.front().restores.clear();
  }

  ApplicationState state = ApplicationState::kRunning;
  bool broker_away = false;  ///< from the first thread

 private:
  static Topology topology() {
    TopologyBuilder builder{"users"};
    merge(builder.source("frames", decimal_integer()),
          builder.source("more \"frames\"", decimal_integer())) |
        filter([](std::int64_t n) { return n > 0; }) | to("users", decimal_integer());
    return *builder.build();
  }
  /// Of the first source, the merge and what stands behind it.
  static std::vector<NodeStatus> nodes() {
    return {{.node = 0,
             .records = {120, 114},
             .work = {.batches = 3,
                      .read_bytes = 12'000,
                      .sent_records = 6,
                      .sent_bytes = 600,
                      .busy_ns = 2'500'000,
                      .sampled_decoding_ns = 300'000,
                      .sampled_ns = 400'000}},
            {.node = 2, .records = {119, 119}, .work = {.batches = 4}},
            {.node = 3,
             .records = {119, 50},
             .work = {.batches = 4, .sent_records = 50, .sent_bytes = 450, .busy_ns = 1'250'000}}};
  }
  static RunCounters counters() {
    return {.accepted = 90,
            .late = 4,
            .dead_lettered = 6,
            .early_closes = 1,
            .dropped_after_close = 2,
            .lost = 0,
            .merged = 0,
            .out_of_order = 0,
            .late_by_window = {4, 9}};
  }

  ApplicationIdentity identity_{
      "unique_users", "0.1.0",      "users",           "first",
      "embedded:",    {"1m", "1h"}, 1'700'000'000'000, {{"users", "windows"}}};
  const Topology topology_ = topology();
  MemoryUsage stores_;
  std::shared_ptr<ThreadStatus> running_ = std::make_shared<ThreadStatus>();
  std::shared_ptr<ThreadStatus> restoring_ = std::make_shared<ThreadStatus>();
};

}  // namespace millrace
