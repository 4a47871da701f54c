#include "millrace/state/rocksdb/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

namespace millrace {
namespace {

namespace fs = std::filesystem;

Status unusable(std::string_view path, std::string_view why) {
  return Status::failed(fmt::format(
      "state directory '{}' cannot be written: {}: make room or give permission, or choose another "
      "with --state-dir",
      path, why));
}

std::string holder(int lock) {
  char pid[24];
  const ssize_t size = ::pread(lock, pid, sizeof pid, 0);
  const bool known =
      size > 0 && std::all_of(pid, pid + size, [](char c) { return c >= '0' && c <= '9'; });
  return known ? fmt::format("process {}", std::string_view(pid, static_cast<std::size_t>(size)))
               : "another process";
}

bool write_all(int file, std::string_view bytes) {
  return ::pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

Result<std::unique_ptr<StateDirectory>> StateDirectory::claim(const std::string& path,
                                                              const StateStamp& stamp) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return unusable(path, error.message());
  const int lock = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return unusable(path, std::strerror(errno));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    const Status status =
        why != EWOULDBLOCK
            ? unusable(path, fmt::format("its lock file cannot be locked: {}", std::strerror(why)))
            : Status::failed(fmt::format(
                  "state directory '{}' is in use by {}: stop that one, or give this copy a "
                  "directory of its own with --state-dir",
                  path, holder(lock)));
    ::close(lock);
    return status;
  }
  std::unique_ptr<StateDirectory> claimed(new StateDirectory(path, stamp, lock));
  const std::string pid = fmt::format("{}", ::getpid());
  if (::ftruncate(lock, 0) != 0 || !write_all(lock, pid))
    return unusable(path, std::strerror(errno));
  MILLRACE_RETURN_IF_ERROR(claimed->check_stamp());
  return claimed;
}

StateDirectory::~StateDirectory() { ::close(lock_); }

Status StateDirectory::check_stamp() const {
  std::ifstream file(path_ + "/stamp", std::ios::binary);
  if (!file.is_open()) {
    std::error_code error;
    for (fs::directory_iterator at(path_, error), end; at != end; at.increment(error))
      if (at->is_directory(error))
        return Status::failed(fmt::format(
            "state directory '{}' holds state ('{}') but no stamp that says whose: remove it, and "
            "state is restored from the changelogs, or choose another with --state-dir",
            path_, at->path().filename().string()));
    if (error) return unusable(path_, error.message());
    return write_stamp();
  }
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const auto found = decode_state_stamp(bytes);
  if (!found.ok())
    return Status::failed(
        fmt::format("state directory '{}' cannot be used: {}", path_, found.status().message()));
  if (found->application_id != stamp_.application_id)
    return Status::failed(fmt::format(
        "state directory '{}' holds the state of application '{}', this one is '{}': choose "
        "another with --state-dir",
        path_, found->application_id, stamp_.application_id));
  if (found->topology_fingerprint != stamp_.topology_fingerprint)
    return Status::failed(fmt::format(
        "state directory '{0}' holds the state of another topology ({1}, this one is {2}): its "
        "windows, counting, topics or operators differ; go back to the former options, start over "
        "(millrace reset --application-id {3}), or choose another --state-dir and --application-id",
        path_, found->topology_fingerprint, stamp_.topology_fingerprint, stamp_.application_id));
  return {};
}

/// Whole or not at all, also after a power loss: it is what protects all the rest.
Status StateDirectory::write_stamp() const {
  const std::string fresh = path_ + "/stamp.new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return unusable(path_, std::strerror(errno));
  const bool written = write_all(file, encode_state_stamp(stamp_)) && ::fsync(file) == 0;
  const int why = errno;
  ::close(file);
  if (!written) return unusable(path_, std::strerror(why));
  if (::rename(fresh.c_str(), (path_ + "/stamp").c_str()) != 0)
    return unusable(path_, std::strerror(errno));
  return {};
}

}  // namespace millrace
