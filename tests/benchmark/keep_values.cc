/// Keeps the first value of each key and gives it out whenever the key comes: what is restored can
/// be seen in what comes out. For run_benchmarks.
#include <string>
#include <string_view>

#include "millrace/apps/program/run_program.h"
#include "millrace/framework/topology_builder.h"
#include "millrace/operators/aggregate.h"
#include "millrace/operators/codec/text.h"
#include "millrace/operators/map.h"
#include "millrace/operators/to.h"

namespace millrace {
namespace {

class KeepValues final : public StreamProgram {
 public:
  void declare(Options& options) override {
    options.add("input", input_, "topic of keys and values").value_name("TOPIC");
    options.add("output", output_, "topic of the first value of each key that came")
        .value_name("TOPIC");
  }
  Files files(const StreamOptions&) const override { return {}; }
  Result<Topology> topology(const StreamOptions&) const override {
    TopologyBuilder topology{"keep-values"};
    topology.source(input_, bytes()) |
        map([](std::string_view value) { return std::string(value); }) |
        reduce(
            "values", [](const std::string& first, const std::string&) { return first; },
            on_commit()) |
        map([](const Keyed<std::string, std::string>& kept) { return kept.value; }) |
        to(output_, bytes());
    return topology.build();
  }
  void configure(ApplicationConfig&) const override {}

 private:
  std::string input_ = "keys";
  std::string output_ = "values";
};

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  millrace::KeepValues program;
  return millrace::run_program(
      argc, argv, {"keep_values", millrace::kVersion, "Keeps the first value of each key.", {}},
      program);
}
