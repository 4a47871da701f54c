#pragma once

#include <memory>
#include <string>

#include "millrace/framework/status.h"
#include "millrace/state/rocksdb/state_format.h"

namespace millrace {

/// Holds the directory of one application's state for this process: a lock that ends with the
/// process, and a stamp that says whose state it is.
class StateDirectory {
 public:
  /// Makes the directory if it is not there. kFailed: another process, or another claim of this
  /// one, holds it; it holds the state of another topology; it cannot be written. The text names
  /// the directory and the remedy; nothing in it was changed.
  static Result<std::unique_ptr<StateDirectory>> claim(const std::string& path,
                                                       const StateStamp& stamp);
  ~StateDirectory();
  StateDirectory(const StateDirectory&) = delete;
  StateDirectory& operator=(const StateDirectory&) = delete;

  const std::string& path() const { return path_; }
  const StateStamp& stamp() const { return stamp_; }

 private:
  StateDirectory(std::string path, StateStamp stamp, int lock)
      : path_(std::move(path)), stamp_(std::move(stamp)), lock_(lock) {}
  Status check_stamp() const;
  Status write_stamp() const;

  const std::string path_;
  const StateStamp stamp_;
  const int lock_;  // a descriptor
};

}  // namespace millrace
