// SPDX-License-Identifier: Apache-2.0
// What is made of a run: one function per format, each in a file of its own. To add a format: its function here, its file, a line in `report`.
#pragma once

#include <string>
#include <vector>

#include "reports/ledger.h"
#include "reports/record.h"
#include "reports/timeline.h"

namespace aoti_cts {

inline constexpr int kResultsSchema = 1;  // raised when a reader of the older form would misread the newer

// results.json; its schema is reports/results.schema.json.
std::string ResultsJson(const Run& run);

// JUnit XML, one testcase per test.
std::string JUnitXml(const Run& run);

// What holds, what does not, what was recorded, what could not be tried: for a pull request or a CI summary. The field bugs may be null.
std::string Markdown(const Run& run, const Ledger* field_bugs);

// What a report says of a requirement beside its verdicts.
struct RequirementText {
  std::string id;
  std::string statement;
  std::string source;
};

// One HTML page that needs nothing but itself: no scripts, no other files. The ledger and the field bugs may be null.
std::string Html(const Run& run, const Ledger* ledger, const std::vector<RequirementText>& requirements, const Ledger* field_bugs = nullptr,
                 const std::vector<Timeline>& timelines = {});

// The verdict table that `run` prints; at most 80 columns.
std::string Summary(const Run& run);

}  // namespace aoti_cts
