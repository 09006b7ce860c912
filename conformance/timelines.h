// SPDX-License-Identifier: Apache-2.0
// The traces that a run has kept, RUN/traces/TEST.json, as drawings for its report.
#pragma once

#include <filesystem>
#include <vector>

#include "reports/record.h"
#include "reports/timeline.h"

namespace aoti_cts {

// Below the run's folder: where the trace of a test lies.
std::filesystem::path TraceFileOf(const std::string& test);

// Of the tests that have kept a trace that can be read, in their order.
std::vector<Timeline> TimelinesOf(const Run& run, const std::filesystem::path& folder);

}  // namespace aoti_cts
