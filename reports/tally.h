// SPDX-License-Identifier: Apache-2.0
// What more than one report says of a run: the sentence that sums it up, and its records by requirement, by known issue, by reason. To count
// something new in a table: a member here, a line in tally.cc, a column in the reports that show it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "reports/record.h"

namespace aoti_cts {

// Every record is in exactly one of the first five.
struct RequirementTally {
  std::string requirement;
  size_t pass = 0;
  size_t broken = 0;  // red and tried: fail, crash, timeout, unexpected_pass
  size_t known = 0;
  size_t recorded = 0;
  size_t not_tried = 0;
  size_t judged = 0;  // tried, and the contract says what must come out
};

// In plan order.
std::vector<RequirementTally> TallyRequirements(const Run& run);

// One entry of the known issues: its text begins with the URL, the rest is the reason.
struct KnownIssueTally {
  std::string url;
  std::string reason;
  size_t broken = 0;    // tests that failed as it says
  size_t not_seen = 0;  // tests it applied to that did not
};

std::vector<KnownIssueTally> TallyKnownIssues(const Run& run);

// Tests with one verdict for the same reason, word for word.
struct RecordGroup {
  Verdict verdict;
  std::string reason;
  std::vector<const Record*> records;
};

// In order of first appearance.
std::vector<RecordGroup> GroupByReason(const std::vector<const Record*>& records);

// Tests that were not tried, the red ones (error, not_run) first.
std::vector<RecordGroup> GroupUntried(const Run& run);

// Tests that were tried and are red.
std::vector<RecordGroup> GroupBroken(const Run& run);

// Tests that only record, those together that observed the same for one requirement, sentence and runner.
std::vector<std::vector<const Record*>> GroupRecorded(const Run& run);

// Tests that were tried and are red.
std::vector<const Record*> BrokenRecords(const Run& run);

// Complaints that are not told already as the reason why tests were not tried.
std::vector<std::string> OtherComplaints(const Run& run);

// Why a test is no pass: its message, else what its verdict means.
std::string Reason(const Record& record);

// A string as it is, anything else as JSON.
std::string ValueText(const nlohmann::json& value);

// The run in one sentence, which begins with Green or Red, or says that nothing is proved.
std::string VerdictSentence(const Run& run);

}  // namespace aoti_cts
