#pragma once

/// The whole DSL: topology builder, operators and codecs, without any third-party header.
///
/// To run a topology, see framework/application.h, or apps/program/run_program.h for a whole
/// program.

#include "millrace/framework/status.h"
#include "millrace/framework/topology.h"
#include "millrace/framework/topology_builder.h"
#include "millrace/operators/aggregate.h"
#include "millrace/operators/branch.h"
#include "millrace/operators/codec/csv.h"
#include "millrace/operators/codec/json.h"
#include "millrace/operators/codec/msgpack.h"
#include "millrace/operators/codec/text.h"
#include "millrace/operators/distinct_count.h"
#include "millrace/operators/event_time.h"
#include "millrace/operators/filter.h"
#include "millrace/operators/flat_map.h"
#include "millrace/operators/key_by.h"
#include "millrace/operators/keyed.h"
#include "millrace/operators/map.h"
#include "millrace/operators/merge.h"
#include "millrace/operators/ordered_merge.h"
#include "millrace/operators/peek.h"
#include "millrace/operators/process.h"
#include "millrace/operators/split.h"
#include "millrace/operators/through.h"
#include "millrace/operators/to.h"
#include "millrace/operators/window_definition.h"
#include "millrace/operators/window_stats.h"
#include "millrace/operators/windows.h"
