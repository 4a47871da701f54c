#pragma once

#include <prometheus/metric_family.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "millrace/framework/duration_histogram.h"

namespace millrace {

/// Prometheus knows seconds only.
template <class Integer>
double seconds(Integer ms) {
  return static_cast<double>(ms) / 1'000;
}
inline double seconds_of_ns(std::int64_t ns) { return static_cast<double>(ns) / 1e9; }

/// One metric with the series that it has now.
class Metric {
 public:
  using Labels = std::vector<prometheus::ClientMetric::Label>;

  Metric(std::string name, std::string help, prometheus::MetricType type) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }

  template <class Number>
  void add(Labels labels, Number number) {
    prometheus::ClientMetric& series = family_.metric.emplace_back();
    series.label = std::move(labels);
    (family_.type == prometheus::MetricType::Counter ? series.counter.value : series.gauge.value) =
        static_cast<double>(number);
  }

  void add(Labels labels, const DurationHistogram& histogram) {
    prometheus::ClientMetric& series = family_.metric.emplace_back();
    series.label = std::move(labels);
    series.histogram.sample_count = histogram.count();
    series.histogram.sample_sum = seconds(histogram.sum_ms());
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < DurationHistogram::kBuckets; ++i) {
      cumulative += histogram.counts()[i];
      series.histogram.bucket.push_back(
          {cumulative, i < DurationHistogram::kBoundsMs.size()
                           ? seconds(DurationHistogram::kBoundsMs[i])
                           : std::numeric_limits<double>::infinity()});
    }
  }

  const prometheus::MetricFamily& family() const { return family_; }

 private:
  prometheus::MetricFamily family_;
};

using Metrics = std::vector<Metric>;

inline Metric counter(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Counter};
}
inline Metric gauge(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Gauge};
}
inline Metric histogram(std::string name, std::string help) {
  return {std::move(name), std::move(help), prometheus::MetricType::Histogram};
}

}  // namespace millrace
