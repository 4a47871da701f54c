// expect: ordered_merge: the key must be an integer, an enum or a std::string_view
#include "millrace/framework/topology_builder.h"
#include "millrace/operators/codec/text.h"
#include "millrace/operators/ordered_merge.h"
#include "millrace/operators/to.h"

#ifdef MISUSE
double half(std::int64_t value) { return static_cast<double>(value) / 2; }
#else
std::int64_t half(std::int64_t value) { return value / 2; }
#endif

millrace::Result<millrace::Topology> made() {
  millrace::TopologyBuilder topology{"t"};
  topology.source("in", millrace::decimal_integer()) |
      millrace::ordered_merge(millrace::by("half", half)) |
      millrace::to("out", millrace::decimal_integer());
  return topology.build();
}
