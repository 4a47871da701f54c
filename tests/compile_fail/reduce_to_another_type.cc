// expect: reduce(store, f): f must take two of the stream's values and return one like them
#include <string>

#include "millrace/operators/aggregate.h"
#include "millrace/operators/map.h"
#include "millrace/tests/compile_fail/frames_stream.h"

void build(millrace::TopologyBuilder& topology) {
#ifdef MISUSE
  const auto longer = [](const std::string& a, const std::string& b) {
    return a.size() > b.size() ? a.c_str() : nullptr;
  };
  const auto text = [](std::string_view view) { return view.size(); };
#else
  const auto longer = [](const std::string& a, const std::string& b) {
    return a.size() > b.size() ? a : b;
  };
  const auto text = [](std::string_view view) { return std::string(view); };
#endif
  [[maybe_unused]] auto longest =
      millrace::frames(topology) | millrace::map(text) | millrace::reduce("longest", longer);
}
