// SPDX-License-Identifier: Apache-2.0
#include "reports/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "reports/text.h"

namespace aoti_cts {
namespace {

struct Kind {
  SpanKind kind;
  std::string_view style;  // class in html_style.h
  std::string_view name;   // of one, in words
  double height;           // in a row of kRowHeight: kinds that contain others are higher
};

constexpr double kRowHeight = 28;
constexpr std::array kKinds{Kind{SpanKind::kStep, "ts", "call of the package", 24}, Kind{SpanKind::kOperator, "to", "operator", 16},
                            Kind{SpanKind::kLaunch, "tl", "launch", 8}, Kind{SpanKind::kKernel, "tk", "kernel", 16},
                            Kind{SpanKind::kCopy, "tc", "copy", 16}};

constexpr double kLeft = 130, kWidth = 1000, kRight = 990, kTop = 4, kAxisHeight = 24;
constexpr double kThinnest = 0.8;  // of a rectangle: what took no time is still seen

struct Window {
  double begin = std::numeric_limits<double>::infinity();
  double end = -std::numeric_limits<double>::infinity();
  double At(double time) const { return kLeft + (time - begin) / std::max(end - begin, 1e-3) * (kRight - kLeft); }
};

Window WindowOf(const Timeline& timeline) {
  Window window;
  for (const TimelineRow& row : timeline.rows) {
    for (const TimelineSpan& span : row.spans) {
      window.begin = std::min(window.begin, span.begin);
      window.end = std::max(window.end, span.begin + span.duration);
    }
  }
  return window;
}

// The shortest span that is still drawn, steps aside, so that no more than kMostSpansDrawn are.
std::set<const TimelineSpan*> DrawnOf(const Timeline& timeline) {
  std::vector<const TimelineSpan*> spans;
  for (const TimelineRow& row : timeline.rows) {
    for (const TimelineSpan& span : row.spans) spans.push_back(&span);
  }
  std::stable_sort(spans.begin(), spans.end(), [](const TimelineSpan* a, const TimelineSpan* b) {
    const auto key = [](const TimelineSpan* s) { return std::pair{s->kind != SpanKind::kStep, -s->duration}; };
    return key(a) < key(b);
  });
  spans.resize(std::min(spans.size(), kMostSpansDrawn));
  return {spans.begin(), spans.end()};
}

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : CleanText(Shorten(text, 200))) {
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '"')
      escaped += "&quot;";
    else
      escaped += c;
  }
  return escaped;
}

// "5 calls of the package, 20 kernels": `shown` of them where it is not null.
std::string CountsInWords(const Timeline& timeline, const std::set<const TimelineSpan*>* without) {
  std::string words;
  for (const Kind& kind : kKinds) {
    size_t count = 0;
    for (const TimelineRow& row : timeline.rows) {
      for (const TimelineSpan& span : row.spans) count += span.kind == kind.kind && (without == nullptr || !without->contains(&span)) ? 1 : 0;
    }
    if (count == 0) continue;
    const std::string several = kind.kind == SpanKind::kStep     ? "calls of the package"
                                : kind.kind == SpanKind::kLaunch ? "launches"
                                : kind.kind == SpanKind::kCopy   ? "copies"
                                                                 : std::string(kind.name) + "s";
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", count, count == 1 ? std::string(kind.name) : several);
  }
  return words;
}

// All spans of a kind in a row as one path.
std::string PathOf(const TimelineRow& row, const Kind& kind, double top, const Window& window, const std::set<const TimelineSpan*>& drawn) {
  std::string path;
  for (const TimelineSpan& span : row.spans) {
    if (span.kind != kind.kind || !drawn.contains(&span)) continue;
    const double width = std::max(window.At(span.begin + span.duration) - window.At(span.begin), kThinnest);
    if (kind.kind == SpanKind::kCopy) {  // a thick line of dashes, told from the others without colour
      path += fmt::format("M{:.1f} {:.0f}h{:.1f}", window.At(span.begin), top + kRowHeight / 2, width);
      continue;
    }
    path +=
        fmt::format("M{:.1f} {:.0f}h{:.1f}v{:.0f}h-{:.1f}z", window.At(span.begin), top + (kRowHeight - kind.height) / 2, width, kind.height, width);
  }
  return path.empty() ? "" : fmt::format("<path class=\"{}\" d=\"{}\"/>", kind.style, path);
}

// 1, 2 or 5 times a power of ten, so that there are 4 to 10 ticks.
double TickOf(double length) {
  const double power = std::pow(10, std::floor(std::log10(std::max(length, 1e-2) / 4)));
  for (const double factor : {5.0, 2.0}) {
    if (length / (factor * power) >= 4) return factor * power;
  }
  return power;
}

std::string AxisOf(const Window& window, double top) {
  const double length = window.end - window.begin;
  const bool milliseconds = length >= 5000;
  std::string axis;
  for (double time = 0; time <= length; time += TickOf(length)) {
    const double x = window.At(window.begin + time);
    axis += fmt::format("<line class=\"g\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"0\" y2=\"{1:.0f}\"/><text x=\"{0:.1f}\" y=\"{2:.0f}\">{3:g}</text>", x,
                        top, top + 15, milliseconds ? time / 1000 : time);
  }
  return axis + fmt::format("<text x=\"0\" y=\"{:.0f}\">time, {}</text>", top + 15, milliseconds ? "ms" : "µs");
}

}  // namespace

std::string TimelineSvg(const Timeline& timeline) {
  const Window window = WindowOf(timeline);
  if (window.begin > window.end) return "";
  const auto drawn = DrawnOf(timeline);
  const double bottom = kTop + kRowHeight * static_cast<double>(timeline.rows.size());
  const std::string missing = CountsInWords(timeline, &drawn);
  std::string rows = AxisOf(window, bottom);
  for (size_t i = 0; i < timeline.rows.size(); ++i) {
    const double top = kTop + kRowHeight * static_cast<double>(i);
    rows += fmt::format("<text x=\"0\" y=\"{:.0f}\">{}</text>", top + kRowHeight / 2 + 4, Escaped(Shorten(timeline.rows[i].name, 22)));
    for (const Kind& kind : kKinds) rows += PathOf(timeline.rows[i], kind, top, window, drawn);
  }
  std::string names;
  for (const TimelineRow& row : timeline.rows) names += (names.empty() ? "" : ", ") + row.name;
  return fmt::format(
      "<figure class=\"timeline\"><figcaption><code>{0}</code>: {1} in {2:.4g} µs{3}. Trace: <code>{4}</code></figcaption>"
      "<svg viewBox=\"0 0 {5:.0f} {6:.0f}\" role=\"img\"><title>Timeline of {0}</title><desc>{1}, in rows for {7}.</desc>{8}</svg></figure>\n",
      Escaped(timeline.test), CountsInWords(timeline, nullptr), window.end - window.begin, missing.empty() ? "" : "; not drawn: " + missing,
      Escaped(timeline.file), kWidth, bottom + kAxisHeight, Escaped(names), rows);
}

}  // namespace aoti_cts
