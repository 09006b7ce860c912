// SPDX-License-Identifier: Apache-2.0
// The ledger: every claim of published documents about AOTInductor, and the tests that speak for or against it. It is data
// (conformance/ledger.json); the answers are worked out anew from the records of each run.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "reports/record.h"

namespace aoti_cts {

// Of tests that report what a script in generators/claims found: it is called as the test's case is.
inline constexpr std::string_view kClaimSentence = "what_a_document_claims";

struct LedgerDocument {
  std::string id;  // "S2"
  std::string title;
};

struct LedgerEvidence {
  std::string tests;                  // glob over ids
  std::vector<std::string> supports;  // outcomes that speak for the claim; any other outcome of a test that was tried speaks against it
  std::string setting;                // under which these tests ask, where that decides
};

struct LedgerClaim {
  std::string id;     // "S2.14"
  std::string where;  // in the document
  std::string claim;  // in our own words
  std::vector<std::string> requirements;
  std::vector<LedgerEvidence> evidence;
  std::string untested;    // why no planned test asks; empty where one does
  std::string note;        // a fact measured without this suite, and how
  std::string setting;     // under which the claim is read
  std::string reproducer;  // script in the repository that shows the answer without the suite; may be empty
};

struct Ledger {
  std::vector<LedgerDocument> documents;
  std::vector<LedgerClaim> claims;
};

// Throws std::runtime_error naming the file and the field where something is missing, unknown or of no sense.
Ledger ReadLedger(const std::filesystem::path& file);

enum class ClaimTruth { kFalse, kDepends, kTrue, kUntested };

std::string_view NameOf(ClaimTruth answer);

struct EvidenceAnswer {
  const LedgerEvidence* evidence;
  std::vector<const Record*> supporting;
  std::vector<const Record*> against;
  std::vector<const Record*> not_tried;
};

struct ClaimAnswer {
  const LedgerClaim* claim;
  ClaimTruth answer;
  std::vector<EvidenceAnswer> evidence;  // one per entry of the claim, in order
};

// In the order of the ledger; points into both arguments.
std::vector<ClaimAnswer> AnswerClaims(const Ledger& ledger, const Run& run);

// What a test says to the ledger: its verdict, or what was observed where nothing is promised. A known issue's unexpected pass is a pass.
std::string OutcomeOf(const Record& record);

// Why a claim is untested: as the ledger says, else as the tests say that could not be tried.
std::string WhyUntested(const ClaimAnswer& answer);

// Scripts in the repository that show the answer without the suite: the one that the claim names, and those whose findings are its evidence.
std::vector<std::string> ReproducersOf(const ClaimAnswer& answer);

// What is out of date in the ledger, given the ids of all tests there are and the folder of the repository: a glob that matches none although
// the claim counts as tested, a claim that counts as untested although tests match, and a reproducer that is not there.
std::vector<std::string> LedgerComplaints(const Ledger& ledger, const std::vector<std::string>& ids, const std::filesystem::path& repository);

// * stands for any characters, / too; ? for one.
bool GlobMatches(std::string_view glob, std::string_view text);

}  // namespace aoti_cts
