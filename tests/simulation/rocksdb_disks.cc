#include "millrace/tests/simulation/rocksdb_disks.h"

#include <filesystem>

namespace millrace {

void RocksdbDisks::use(Simulator::Options& options) {
  constexpr std::size_t kMemoryBytes = std::size_t{16} << 20;
  options.open_state = [this, usable_for = options.state_usable_for](const std::string& id,
                                                                     const Clock& clock) {
    std::unique_ptr<RocksdbState>& process = processes_[id];
    process.reset();  // the former one, which has died, gives its directory free
    process = std::make_unique<RocksdbState>(
        RocksdbStateOptions{.directory = directory_.path() + "/" + id,
                            .memory_bytes = kMemoryBytes,
                            .delete_retention = 2 * usable_for,
                            .clock = clock,
                            .log = null_log()});
    return process->factory();
  };
  options.lose_state = [this](const std::string& id) {
    processes_.erase(id);
    std::filesystem::remove_all(directory_.path() + "/" + id);
  };
}

}  // namespace millrace
