// SPDX-License-Identifier: Apache-2.0
// A drawing of a trace for the HTML report: rows of threads and of GPU streams over time. To add a kind of span: its row of kKinds in timeline.cc.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace aoti_cts {

enum class SpanKind { kStep, kOperator, kLaunch, kKernel, kCopy };

struct TimelineSpan {
  SpanKind kind = SpanKind::kOperator;
  double begin = 0;  // in microseconds
  double duration = 0;
};

struct TimelineRow {
  std::string name;  // a thread, or a stream of a GPU
  std::vector<TimelineSpan> spans;
};

struct Timeline {
  std::string test;  // id
  std::string file;  // where the trace lies, relative to the report
  std::vector<TimelineRow> rows;
};

// At most this many rectangles are drawn, the calls of the package and then the longest first; the others are counted in words.
inline constexpr size_t kMostSpansDrawn = 240;

// One inline SVG with its caption; empty where there is nothing to draw.
std::string TimelineSvg(const Timeline& timeline);

}  // namespace aoti_cts
