// expect: ordered_merge: all streams must carry the same type; put map(f) before it
#include "millrace/framework/topology_builder.h"
#include "millrace/operators/codec/text.h"
#include "millrace/operators/ordered_merge.h"
#include "millrace/operators/to.h"

#ifdef MISUSE
auto other() { return millrace::decimal_integer(); }
#else
auto other() { return millrace::bytes(); }
#endif

millrace::Result<millrace::Topology> made() {
  millrace::TopologyBuilder topology{"t"};
  millrace::ordered_merge(millrace::by_key(), millrace::OrderedMergeOptions{},
                          topology.source("a", millrace::bytes()), topology.source("b", other())) |
      millrace::to("out", millrace::bytes());
  return topology.build();
}
