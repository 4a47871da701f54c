#include "millrace/apps/program/http/node_metrics.h"

namespace millrace {
namespace {

Metric since_here(std::string name, const std::string& help) {
  return counter(std::move(name),
                 help + " Since the task runs here; what was aborted and done again counts twice.");
}

}  // namespace

Metrics node_metrics(const Observation& observation) {
  Metric records = since_here("millrace_operator_records_total",
                              "Records that came to an operator; 'passed on': left the node.");
  Metric batches = since_here("millrace_node_batches_total",
                              "Batches that a node took from its topic or inner edges.");
  Metric time = since_here("millrace_node_seconds_total",
                           "Time that a node took, without nodes that it hands batches to.");
  Metric read = since_here("millrace_node_read_bytes_total",
                           "Keys and values that a node read from its topic, in bytes.");
  Metric sent =
      since_here("millrace_node_sent_bytes_total",
                 "Keys and values that a node sent to topics, dead letters included, in bytes.");
  Metric decoding = since_here("millrace_sampled_decoding_seconds_total",
                               "Time that decoding took, of one batch in 256.");
  Metric sampled =
      since_here("millrace_sampled_seconds_total",
                 "Time in which the same batches were decoded and went through their tasks.");
  for (const auto& thread : observation.status.threads)
    for (const TaskStatus& task : thread->tasks)
      for (const NodeStatus& node : task.nodes) {
        const NodeSpec& spec = observation.topology.nodes()[static_cast<std::size_t>(node.node)];
        const Metric::Labels labels{{"task", task.id.text()}, {"node", spec.name}};
        for (std::size_t i = 0; i < node.records.size(); ++i) {
          Metric::Labels of_operator = labels;
          of_operator.push_back({"position", std::to_string(i)});
          of_operator.push_back(
              {"operator", i < spec.operators.size() ? spec.operators[i] : "passed on"});
          records.add(of_operator, node.records[i]);
        }
        batches.add(labels, node.work.batches);
        time.add(labels, seconds_of_ns(node.work.busy_ns));
        if (spec.source) read.add(labels, node.work.read_bytes);
        if (!spec.sinks.empty() || node.work.sent_bytes > 0) sent.add(labels, node.work.sent_bytes);
        if (node.work.sampled_ns == 0) continue;
        decoding.add(labels, seconds_of_ns(node.work.sampled_decoding_ns));
        sampled.add(labels, seconds_of_ns(node.work.sampled_ns));
      }
  return {records, batches, time, read, sent, decoding, sampled};
}

}  // namespace millrace
