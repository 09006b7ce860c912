// SPDX-License-Identifier: Apache-2.0
// Reading a ledger, good and bad, and answering its claims from records. To add a rule of reading: a row of kBad.
#include "reports/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "reports/temporary_folder.h"

namespace aoti_cts {
namespace {

constexpr const char* kGood = R"json({"schema": 1, "documents": [{"id": "S2", "title": "notes"}], "claims": [
  {"id": "S2.1", "where": "6.3", "claim": "bounds are checked", "requirements": ["DYN_1", "DYN_2"],
   "evidence": [{"tests": "DYN_2/*", "supports": ["refused"], "setting": "off"}, {"tests": "DYN_1/*", "supports": ["pass"], "setting": "on"}]},
  {"id": "S2.2", "where": "8", "claim": "graphs are captured", "requirements": [], "untested": "needs a GPU", "note": "by hand", "setting": "CUDA",
   "reproducer": "shows.py"}]})json";

Ledger Read(const std::string& text) {
  const TemporaryFolder folder;
  folder.Write("ledger.json", text);
  return ReadLedger(folder.File("ledger.json"));
}

std::string ComplaintOf(const std::string& text) {
  try {
    Read(text);
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "";
}

std::string Replaced(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  return at == std::string::npos ? "" : text.replace(at, from.size(), to);
}

Record OneTest(const std::string& id, Verdict verdict, const std::string& observation = "") {
  Record record;
  record.id = id;
  record.verdict = verdict;
  record.observation = observation;
  return record;
}

ClaimTruth AnswerOf(const Ledger& ledger, const std::vector<Record>& records, size_t claim = 0) {
  Run run;
  run.records = records;
  return AnswerClaims(ledger, run).at(claim).answer;
}

TEST(ReadLedgerTest, ReadsEveryField) {
  const Ledger ledger = Read(kGood);
  ASSERT_EQ(ledger.claims.size(), 2U);
  EXPECT_EQ(ledger.documents.at(0).title, "notes");
  const LedgerClaim& checked = ledger.claims[0];
  EXPECT_EQ(checked.id, "S2.1");
  EXPECT_EQ(checked.where, "6.3");
  EXPECT_EQ(checked.claim, "bounds are checked");
  EXPECT_EQ(checked.requirements, (std::vector<std::string>{"DYN_1", "DYN_2"}));
  ASSERT_EQ(checked.evidence.size(), 2U);
  EXPECT_EQ(checked.evidence[0].tests, "DYN_2/*");
  EXPECT_EQ(checked.evidence[0].supports, std::vector<std::string>{"refused"});
  EXPECT_EQ(checked.evidence[1].setting, "on");
  EXPECT_EQ(ledger.claims[1].untested, "needs a GPU");
  EXPECT_EQ(ledger.claims[1].note, "by hand");
  EXPECT_EQ(ledger.claims[1].setting, "CUDA");
  EXPECT_EQ(ledger.claims[1].reproducer, "shows.py");
}

struct Bad {
  std::string from;
  std::string to;
  std::string complaint;
};

const std::vector<Bad> kBad{{R"("where": "6.3")", R"("wehre": "6.3")", "claims[0]: has no where"},
                            {"\"note\"", "\"mood\"", "claims[1]: has the unknown field mood"},
                            {R"("note": "by hand")", "\"note\": 7", "claims[1].note: is no text"},
                            {R"("setting": "off")", R"("seting": "off")", "claims[0].evidence[0]: has the unknown field seting"},
                            {R"("reproducer": "shows.py")", "\"reproducer\": 7", "claims[1].reproducer: is no text"},
                            {"[\"refused\"]", "[\"refsued\"]", "claims[0].evidence[0].supports: refsued is neither a verdict nor an observation"},
                            {"[\"refused\"]", "[]", "claims[0].evidence[0].supports: is empty"},
                            {"[\"refused\"]", "\"refused\"", "claims[0].evidence[0].supports: is no list"},
                            {R"(["DYN_1", "DYN_2"])", "[1]", "claims[0].requirements: holds what is no text"},
                            {R"("untested": "needs a GPU")", R"("untested": "")", "claims[1]: has neither evidence nor a reason"},
                            {"S2.2", "S2.1", "claims holds S2.1 twice"},
                            {"S2.2", "S3.2", "claim S3.2 is of no document"},
                            {R"("claim": "graphs are captured")", R"("claim": "")", "claims[1].claim: is empty"},
                            {"\"schema\": 1", "\"schema\": 2", "schema: is not 1"},
                            {"\"title\"", "\"name\"", "documents[0]: has no title"},
                            {"\"claims\"", "\"claim\"", "has no claims"}};

TEST(ReadLedgerTest, NamesFileAndFieldOfWhatIsWrong) {
  for (const Bad& bad : kBad) {
    const std::string text = Replaced(bad.from, bad.to);
    ASSERT_FALSE(text.empty()) << bad.from;
    const std::string complaint = ComplaintOf(text);
    EXPECT_NE(complaint.find("ledger.json"), std::string::npos) << bad.to;
    EXPECT_NE(complaint.find(bad.complaint), std::string::npos) << complaint;
  }
}

TEST(ReadLedgerTest, RefusesWhatIsNoLedger) {
  EXPECT_THROW(Read("[]"), std::runtime_error);
  EXPECT_THROW(Read("{"), std::runtime_error);
  EXPECT_THROW(ReadLedger("/no/such/ledger.json"), std::runtime_error);
}

TEST(AnswerClaimsTest, AllForIsTrueAllAgainstIsFalseAndBothDepends) {
  const Ledger ledger = Read(kGood);
  const Record refused = OneTest("DYN_2/a/b/package", Verdict::kRecorded, "refused");
  const Record wrong = OneTest("DYN_2/a/c/package", Verdict::kRecorded, "silently_wrong");
  const Record pass = OneTest("DYN_1/a/b/package", Verdict::kPass);
  EXPECT_EQ(AnswerOf(ledger, {refused, pass}), ClaimTruth::kTrue);
  EXPECT_EQ(AnswerOf(ledger, {wrong}), ClaimTruth::kFalse);
  EXPECT_EQ(AnswerOf(ledger, {wrong, pass}), ClaimTruth::kDepends);
  EXPECT_EQ(AnswerOf(ledger, {wrong, refused}), ClaimTruth::kDepends);
}

TEST(AnswerClaimsTest, WhatWasNotTriedSaysNothing) {
  const Ledger ledger = Read(kGood);
  for (const Verdict verdict : {Verdict::kNotRun, Verdict::kUnsupported, Verdict::kUnavailable, Verdict::kError}) {
    const Record record = OneTest("DYN_1/a/b/package", verdict);
    EXPECT_EQ(AnswerOf(ledger, {record}), ClaimTruth::kUntested);
    EXPECT_EQ(AnswerOf(ledger, {record, OneTest("DYN_1/a/c/package", Verdict::kPass)}), ClaimTruth::kTrue);
  }
  EXPECT_EQ(AnswerOf(ledger, {OneTest("DYN_3/a/b/package", Verdict::kFail)}), ClaimTruth::kUntested);
}

TEST(AnswerClaimsTest, EveryRedOutcomeAndAKnownIssueSpeakAgainstUnlessListed) {
  for (const Verdict verdict : {Verdict::kFail, Verdict::kCrash, Verdict::kTimeout, Verdict::kKnownIssue}) {
    const Record record = OneTest("DYN_1/a/b/package", verdict);
    EXPECT_EQ(AnswerOf(Read(kGood), {record}), ClaimTruth::kFalse);
    const std::string listed = Replaced("[\"pass\"]", "[\"" + std::string(InfoOf(verdict).name) + "\"]");
    EXPECT_EQ(AnswerOf(Read(listed), {record}), ClaimTruth::kTrue);
  }
  EXPECT_EQ(AnswerOf(Read(kGood), {OneTest("DYN_1/a/b/package", Verdict::kUnexpectedPass)}), ClaimTruth::kTrue);
}

TEST(AnswerClaimsTest, KeepsTheRecordsThatSpeak) {
  const Ledger ledger = Read(kGood);
  aoti_cts::Run run;
  run.records = {OneTest("DYN_2/a/b/package", Verdict::kRecorded, "correct"), OneTest("DYN_1/a/b/package", Verdict::kPass),
                 OneTest("DYN_1/a/c/package", Verdict::kError)};
  const ClaimAnswer answer = AnswerClaims(ledger, run).at(0);
  ASSERT_EQ(answer.evidence.size(), 2U);
  EXPECT_EQ(answer.evidence[0].against, std::vector<const Record*>{&run.records.front()});
  EXPECT_EQ(answer.evidence[1].supporting, std::vector<const Record*>{&run.records[1]});
  EXPECT_EQ(answer.evidence[1].not_tried, std::vector<const Record*>{&run.records[2]});
}

TEST(WhyUntestedTest, ATestThatCouldNotBeTriedSaysItBetterThanTheLedger) {
  const Ledger ledger = Read(kGood);
  aoti_cts::Run run;
  EXPECT_EQ(WhyUntested(AnswerClaims(ledger, run).at(0)), "no test of this run asks");
  EXPECT_EQ(WhyUntested(AnswerClaims(ledger, run).at(1)), "needs a GPU");
  run.records = {OneTest("DYN_1/a/b/package", Verdict::kUnavailable)};
  run.records[0].message = "no such device";
  EXPECT_EQ(WhyUntested(AnswerClaims(ledger, run).at(0)), "no such device");
}

TEST(ReproducersOfTest, AreTheClaimsOwnAndTheScriptsAmongItsEvidence) {
  Ledger ledger = Read(Replaced("DYN_1/*", "EXP_7/*"));
  ledger.claims[0].reproducer = "shows.py";
  aoti_cts::Run run;
  run.records = {OneTest("EXP_7/what_a_document_claims/one/package", Verdict::kRecorded, "true"),
                 OneTest("EXP_7/what_a_document_claims/two/package", Verdict::kError),
                 OneTest("EXP_7/another_sentence/three/package", Verdict::kPass)};
  for (const auto& [record, name] : {std::pair{0, "one"}, {1, "two"}, {2, "three"}}) run.records[record].case_name = name;
  for (const int record : {0, 1}) run.records[record].sentence = kClaimSentence;
  EXPECT_EQ(ReproducersOf(AnswerClaims(ledger, run).at(0)),
            (std::vector<std::string>{"shows.py", "generators/claims/one.py", "generators/claims/two.py"}));
}

TEST(LedgerComplaintsTest, NamesAReproducerThatIsNotThere) {
  const TemporaryFolder folder;
  const Ledger ledger = Read(kGood);
  const std::vector<std::string> ids{"DYN_1/a/b/package", "DYN_2/a/b/package"};
  EXPECT_EQ(LedgerComplaints(ledger, ids, folder.File("")), std::vector<std::string>{"S2.2: there is no file shows.py: correct the reproducer"});
  folder.Write("shows.py", "");
  EXPECT_EQ(LedgerComplaints(ledger, ids, folder.File("")), std::vector<std::string>{});
}

TEST(LedgerComplaintsTest, NamesGlobsThatMatchNothingAndReasonsThatAreOutOfDate) {
  const Ledger ledger = Read(Replaced("\"untested\"", R"("evidence": [{"tests": "GRAPH_1/*", "supports": ["pass"]}], "untested")"));
  const TemporaryFolder folder;
  folder.Write("shows.py", "");
  EXPECT_EQ(LedgerComplaints(ledger, {"DYN_1/a/b/package", "DYN_2/a/b/package"}, folder.File("")), std::vector<std::string>{});
  EXPECT_EQ(LedgerComplaints(ledger, {"DYN_2/a/b/package", "GRAPH_1/a/b/package"}, folder.File("")),
            (std::vector<std::string>{"S2.1: no test matches DYN_1/*: correct the glob, or say in untested why there is none",
                                      "S2.2: 1 tests match, and untested says \"needs a GPU\": empty it"}));
}

TEST(GlobMatchesTest, StarsMatchAnythingAndQuestionMarksOneCharacter) {
  for (const auto& [glob, text] : std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                                                   {"*", ""},
                                                                                   {"*", "a/b"},
                                                                                   {"a*", "a"},
                                                                                   {"a/*/c", "a/b/b/c"},
                                                                                   {"*b*", "abc"},
                                                                                   {"a?c", "abc"},
                                                                                   {"*ab", "aab"},
                                                                                   {"a**b", "ab"},
                                                                                   {"*.x", "a.x.x"}}) {
    EXPECT_TRUE(GlobMatches(glob, text)) << glob << " " << text;
  }
  for (const auto& [glob, text] : std::vector<std::pair<std::string, std::string>>{
           {"", "a"}, {"a", ""}, {"?", ""}, {"a*b", "a"}, {"a/*", "b/a/c"}, {"*c", "cd"}, {"[a]", "a"}, {"DYN_1/*", "DYN_10/a"}}) {
    EXPECT_FALSE(GlobMatches(glob, text)) << glob << " " << text;
  }
}

}  // namespace
}  // namespace aoti_cts
