#include "millrace/apps/program/http/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "millrace/tests/apps/http_observation.h"

namespace millrace {
namespace {

using testing::Gt;

/// Lines that are no comments, of metrics whose name begins so.
std::string series_of(const std::string& text, std::string_view prefix) {
  std::istringstream lines(text);
  std::string found;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(prefix)) found += line + "\n";
  return found;
}

class MetricsTextTest : public testing::Test {
 protected:
  ObservedApplication application_;
  const std::string text_ = metrics_text(application_.observation(), {1.5, 2e6});
};

TEST_F(MetricsTextTest, TellsOfTheProcess) {
  EXPECT_EQ(series_of(text_, "process_"),
            "process_cpu_seconds_total 1.5\n"
            "process_resident_memory_bytes 2000000\n"
            "process_start_time_seconds 1700000000\n");
  EXPECT_EQ(series_of(text_, "millrace_info"),
            "millrace_info{program=\"unique_users\",version=\"0.1.0\",application=\"users\","
            "instance=\"first\"} 1\n");
  EXPECT_EQ(series_of(text_, "millrace_ready"), "millrace_ready 0\n");
  EXPECT_THAT(ProcessUsage::now().resident_bytes, Gt(1e6));
  EXPECT_THAT(ProcessUsage::now().cpu_seconds, Gt(0));
}

TEST_F(MetricsTextTest, TellsOfThreads) {
  EXPECT_EQ(series_of(text_, "millrace_thread_seconds_total{thread=\"0\""),
            "millrace_thread_seconds_total{thread=\"0\",activity=\"following the group\"} 0.005\n"
            "millrace_thread_seconds_total{thread=\"0\",activity=\"taking over\"} 0.01\n"
            "millrace_thread_seconds_total{thread=\"0\",activity=\"processing\"} 1\n"
            "millrace_thread_seconds_total{thread=\"0\",activity=\"preparing a commit\"} 0.03\n"
            "millrace_thread_seconds_total{thread=\"0\",activity=\"committing\"} 0.2\n"
            "millrace_thread_seconds_total{thread=\"0\",activity=\"writing state\"} 0.04\n"
            "millrace_thread_seconds_total{thread=\"0\",activity=\"waiting for input\"} 3\n");
  EXPECT_EQ(series_of(text_, "millrace_sent_"),
            "millrace_sent_records_total{thread=\"0\"} 50\n"
            "millrace_sent_records_total{thread=\"1\"} 0\n"
            "millrace_sent_bytes_total{thread=\"0\"} 5000\n"
            "millrace_sent_bytes_total{thread=\"1\"} 0\n");
  EXPECT_EQ(series_of(text_, "millrace_refused_records_total{reason=\"malformed\""),
            "millrace_refused_records_total{reason=\"malformed\"} 3\n");
}

TEST_F(MetricsTextTest, HistogramsAreCumulativeInSeconds) {
  EXPECT_EQ(series_of(text_, "millrace_commit_duration_seconds_bucket{thread=\"0\""),
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"0.001\"} 0\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"0.002\"} 0\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"0.005\"} 1\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"0.01\"} 1\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"0.02\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"0.05\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"0.1\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"0.2\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"0.5\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"1\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"2\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"5\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"10\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"30\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"60\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"600\"} 2\n"
            "millrace_commit_duration_seconds_bucket{thread=\"0\",le=\"+Inf\"} 3\n");
  EXPECT_EQ(series_of(text_, "millrace_commit_duration_seconds_sum{thread=\"0\""),
            "millrace_commit_duration_seconds_sum{thread=\"0\"} 700.015\n");
  EXPECT_EQ(series_of(text_, "millrace_record_age_seconds_count"),
            "millrace_record_age_seconds_count{sub_topology=\"0\"} 100\n"
            "millrace_record_age_seconds_count{sub_topology=\"1\"} 0\n");
}

TEST_F(MetricsTextTest, TellsOfTasks) {
  EXPECT_EQ(series_of(text_, "millrace_tasks"),
            "millrace_tasks{phase=\"taking over\"} 0\n"
            "millrace_tasks{phase=\"restoring\"} 1\n"
            "millrace_tasks{phase=\"running\"} 1\n");
  EXPECT_EQ(series_of(text_, "millrace_records_total"),
            "millrace_records_total{task=\"0_1\",outcome=\"accepted\"} 90\n"
            "millrace_records_total{task=\"0_1\",outcome=\"late\"} 4\n"
            "millrace_records_total{task=\"0_1\",outcome=\"dead_lettered\"} 6\n"
            "millrace_records_total{task=\"0_1\",outcome=\"merged\"} 0\n");
  EXPECT_EQ(series_of(text_, "millrace_late_records_total"),
            "millrace_late_records_total{task=\"0_1\",window=\"1m\"} 4\n"
            "millrace_late_records_total{task=\"0_1\",window=\"1h\"} 9\n");
  EXPECT_EQ(series_of(text_, "millrace_store_bytes"),
            "millrace_store_bytes{task=\"0_1\",store=\"users\"} 4096\n");
  EXPECT_EQ(series_of(text_, "millrace_restore"),
            "millrace_restore_remaining_offsets{task=\"1_0\",store=\"users\"} 900\n");
}

TEST_F(MetricsTextTest, TellsOfOperators) {
  EXPECT_EQ(series_of(text_, "millrace_operator_records_total"),
            "millrace_operator_records_total{task=\"0_1\",node=\"source frames\",position=\"0\","
            "operator=\"decode decimal_integer()\"} 120\n"
            "millrace_operator_records_total{task=\"0_1\",node=\"source frames\",position=\"1\","
            "operator=\"passed on\"} 114\n"
            "millrace_operator_records_total{task=\"0_1\",node=\"merge 2\",position=\"0\","
            "operator=\"merge\"} 119\n"
            "millrace_operator_records_total{task=\"0_1\",node=\"merge 2\",position=\"1\","
            "operator=\"passed on\"} 119\n"
            "millrace_operator_records_total{task=\"0_1\",node=\"edge 2\",position=\"0\","
            "operator=\"filter\"} 119\n"
            "millrace_operator_records_total{task=\"0_1\",node=\"edge 2\",position=\"1\","
            "operator=\"to users decimal_integer()\"} 50\n");
}

TEST_F(MetricsTextTest, TellsOfNodes) {
  EXPECT_EQ(series_of(text_, "millrace_node_"),
            "millrace_node_batches_total{task=\"0_1\",node=\"source frames\"} 3\n"
            "millrace_node_batches_total{task=\"0_1\",node=\"merge 2\"} 4\n"
            "millrace_node_batches_total{task=\"0_1\",node=\"edge 2\"} 4\n"
            "millrace_node_seconds_total{task=\"0_1\",node=\"source frames\"} 0.0025\n"
            "millrace_node_seconds_total{task=\"0_1\",node=\"merge 2\"} 0\n"
            "millrace_node_seconds_total{task=\"0_1\",node=\"edge 2\"} 0.00125\n"
            "millrace_node_read_bytes_total{task=\"0_1\",node=\"source frames\"} 12000\n"
            "millrace_node_sent_bytes_total{task=\"0_1\",node=\"source frames\"} 600\n"
            "millrace_node_sent_bytes_total{task=\"0_1\",node=\"edge 2\"} 450\n");
  EXPECT_EQ(series_of(text_, "millrace_sampled_"),
            "millrace_sampled_decoding_seconds_total{task=\"0_1\",node=\"source frames\"} 0.0003\n"
            "millrace_sampled_seconds_total{task=\"0_1\",node=\"source frames\"} 0.0004\n");
}

TEST_F(MetricsTextTest, TellsWhoHoldsMemory) {
  EXPECT_EQ(series_of(text_, "millrace_memory_bytes"),
            "millrace_memory_bytes{owner=\"block cache\"} 50000\n"
            "millrace_memory_bytes{owner=\"write buffers\"} 0\n"
            "millrace_memory_bytes{owner=\"kept by operators\"} 0\n"
            "millrace_memory_bytes{owner=\"remembered by operators\"} 0\n"
            "millrace_memory_bytes{owner=\"changes of state\"} 0\n"
            "millrace_memory_bytes{owner=\"batches\"} 1024\n"
            "millrace_memory_bytes{owner=\"waiting records\"} 0\n"
            "millrace_memory_bytes{owner=\"consumer queues\"} 7000\n"
            "millrace_memory_bytes{owner=\"producer queues\"} 0\n");
}

TEST_F(MetricsTextTest, TellsOfPartitions) {
  EXPECT_EQ(series_of(text_, "millrace_partition_lag"),
            "millrace_partition_lag_records{topic=\"frames\",partition=\"1\"} 50\n"
            "millrace_partition_lag_records{topic=\"more \\\"frames\\\"\",partition=\"1\"} 0\n");
  EXPECT_EQ(series_of(text_, "millrace_partition_watermark"),
            "millrace_partition_watermark_timestamp_seconds{topic=\"frames\",partition=\"1\"} "
            "1468244380.5\n");
  EXPECT_EQ(series_of(text_, "millrace_partition_idle"),
            "millrace_partition_idle{topic=\"frames\",partition=\"1\"} 0\n"
            "millrace_partition_idle{topic=\"more \\\"frames\\\"\",partition=\"1\"} 1\n");
}

TEST_F(MetricsTextTest, ExplainsEveryMetricOnceAndNamesItsUnit) {
  std::istringstream lines(text_);
  std::set<std::string> helped;
  std::set<std::string> typed;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name, type;
    words >> hash >> what >> name >> type;
    if (what == "HELP") {
      EXPECT_TRUE(helped.insert(name).second) << line;
    } else if (what == "TYPE") {
      EXPECT_TRUE(typed.insert(name).second) << line;
      EXPECT_EQ(name.ends_with("_total"), type == "counter") << line;
    }
  }
  EXPECT_EQ(helped, typed);
  EXPECT_THAT(helped.size(), Gt(15u));
}

}  // namespace
}  // namespace millrace
