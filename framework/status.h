#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "millrace/framework/check.h"

namespace millrace {

/// Says what the caller can do about a failure. Every broker error is mapped to exactly one of
/// these.
enum class StatusCode {
  kOk,
  kInvalid,   ///< wrong usage or configuration; exit code 2
  kNotFound,  ///< the named thing does not exist
  kExists,    ///< the named thing exists already
  kFailed,    ///< stop; exit code 1
  kRetry,     ///< nothing happened yet: make the same call again, later
  kAbort,     ///< abort the transaction, rewind, go on with the same producer
  kFenced,    ///< the producer is dead: abort and rewind, build a new one
  kUnknown,  ///< a commit whose outcome is not known: settle it by a new producer and the committed
             ///< offsets
  kElsewhere,  ///< another instance has it; the text says which, if that is known
};

/// Outcome of a control-plane call: nothing, or a code and a message. Costs one null pointer when
/// OK.
///
/// A message names the thing, then the value, then the remedy: "topic 'frames' has 3 partitions,
/// 'users' has 4: ...". Thread-compatible; copies share the immutable message.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message)
      : error_(std::make_shared<const Error>(Error{code, std::move(message)})) {
    MILLRACE_CHECK(code != StatusCode::kOk, "an error needs an error code");
  }

  bool ok() const { return error_ == nullptr; }
  StatusCode code() const { return error_ ? error_->code : StatusCode::kOk; }
  /// Text for people; empty when OK. Lives as long as any copy of this status.
  const std::string& message() const {
    static const std::string none;
    return error_ ? error_->message : none;
  }

  static Status invalid(std::string message) { return {StatusCode::kInvalid, std::move(message)}; }
  static Status not_found(std::string message) {
    return {StatusCode::kNotFound, std::move(message)};
  }
  static Status exists(std::string message) { return {StatusCode::kExists, std::move(message)}; }
  static Status failed(std::string message) { return {StatusCode::kFailed, std::move(message)}; }
  static Status retry(std::string message) { return {StatusCode::kRetry, std::move(message)}; }
  static Status abort(std::string message) { return {StatusCode::kAbort, std::move(message)}; }
  static Status fenced(std::string message) { return {StatusCode::kFenced, std::move(message)}; }
  static Status unknown(std::string message) { return {StatusCode::kUnknown, std::move(message)}; }
  static Status elsewhere(std::string message) {
    return {StatusCode::kElsewhere, std::move(message)};
  }

 private:
  struct Error {
    StatusCode code;
    std::string message;
  };
  std::shared_ptr<const Error> error_;
};

/// A value or the Status that says why there is none. Reading the value of a failed result is a
/// programmer's error.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {
    MILLRACE_CHECK(!std::get<1>(state_).ok(), "a result without a value needs an error");
  }

  bool ok() const { return state_.index() == 0; }
  Status status() const { return ok() ? Status{} : std::get<1>(state_); }

  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

 private:
  T& checked() {
    MILLRACE_CHECK(ok(), "reading the value of a failed result");
    return std::get<0>(state_);
  }
  std::variant<T, Status> state_;
};

/// For code that takes either.
inline const Status& status_of(const Status& status) { return status; }
template <class T>
Status status_of(const Result<T>& result) {
  return result.status();
}

}  // namespace millrace

/// Returns the status of `expression` from the enclosing function unless it is OK.
#define MILLRACE_RETURN_IF_ERROR(expression)                                      \
  do {                                                                            \
    if (::millrace::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)
