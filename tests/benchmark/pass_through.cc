/// Copies a topic to another: the smallest program there is, for run_benchmarks.
#include "millrace/apps/program/run_program.h"
#include "millrace/framework/topology_builder.h"
#include "millrace/operators/codec/text.h"
#include "millrace/operators/to.h"

namespace millrace {
namespace {

class PassThrough final : public StreamProgram {
 public:
  void declare(Options& options) override {
    options.add("input", input_, "topic that is copied").value_name("TOPIC");
    options.add("output", output_, "topic of the same records").value_name("TOPIC");
  }
  Files files(const StreamOptions&) const override { return {}; }
  Result<Topology> topology(const StreamOptions&) const override {
    TopologyBuilder topology{"pass-through"};
    topology.source(input_, bytes()) | to(output_, bytes());
    return topology.build();
  }
  void configure(ApplicationConfig&) const override {}

 private:
  std::string input_ = "in";
  std::string output_ = "out";
};

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  millrace::PassThrough program;
  return millrace::run_program(
      argc, argv, {"pass_through", millrace::kVersion, "Copies a topic to another.", {}}, program);
}
