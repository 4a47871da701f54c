#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "millrace/framework/deployment.h"
#include "millrace/framework/store_reader.h"
#include "millrace/framework/stream_thread.h"
#include "millrace/framework/topology.h"

namespace millrace {

/// A task of this instance that has a part of a store.
struct StoreTask {
  TaskId id;
  std::shared_ptr<const CommittedStore> committed;  ///< null: it is being restored
};

/// A store of a running application at one moment: which of its tasks are here. A copy.
struct StoreView {
  std::string name;
  std::shared_ptr<const StoreReader> reader;
  int sub_topology = 0;
  std::vector<StoreTask> here;    ///< by task
  std::vector<TaskId> elsewhere;  ///< those of other instances, and those that nobody has now
  std::int32_t tasks = 0;         ///< in all
  bool by_key = false;            ///< a key's partition is that of its murmur2

  /// The only task that can have the key; none: any can. kInvalid: the text is no key.
  Result<std::optional<TaskId>> owner(std::string_view key_text) const;
  /// The same for a record key.
  std::optional<TaskId> owner_of(std::string_view record_key) const;
};

/// The store that `name` names, with what `threads` of this instance have published of it.
/// kNotFound names the stores that can be read.
Result<StoreView> view_store(const Topology& topology, const std::string& application_id,
                             const Deployment& deployment,
                             std::span<const std::shared_ptr<const ThreadStatus>> threads,
                             std::string_view name);

}  // namespace millrace
