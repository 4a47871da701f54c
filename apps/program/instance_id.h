#pragma once

#include <string>

#include "millrace/framework/status.h"

namespace millrace {

/// The name that tells this copy of an application from the others: made once, kept in the
/// application's directory, so that a restart fences its former self. A live process holds the
/// directory: a second one gets a name of its own instead, which is not kept.
class InstanceId {
 public:
  static Result<InstanceId> claim(const std::string& state_dir, const std::string& application_id);
  InstanceId(InstanceId&& other) noexcept;
  InstanceId& operator=(InstanceId&&) = delete;
  ~InstanceId();

  const std::string& name() const { return name_; }

 private:
  InstanceId(std::string name, int lock) : name_(std::move(name)), lock_(lock) {}
  std::string name_;
  int lock_;  ///< descriptor that holds the directory; -1: none
};

}  // namespace millrace
