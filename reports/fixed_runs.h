// SPDX-License-Identifier: Apache-2.0
// The fixed runs that every format is tested with. A new field of a record shows here first.
#pragma once

#include <limits>
#include <string>

#include "reports/record.h"

namespace aoti_cts {

inline constexpr const char* kNasty = "a|b `c` ```d``` <e> & \"f\" ]]> *g* _h_ \\ \x01\x1B[31m \xFF\xC3 \xEF\xBF\xBE \xE2\x82\xAC";

inline Record OneTest(const std::string& requirement, const std::string& sentence, const std::string& call, Verdict verdict) {
  Record record;
  record.requirement = requirement;
  record.sentence = sentence;
  record.case_name = "mlp_dynamic";
  record.call = call;
  record.runner = "package";
  record.id = requirement + "/" + sentence + "/" + record.case_name + (call.empty() ? "" : "." + call) + "/package";
  record.verdict = verdict;
  record.seconds = 0.025;
  record.comparisons = InfoOf(verdict).tried ? 1 : 0;
  record.repeat = "./aoti-cts run --test '" + record.id + "'";
  return record;
}

inline void AddGood(Run& run) {
  run.records.push_back(OneTest("NUM_1", "all_outputs_agree", "batch_1", Verdict::kPass));
  run.records.push_back(OneTest("NUM_1", "all_outputs_agree", "batch_64", Verdict::kPass));
  run.records.back().margins = {{0, 0.3125, 1.25e-7, 4e-7}, {1, 0, 0, 1e-6}};
}

inline void AddBroken(Run& run) {
  Record fail = OneTest("NUM_1", "all_outputs_agree", "batch_32", Verdict::kFail);
  fail.message = "output 0: error 3.5 of limit 0.5 at [3,7]\n  got      2\n  expected 5.5";
  fail.margins = {{0, 7, 3.5, 0.5}, {1, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), 0.5}};
  fail.residue = {"model.so", "a|b"};
  run.records.push_back(fail);
  Record unexpected = OneTest("DYN_1", "batch_above_max_is_refused", "batch_65", Verdict::kUnexpectedPass);
  unexpected.known_issue = "https://example.org/issues/7 above max was accepted up to 2.14";
  run.records.push_back(unexpected);
  Record crash = OneTest("DYN_1", "batch_below_min_is_refused", "batch_0", Verdict::kCrash);
  crash.message = "killed by signal 11 (Segmentation fault)";
  crash.output = std::string("last words ``` ") + kNasty + "\r\nend";
  run.records.push_back(crash);
  Record timeout = OneTest("THR_1", "every_task_gets_its_own_answer", "", Verdict::kTimeout);
  timeout.message = std::string("no answer within 10 s; ") + kNasty + "\nsecond line, which is long: " + std::string(200, 'x');
  run.records.push_back(timeout);
}

inline void AddKnownAndRecorded(Run& run) {
  for (const char* call : {"flip_1", "flip_2"}) {
    Record known = OneTest("PKG_3", "a_flipped_byte_is_refused", call, Verdict::kKnownIssue);
    known.message = "accepted";
    known.known_issue = "https://example.org/issues/9: flips are not checked | at all";
    run.records.push_back(known);
  }
  run.records.push_back(OneTest("PKG_3", "a_flipped_byte_is_refused", "flip_3", Verdict::kPass));
  run.records.back().known_issue = "https://example.org/issues/9: flips are not checked | at all";
  for (const char* observation : {"silently_wrong", kNasty}) {
    Record recorded = OneTest("DYN_2", "above_max_unchecked_is_classified", observation == kNasty ? "b|65" : "batch_65", Verdict::kRecorded);
    recorded.judged = false;
    recorded.observation = observation;
    run.records.push_back(recorded);
  }
}

inline void AddUntried(Run& run) {
  Record unsupported = OneTest("CONST_1", "weights_are_swapped_whole", "", Verdict::kUnsupported);
  unsupported.message = "package: no constants interface";
  run.records.push_back(unsupported);
  for (const char* sentence : {"host_capture_replays", "recapture_on_a_new_shape"}) {
    Record unavailable = OneTest("GRAPH_1", sentence, "", Verdict::kUnavailable);
    unavailable.message = "no CUDA device";
    run.records.push_back(unavailable);
  }
  for (int i = 0; i < 12; ++i) {
    Record error = OneTest("EXP_3", "both_branches_run", "call_" + std::to_string(i), Verdict::kError);
    error.message = "the package does not compile:\nmodel.cpp:3: error: expected ';'";
    run.records.push_back(error);
  }
  run.records.push_back(OneTest("LIFE_1", "nothing_is_left_after_a_hundred_loads", "", Verdict::kNotRun));
}

inline Run EveryVerdict() {
  Run run;
  run.provenance = {{"suite_version", "0.1.0"}, {"commit", "0123abc"}, {"command", "./aoti-cts run"}, {"started", "2025-01-02T03:04:05Z"},
                    {"torch", "2.15.0+cpu"},    {"isa", "avx2"},       {"compiler", "g++ 12.2"},      {"host", kNasty}};
  run.runners = {{"package", {{"torch", "2.15.0"}, {"capabilities", {"run", "metadata"}}}}};
  run.programs = {{"mlp_dynamic", "The MLP with batch 1 to 64.", "default"}, {"odd_one", kNasty, "full"}};
  AddGood(run);
  AddBroken(run);
  AddKnownAndRecorded(run);
  AddUntried(run);
  run.complaints = {"known issue https://example.org/issues/1 matches no test", std::string("c_abi: cannot be opened: ") + kNasty};
  run.interrupted = true;
  return run;
}

inline Run AllGood() {
  Run run;
  run.provenance = {{"suite_version", "0.1.0"}, {"commit", "0123abc"}, {"command", "./aoti-cts run"}, {"started", "2025-01-02T03:04:05Z"}};
  AddGood(run);
  return run;
}

inline Run EmptyRun() { return {}; }

// As large as a message can make it: every test fails with a long text.
inline Run Huge(size_t tests, size_t message_bytes) {
  Run run = AllGood();
  for (size_t i = 0; i < tests; ++i) {
    const Verdict verdict = kVerdicts[i % kVerdicts.size()].verdict;
    Record record = OneTest("R_" + std::to_string(i % 97), "a_promise", std::to_string(i), verdict);
    record.message = std::to_string(i) + ": " + std::string(message_bytes, '|') + " end";
    record.observation = std::string(message_bytes, '<');
    record.output = record.message;
    record.known_issue = verdict == Verdict::kKnownIssue ? "https://example.org/" + std::to_string(i) + " " + record.observation : "";
    run.records.push_back(record);
    if (i % 10 == 0) run.complaints.push_back(record.message);
  }
  return run;
}

}  // namespace aoti_cts
