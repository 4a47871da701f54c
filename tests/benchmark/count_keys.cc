/// Counts the records of each key: the smallest program with state, for run_benchmarks.
#include "millrace/apps/program/run_program.h"
#include "millrace/framework/topology_builder.h"
#include "millrace/operators/aggregate.h"
#include "millrace/operators/codec/text.h"
#include "millrace/operators/map.h"
#include "millrace/operators/to.h"

namespace millrace {
namespace {

class CountKeys final : public StreamProgram {
 public:
  void declare(Options& options) override {
    options.add("input", input_, "topic whose keys are counted").value_name("TOPIC");
    options.add("output", output_, "topic of each key's count, as decimal text")
        .value_name("TOPIC");
  }
  Files files(const StreamOptions&) const override { return {}; }
  Result<Topology> topology(const StreamOptions&) const override {
    TopologyBuilder topology{"count-keys"};
    topology.source(input_, bytes()) | count("counts", on_commit()) |
        map([](const Keyed<std::string, std::int64_t>& counted) { return counted.value; }) |
        to(output_, decimal_integer());
    return topology.build();
  }
  void configure(ApplicationConfig&) const override {}

 private:
  std::string input_ = "keys";
  std::string output_ = "counts";
};

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  millrace::CountKeys program;
  return millrace::run_program(
      argc, argv, {"count_keys", millrace::kVersion, "Counts the records of each key.", {}},
      program);
}
