#include "millrace/apps/program/http/store_endpoint.h"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <vector>

#include "millrace/operators/codec/json_writer.h"
#include "millrace/operators/key_text.h"
#include "millrace/operators/stored_windows.h"

namespace millrace {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kJson = "application/json";
constexpr std::string_view kPath = "/state/";
constexpr std::size_t kMostEntries = 1'000;

/// Everything that one question found.
struct Found {
  StoreAnswer answer;
  std::vector<TaskId> elsewhere;
  std::vector<TaskId> restoring;  ///< or on their way
  std::size_t bytes = 0;          ///< of the entries
  Status failure;
};

HttpResponse said(int status, std::string text) { return {status, kText, std::move(text) + "\n"}; }

int status_of(StatusCode code) {
  switch (code) {
    case StatusCode::kInvalid:
      return 400;
    case StatusCode::kNotFound:
      return 404;
    case StatusCode::kRetry:
      return 503;
    default:
      return 500;
  }
}

HttpResponse said(const Status& status) { return said(status_of(status.code()), status.message()); }

/// kInvalid: a number is none.
Status read_options(const HttpRequest& request, StoreQuestion& question) {
  if (const auto text = request.query.find("limit"); text != request.query.end()) {
    const auto limit = key_from_text<std::uint32_t>(text->second);
    if (!limit || *limit < 1 || *limit > kMostEntries)
      return Status::invalid(fmt::format("limit is a number from 1 to {}", kMostEntries));
    question.limit = *limit;
  }
  if (const auto text = request.query.find("window"); text != request.query.end()) {
    question.window_start_ms = key_from_text<std::int64_t>(text->second);
    if (!question.window_start_ms)
      return Status::invalid("window is the start of a window in Unix milliseconds");
  }
  return {};
}

void look(const StoreView& view, const StoreTask& task, const StoreQuestion& question,
          Found& found) {
  StoreAnswer answer;
  Status asked;
  Status read = Status::retry("the task is being restored");
  if (task.committed)
    read = task.committed->read([&](StoreSnapshot& snapshot) {
      asked = view.reader->answer(question, task.id.partition, snapshot, answer);
    });
  if (read.code() == StatusCode::kRetry) return found.restoring.push_back(task.id);
  const Status& failure = read.ok() ? asked : read;
  if (!failure.ok()) {
    found.failure = failure;
    return;
  }
  found.answer.more = found.answer.more || answer.more;
  for (StoreEntry& entry : answer.entries) {
    found.bytes += entry.json.size();
    found.answer.entries.push_back(std::move(entry));
  }
}

/// kInvalid: the key is none.
Result<Found> look(const StoreView& view, const StoreQuestion& question) {
  Found found;
  std::optional<TaskId> owner;
  if (question.key) {
    const auto only = view.owner(*question.key);
    if (!only.ok()) return only.status();
    owner = *only;
  }
  for (const TaskId& task : view.elsewhere)
    if (!owner || task == *owner) found.elsewhere.push_back(task);
  for (const StoreTask& task : view.here) {
    if (owner && task.id != *owner) continue;
    if (found.bytes < AnswerLimit::kBytes)
      look(view, task, question, found);
    else
      found.answer.more = true;
  }
  if (!found.failure.ok()) return found.failure;
  finish_answer(question.limit, found.answer);
  return found;
}

void write_owners(JsonWriter& json, const std::vector<TaskId>& tasks,
                  const std::map<TaskId, TaskOwner>& owners) {
  const auto write = [&](std::string_view key, const std::string& text) {
    json.key(key);
    text.empty() ? json.null() : json.string(text);
  };
  json.begin_array();
  for (const TaskId& task : tasks) {
    const auto owner = owners.find(task);
    json.element().begin_object().key("task").string(task.text());
    write("instance", owner == owners.end() ? "" : owner->second.instance);
    write("address", owner == owners.end() ? "" : owner->second.address);
    json.end_object();
  }
  json.end_array();
}

std::string found_json(const StoreView& view, const Found& found, const std::string& error,
                       const std::map<TaskId, TaskOwner>& owners) {
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  if (!error.empty()) json.key("error").string(error);
  json.key("store").string(view.name).key("kind").string(view.reader->kind());
  json.key("entries").begin_array();
  for (const StoreEntry& entry : found.answer.entries) {
    json.element();
    text += entry.json;
  }
  json.end_array().key("more").boolean(found.answer.more).key("elsewhere");
  write_owners(json, found.elsewhere, owners);
  json.key("restoring").begin_array();
  for (const TaskId& task : found.restoring) json.element().string(task.text());
  json.end_array().end_object();
  return text;
}

}  // namespace

HttpResponse answer_store(const Application& application, const HttpRequest& request) {
  const std::string_view rest = std::string_view(request.path).substr(kPath.size());
  const std::size_t slash = rest.find('/');
  StoreQuestion question;
  if (slash != std::string_view::npos) question.key = rest.substr(slash + 1);
  const auto view = application.store(rest.substr(0, slash));
  if (!view.ok()) return said(view.status());
  if (const Status status = read_options(request, question); !status.ok()) return said(status);
  const auto found = look(*view, question);
  if (!found.ok()) return said(found.status());

  const bool none = found->answer.entries.empty();
  if (none && !found->restoring.empty() &&
      (question.key || view->here.size() <= found->restoring.size()))
    return said(503, fmt::format("store '{}' is being restored here (task {}): ask again",
                                 view->name, found->restoring.front().text()));
  if (none && question.key && found->elsewhere.empty())
    return said(404, fmt::format("store '{}' has no entry for this key", view->name));
  const bool misdirected = none && question.key;
  std::map<TaskId, TaskOwner> owners;
  if (!found->elsewhere.empty()) owners = application.owners();
  return {misdirected ? 421 : 200, kJson,
          found_json(*view, *found, misdirected ? "another instance has this key, if any" : "",
                     owners)};
}

}  // namespace millrace
