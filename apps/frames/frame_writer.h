#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "millrace/apps/frames/frame_generator.h"

namespace millrace {

/// Writes the frames of a FrameGenerator in another format: the same time and user, the same way of
/// being broken as far as the format has it, other fillers. The bytes depend on the options and the
/// frames alone. Not thread-safe.
class FrameWriter {
 public:
  virtual ~FrameWriter() = default;
  /// Appends `frame`; `uid` is its user's.
  virtual void append(const Frame& frame, std::string_view uid, std::string& out) = 0;
};

/// CSV lines with the columns of kCsvFrameHeader. A user that is no text, and an array, CSV cannot
/// write: these are broken by what follows a closing quote, and by an object of JSON.
/// REQUIRES: options.validate() is OK.
std::unique_ptr<FrameWriter> csv_frame_writer(const FrameOptions& options);
inline constexpr std::string_view kCsvFrameHeader = "page,ts,referrer,uid,agent";

/// MessagePack maps, one behind the other. Broken ones are whole values too, or nobody could find
/// the next: what is cut short is binary that holds the beginning of a frame, an empty one is nil.
/// REQUIRES: options.validate() is OK.
std::unique_ptr<FrameWriter> msgpack_frame_writer(const FrameOptions& options);

}  // namespace millrace
