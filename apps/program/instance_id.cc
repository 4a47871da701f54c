#include "millrace/apps/program/instance_id.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "millrace/apps/program/state_directory.h"

namespace millrace {

Result<InstanceId> InstanceId::claim(const std::string& state_dir,
                                     const std::string& application_id) {
  const std::filesystem::path directory = application_directory(state_dir, application_id);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return Status::failed(
        fmt::format("cannot make the state directory {}: {}: choose another with --state-dir",
                    directory.string(), error.message()));
  std::random_device random;
  const std::string fresh = fmt::format("{:08x}{:08x}", random(), random());
  const std::filesystem::path file = directory / "instance-id";
  const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0)
    return Status::failed(fmt::format("cannot open {}: {}", file.string(), std::strerror(errno)));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {  // a live copy on this machine has the kept name
    ::close(lock);
    return InstanceId(fresh, -1);
  }
  char kept[64];
  const auto size = ::read(lock, kept, sizeof kept);
  if (size > 0) return InstanceId(std::string(kept, static_cast<std::size_t>(size)), lock);
  if (::write(lock, fresh.data(), fresh.size()) != static_cast<ssize_t>(fresh.size())) {
    const Status status =
        Status::failed(fmt::format("cannot write {}: {}", file.string(), std::strerror(errno)));
    ::close(lock);
    return status;
  }
  return InstanceId(fresh, lock);
}

InstanceId::InstanceId(InstanceId&& other) noexcept
    : name_(std::move(other.name_)), lock_(std::exchange(other.lock_, -1)) {}

InstanceId::~InstanceId() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace millrace
