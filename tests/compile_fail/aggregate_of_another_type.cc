// expect: aggregate(store, initial, add): add must be callable with the aggregate
#include <string>

#include "millrace/operators/aggregate.h"
#include "millrace/operators/key_by.h"
#include "millrace/operators/map.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  const auto add = [](int& sum, int number) { sum += number; };
#else
  const auto add = [](int& sum, const std::string& text) { sum += static_cast<int>(text.size()); };
#endif
  [[maybe_unused]] auto sums =
      millrace::frames(topology) |
      millrace::map([](std::string_view text) { return std::string(text); }) |
      millrace::key_by([](const std::string& text) { return text; }) |
      millrace::aggregate("sums", 0, add);
}
