// SPDX-License-Identifier: Apache-2.0
#include "conformance/timelines.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <string>

#include "fixtures/kept_files.h"
#include "fixtures/trace.h"

namespace aoti_cts {
namespace {

// What is drawn of an event; nothing of those that only wait or annotate.
std::optional<SpanKind> KindOf(const TraceEvent& event) {
  if (event.name == kStepName && !event.category.starts_with("gpu_")) return SpanKind::kStep;
  if (event.category == "cpu_op") return SpanKind::kOperator;
  if (IsLaunch(event)) return SpanKind::kLaunch;
  if (event.category == "kernel") return SpanKind::kKernel;
  if (event.category == "gpu_memcpy") return SpanKind::kCopy;
  return std::nullopt;
}

bool OnGpu(SpanKind kind) { return kind == SpanKind::kKernel || kind == SpanKind::kCopy; }

Timeline TimelineOf(const Trace& trace, const std::string& test) {
  std::map<std::pair<bool, std::string>, TimelineRow> rows;  // threads, then streams
  for (const TraceEvent& event : trace.events) {
    const auto kind = KindOf(event);
    if (!kind) continue;
    const auto [row, fresh] = rows.try_emplace({OnGpu(*kind), event.row});
    if (fresh) row->second.name = (OnGpu(*kind) ? "GPU/stream " : "thread ") + event.row;
    row->second.spans.push_back({*kind, event.begin, event.duration});
  }
  Timeline timeline{test, TraceFileOf(test).string(), {}};
  for (auto& [key, row] : rows) timeline.rows.push_back(std::move(row));
  return timeline;
}

}  // namespace

std::filesystem::path TraceFileOf(const std::string& test) { return std::filesystem::path("traces") / (KeptFolderName(test) + ".json"); }

std::vector<Timeline> TimelinesOf(const Run& run, const std::filesystem::path& folder) {
  std::vector<Timeline> timelines;
  if (!std::filesystem::exists(folder / "traces")) return timelines;
  for (const Record& record : run.records) {
    const std::filesystem::path file = folder / TraceFileOf(record.id);
    if (!std::filesystem::exists(file)) continue;
    if (const auto trace = ReadTrace(file)) timelines.push_back(TimelineOf(*trace, record.id));
  }
  return timelines;
}

}  // namespace aoti_cts
