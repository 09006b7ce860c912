// SPDX-License-Identifier: Apache-2.0
#include "conformance/worker.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "fixtures/known_issues.h"
#include "fixtures/sandbox.h"
#include "fixtures/trial.h"

namespace aoti_cts {
namespace {

constexpr double kDeadlineFactor = 50;  // times what loading and a first run take on this machine

std::string Today() {
  const std::time_t now = std::time(nullptr);
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(now));
}

// What a crash or a hang is called where nothing is judged.
std::string ObservationOf(const SandboxResult& result) {
  if (result.end == SandboxResult::End::kTimeout) return "hang";
  return result.guard_hit ? "out_of_bounds" : "crash";
}

class Worker {
 public:
  Worker(const WorkerContext& context, const RunnerSpec& spec, std::unique_ptr<Runner> runner, KnownIssues issues)
      : context_(context), spec_(spec), runner_(std::move(runner)), issues_(std::move(issues)), writer_(context.options->folder / "records.jsonl") {
    writer_.Runner(spec.name, runner_->description().raw);
    for (const KnownIssue& issue : issues_.expired) {
      writer_.Complaint(fmt::format("known issue expired on {}: {} ({}) excuses nothing any more", issue.expires, issue.tests, issue.source));
    }
    deadline_ = std::max(context.options->deadline_seconds, kDeadlineFactor * CalibratedSeconds());
  }

  bool Claim(size_t index) { return !context_.shared->stop.load() && !context_.shared->Claimed(index).exchange(true); }

  // Runs one test and writes its record. Returns the record for GoogleTest.
  Record RunTest(const PlannedTest& test) {
    writer_.Begin(test.id);
    Record record = Planned(test);
    SandboxResult result;
    if (auto subject = SubjectOf(test); subject) {
      result = InSandbox(test, subject->first, *subject->second);
      if (result.end == SandboxResult::End::kStopped) {
        writer_.Interrupted(test.id);
        return record;
      }
      Interpret(test, result, record);
    } else {
      record.verdict = Verdict::kError;
      record.message = subject.error().message;
    }
    ApplyKnownIssues(record);
    if (InfoOf(record.verdict).red) record.output = result.output;
    writer_.End(record);
    ++context_.shared->ended;
    return record;
  }

  // Entries that matched no planned test of this runner at all.
  void ReportDeadIssues() {
    for (const KnownIssue& issue : issues_.current) {
      const bool matches = std::any_of(context_.tests->begin(), context_.tests->end(),
                                       [&](const PlannedTest& t) { return t.runner->name == spec_.name && MatchesGlob(issue.tests, t.id); });
      if (!matches) writer_.Complaint(fmt::format("known issue matches no test: {} ({}): correct or remove it", issue.tests, issue.source));
    }
  }

 private:
  using Subject = std::pair<Package, const Golden*>;

  // The package and golden a test is about.
  Expected<Subject> SubjectOf(const PlannedTest& test) const {
    auto package = context_.packages->Find(test.program->name);
    if (!package) return package.error();
    const Expected<Golden>& golden = context_.goldens->at(test.program->name);
    if (!golden) return golden.error();
    return Subject{std::move(*package), &*golden};
  }

  SandboxOptions Options(bool check_inputs, double deadline) const {
    SandboxOptions options;
    options.base = context_.scratch;
    options.deadline_seconds = deadline;
    options.environment["AOTI_RUNTIME_CHECK_INPUTS"] = check_inputs ? std::optional<std::string>("1") : std::nullopt;
    options.stop = &context_.shared->stop;
    return options;
  }

  SandboxResult InSandbox(const PlannedTest& test, const Package& package, const Golden& golden) {
    const double deadline = test.property->deadline_seconds > 0 ? test.property->deadline_seconds : deadline_;
    return RunInSandbox(Options(test.property->check_inputs, deadline), [&] {
      Trial trial(*test.program, test.call, package, golden, *runner_);
      try {
        test.property->body(trial);
      } catch (const TrialEnded&) {
        // the trial has said why
      }
      return ToJson(trial.Finish(test.property->judged)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    });
  }

  void Interpret(const PlannedTest& test, const SandboxResult& result, Record& record) const {
    record.seconds = result.seconds;
    record.residue = result.residue;
    if (result.end == SandboxResult::End::kReturned) {
      const Outcome outcome = OutcomeFromJson(nlohmann::json::parse(result.answer));
      record.verdict = outcome.verdict;
      record.message = outcome.message;
      record.observation = outcome.observation;
      record.comparisons = outcome.comparisons;
      for (const Margin& m : outcome.margins) record.margins.push_back({m.output, m.ratio, m.error, m.limit});
      return;
    }
    record.message = result.EndInWords();
    if (result.end == SandboxResult::End::kNotStarted || result.end == SandboxResult::End::kThrew) {
      record.verdict = Verdict::kError;  // the suite's own trouble: runners answer in errors, they do not throw
    } else if (!test.property->judged && result.end != SandboxResult::End::kExit) {
      record.verdict = Verdict::kRecorded;
      record.observation = ObservationOf(result);
    } else {
      record.verdict = result.end == SandboxResult::End::kTimeout ? Verdict::kTimeout : Verdict::kCrash;
    }
  }

  void ApplyKnownIssues(Record& record) const {
    for (const KnownIssue& issue : issues_.current) {
      if (!MatchesGlob(issue.tests, record.id)) continue;
      const bool broken = record.verdict == Verdict::kFail || record.verdict == Verdict::kCrash || record.verdict == Verdict::kTimeout;
      if (broken && record.message.find(issue.text) != std::string::npos) {
        record.verdict = Verdict::kKnownIssue;
        record.known_issue = issue.source + ": " + issue.reason;
      } else if (record.verdict == Verdict::kPass) {
        record.known_issue = issue.source + (issue.always ? ": passes although it always fails" : ": not seen in this run");
        if (issue.always) record.verdict = Verdict::kUnexpectedPass;
        if (issue.always) record.message = fmt::format("passes although a known issue says it always fails: remove the entry \"{}\" ({})", issue.tests, issue.source);
      }
      return;
    }
  }

  Record Planned(const PlannedTest& test) const {
    Record record;
    record.id = test.id;
    record.requirement = test.property->requirement;
    record.sentence = test.property->sentence;
    record.case_name = test.program->name;
    record.call = test.call != nullptr ? test.call->name : "";
    record.runner = spec_.name;
    record.judged = test.property->judged;
    std::string runner = spec_.name;
    if (spec_.config.contains("fault")) runner = "faulty:" + spec_.config.at("fault").get<std::string>();
    if (spec_.library.parent_path() != context_.options->paths.runners) runner = spec_.library.string();
    record.repeat = fmt::format("./aoti-cts run --runner {} --test '{}'", runner, test.id);
    return record;
  }

  // Seconds that loading and running the first package that is there takes in a sandbox; 0 where there is none.
  double CalibratedSeconds() const {
    for (const PlannedTest& test : *context_.tests) {
      auto subject = SubjectOf(test);
      if (test.runner->name != spec_.name || !subject) continue;
      return RunInSandbox(Options(false, 60), [&] {
               Trial trial(*test.program, nullptr, subject->first, *subject->second, *runner_);
               try {
                 Model model = trial.Load();
                 trial.JudgeCall(model, trial.ExampleCall());
               } catch (const TrialEnded&) {
                 return std::string("refused");
               }
               return std::string("ran");
             })
          .seconds;
    }
    return 0;
  }

  const WorkerContext& context_;
  const RunnerSpec& spec_;
  std::unique_ptr<Runner> runner_;
  KnownIssues issues_;
  RecordWriter writer_;
  double deadline_ = 0;
};

// One planned test as GoogleTest sees it.
class ConformanceTest : public testing::Test {
 public:
  ConformanceTest(Worker& worker, const PlannedTest& test, size_t index) : worker_(worker), test_(test), index_(index) {}

  void TestBody() override {
    if (!worker_.Claim(index_)) GTEST_SKIP() << "claimed by another worker, or the run was stopped";
    const Record record = worker_.RunTest(test_);
    if (InfoOf(record.verdict).red) ADD_FAILURE() << record.id << "\n" << record.message;
  }

 private:
  Worker& worker_;
  const PlannedTest& test_;
  size_t index_;
};

// GoogleTest reads flags from the environment too; selection and order are the campaign's alone.
void PrepareGoogleTest() {
  for (const char* variable : {"GTEST_FILTER", "GTEST_TOTAL_SHARDS", "GTEST_SHARD_INDEX", "GTEST_SHUFFLE", "GTEST_REPEAT", "GTEST_OUTPUT", "GTEST_FAIL_FAST", "GTEST_BREAK_ON_FAILURE"}) {
    unsetenv(variable);
  }
  int count = 1;
  std::string name = "aoti-cts";
  std::array<char*, 2> arguments{name.data(), nullptr};
  testing::InitGoogleTest(&count, arguments.data());
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());  // the records are the output
}

}  // namespace

int WorkerMain(const WorkerContext& context, const RunnerSpec& spec) {
  try {
    auto runner = Runner::Open(spec);
    if (!runner) {
      RecordWriter(context.options->folder / "records.jsonl").Complaint(runner.error().message);
      return kWorkerNoRunner;
    }
    const std::filesystem::path file = context.options->paths.known_issues / ((*runner)->description().base + ".known_issues.json");
    auto issues = ReadKnownIssues(file, (*runner)->description().torch_version, Today());
    if (!issues) {
      RecordWriter(context.options->folder / "records.jsonl").Complaint(issues.error().message);
      return kWorkerNoRunner;
    }
    PrepareGoogleTest();
    Worker worker(context, spec, std::move(*runner), std::move(*issues));
    for (size_t i = 0; i < context.tests->size(); ++i) {
      const PlannedTest& test = (*context.tests)[i];
      if (test.runner != &spec) continue;
      const std::string suite = test.property->requirement + "/" + test.property->sentence;
      const std::string name = test.id.substr(suite.size() + 1);
      testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [&worker, &test, i]() -> testing::Test* { return new ConformanceTest(worker, test, i); });
    }
    const Selection& s = context.options->selection;
    const bool everything = s.areas.empty() && s.requirements.empty() && s.cases.empty() && s.tests.empty();
    if (everything && !context.options->resume) worker.ReportDeadIssues();
    const int red = RUN_ALL_TESTS();
    static_cast<void>(red);  // the verdicts are in the records; the campaign counts them
    return kWorkerDone;
  } catch (const std::exception& e) {
    fmt::print(stderr, "aoti-cts: {}\n", e.what());
    return kWorkerNoRecord;
  }
}

}  // namespace aoti_cts
