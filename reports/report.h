// SPDX-License-Identifier: Apache-2.0
// What is made of a run: one function per format, each in a file of its own. To add a format: its function here, its file, a line in `report`.
#pragma once

#include <string>

#include "reports/record.h"

namespace aoti_cts {

// results.json; its schema is reports/results.schema.json.
std::string ResultsJson(const Run& run);

// JUnit XML, one testcase per test.
std::string JUnitXml(const Run& run);

// What holds, what does not, what was recorded, what could not be tried: for a pull request or a CI summary.
std::string Markdown(const Run& run);

// The verdict table that `run` prints; at most 80 columns.
std::string Summary(const Run& run);

}  // namespace aoti_cts
