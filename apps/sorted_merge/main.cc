#include <fmt/format.h>

#include "millrace/apps/program/run_program.h"
#include "millrace/apps/sorted_merge/topology.h"
#include "millrace/framework/application_config.h"

namespace millrace {
namespace {

using std::chrono_literals::operator""ms;

class SortedMerge final : public StreamProgram {
 public:
  void declare(Options& options) override {
    options.heading("Input and output");
    options.add("input", inputs_, "topic whose partitions are sorted; repeat it for several topics")
        .value_name("TOPIC")
        .default_text("data-input");
    options
        .add("output", options_.output,
             "topic of the sorted records; with --from, a file, - is standard output")
        .value_name("TOPIC");

    options.heading("Order");
    options
        .add("by", options_.by,
             "what it is sorted by: value (decimal integers), key, event-time (record timestamps), "
             "json:/FIELD (whole numbers), json-text:/FIELD")
        .value_name("WHAT");
    options.add("descending", options_.descending, "the greatest first");
    options
        .add("on-disorder", on_disorder_,
             "a record smaller than the one before it in its partition: fail, dead-letter or pass")
        .one_of({"fail", "dead-letter", "pass"});
    options
        .add("idle-after", idle_after_,
             "go on without a partition that had nothing new for so long, which can break the "
             "order; off: wait for it")
        .default_text("off");

    options.heading("Scaling");
    options.add("readers", options_.readers,
                "read each partition by a task of its own, shared among all instances, and merge "
                "their sorted runs");
  }

  Files files(const StreamOptions& stream) const override {
    return {.inputs = {{inputs().front(), stream.from}},
            .outputs = {{SortedMergeOptions{}.output, options_.output}}};
  }

  Result<Topology> topology(const StreamOptions& stream) const override {
    SortedMergeOptions options = options_;
    options.inputs = inputs();
    if (!stream.from.empty()) options.output = SortedMergeOptions{}.output;
    if (on_disorder_ == "pass") options.on_disorder = OnDisorder::kPass;
    if (on_disorder_ == "dead-letter") {
      if (stream.dead_letter.empty())
        return Status::invalid("--on-disorder dead-letter needs --dead-letter TOPIC");
      options.on_disorder = OnDisorder::kDeadLetter;
    }
    return sorted_merge(options);
  }

  void configure(ApplicationConfig& config) const override {
    config.idle_after = idle_after_.value_or(-1ms);
  }

  /// Records with keys would be spread over several partitions by their keys.
  Status check(Admin& admin) const override {
    const auto topic = admin.describe_topic(options_.output);
    if (topic.status().code() == StatusCode::kNotFound) return {};
    MILLRACE_RETURN_IF_ERROR(topic.status());
    if (topic->partitions == 1) return {};
    return Status::invalid(fmt::format(
        "output topic '{}' has {} partitions, and one sorted sequence needs one: choose another "
        "topic, which is created if there is none",
        options_.output, topic->partitions));
  }

 private:
  std::vector<std::string> inputs() const {
    return inputs_.empty() ? SortedMergeOptions{}.inputs : inputs_;
  }

  SortedMergeOptions options_;
  std::vector<std::string> inputs_;
  std::string on_disorder_ = "fail";
  std::optional<std::chrono::milliseconds> idle_after_;
};

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  millrace::SortedMerge program;
  return millrace::run_program(
      argc, argv,
      {"sorted_merge",
       millrace::kVersion,
       "Merges sorted partitions into one that is sorted, in bounded memory.",
       {{"sorted_merge --broker localhost:9092 --input data-input --output data-output --until-end",
         "merges what is there now"},
        {"sorted_merge --broker localhost:9092 --input orders --output by-time --by json:/ts "
         "--readers",
         "merges as it comes, with the reading shared among instances"}}},
      program);
}
