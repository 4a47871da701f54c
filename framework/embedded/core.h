#pragma once

#include <memory>

#include "millrace/framework/embedded/embedded_broker.h"
#include "millrace/framework/embedded/group_coordinator.h"
#include "millrace/framework/embedded/news.h"
#include "millrace/framework/embedded/storage.h"
#include "millrace/framework/embedded/topic_registry.h"
#include "millrace/framework/embedded/transaction_coordinator.h"

namespace millrace::embedded {

/// The broker proper: what consumers, producers and the admin share. Its parts guard themselves.
struct Core {
  Core(const EmbeddedOptions& broker_options, std::unique_ptr<Storage> directory)
      : options(broker_options),
        storage(std::move(directory)),
        topics({options.compaction_floor_bytes, options.tail_bytes}, options.clock, storage.get()),
        groups(topics, options.clock, storage.get()),
        transactions(groups, news, options.clock, storage.get()) {}

  const EmbeddedOptions options;
  const std::unique_ptr<Storage> storage;  ///< null in memory mode
  News news;
  TopicRegistry topics;
  GroupCoordinator groups;
  TransactionCoordinator transactions;
};

}  // namespace millrace::embedded
