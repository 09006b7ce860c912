// SPDX-License-Identifier: Apache-2.0
#include "conformance/worker.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include "conformance/sanitizer.h"
#include "conformance/timelines.h"
#include "fixtures/kept_files.h"
#include "fixtures/known_issues.h"
#include "fixtures/sandbox.h"
#include "fixtures/trial.h"

namespace aoti_cts {
namespace {

constexpr size_t kKeepAllTests = 20;         // of so few somebody has named each
constexpr size_t kWorthPreparingForks = 50;  // tests of a worker
constexpr double kDeadlineFactor = 50;       // times what loading and a first run take on this machine

std::string Today() {
  const std::time_t now = std::time(nullptr);
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(now));
}

int64_t NowMilliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool HasChildren() { return waitpid(-1, nullptr, WNOHANG) >= 0; }

struct Stray {
  pid_t pid;
  std::string name;
};

std::vector<Stray> ChildrenNow() {
  std::vector<Stray> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stream(entry.path() / "stat");
    const std::string stat{std::istreambuf_iterator<char>(stream), {}};  // pid (name) state parent ...
    const size_t open = stat.find('('), close = stat.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close + 4 > stat.size()) continue;
    if (std::atoi(stat.c_str() + close + 4) == getpid()) children.push_back({std::atoi(stat.c_str()), stat.substr(open + 1, close - open - 1)});
  }
  return children;
}

// Ends what a test has left running outside its process group, and says what it was. `own`: children that the runner has had since open().
std::string EndStrays(const std::set<pid_t>& own) {
  std::string names;
  for (std::vector<Stray> strays; HasChildren();) {
    strays = ChildrenNow();
    std::erase_if(strays, [&](const Stray& child) { return own.contains(child.pid); });
    if (strays.empty()) break;
    for (const Stray& stray : strays) {
      names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", stray.name, stray.pid);
      kill(stray.pid, SIGKILL);
      waitpid(stray.pid, nullptr, 0);
    }
  }
  return names;
}

// Asks for huge pages in place of the small ones that the runner has written so far. A fork copies an entry per page, and a runtime like libtorch
// has written tens of thousands of them before its first call. A system without them is only slower.
void MakeForksCheap() {
  constexpr int kCollapse = 25;  // MADV_COLLAPSE, since Linux 6.1
  constexpr uintptr_t kHugePage = 2 << 20;
  constexpr uintptr_t kMost = 1 << 30;  // larger ones are reserved rather than written: shadows of sanitizers, arenas
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    std::array<char, 5> access{};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, access.data()) != 3 || std::string_view(access.data()) != "rw-p") continue;
    begin = (begin + kHugePage - 1) & ~(kHugePage - 1);
    end &= ~(kHugePage - 1);
    const bool of_file = line.find('/') != std::string::npos;
    if (begin < end && end - begin <= kMost && !of_file) madvise(reinterpret_cast<void*>(begin), end - begin, kCollapse);
  }
}

// A word as a shell reads it.
std::string ForShell(const std::string& word) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || std::strchr("._-/:+", c) != nullptr; };
  if (std::all_of(word.begin(), word.end(), plain)) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// What a crash or a hang is called where nothing is judged.
std::string ObservationOf(const SandboxResult& result) {
  if (result.end == SandboxResult::End::kTimeout) return "hang";
  return result.guard_hit ? "out_of_bounds" : "crash";
}

Expected<Subject> SubjectOf(const WorkerContext& context, const PlannedTest& test) {
  if (test.program->is_claim()) {
    auto finding = context.packages->FindClaim(test.program->name);
    if (!finding) return finding.error();
    return Subject{.finding = std::move(*finding)};
  }
  auto package = context.packages->Find(test.called().name);
  if (!package) return package.error();
  const Expected<Golden>& golden = context.goldens->at(test.called().name);
  if (!golden) return golden.error();
  Subject subject{.package = std::move(*package), .golden = &*golden};
  if (test.property->judged) subject.trace_file = context.options->folder / TraceFileOf(test.id);  // one trace of a program is enough
  if (test.program->operators) subject.operators = context.options->paths.runners / "aoti_cts_operators.so";
  if (test.program->is_hostile()) {
    const auto file = context.packages->FindHostile(test.program->name);
    if (!file) return file.error();
    subject.hostile = test.program;
    subject.hostile_file = file->path;
  }
  if (test.feeder == nullptr) return subject;
  auto feeder = context.packages->Find(test.feeder->name);
  if (!feeder) return feeder.error();
  subject.feeder = test.feeder;
  subject.feeder_package = std::move(*feeder);
  return subject;
}

// What the body of a test has to say.
std::string OutcomeOf(const PlannedTest& test, const Subject& subject, Runner& runner, Keeper* keeper) {
  Trial trial(test.called(), test.call, subject, runner, keeper);
  try {
    test.property->body(trial);
  } catch (const TrialEnded&) {
    // the trial has said why
  }
  if (!std::filesystem::exists(SandboxTemporary())) trial.Fail("the runner has removed TMPDIR itself, which is not its own");
  return ToJson(trial.Finish(test.property->judged)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Runs a command and waits for it; ends as it has ended where it leaves no answer.
std::string AnswerOf(std::vector<std::string> command, const std::filesystem::path& answer) {
  std::vector<char*> raw;
  for (std::string& word : command) raw.push_back(word.data());
  raw.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    execv(raw[0], raw.data());
    _exit(kExitUsage);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  std::ifstream stream(answer);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  std::error_code gone;
  std::filesystem::remove(answer, gone);
  if (!text.empty()) return text;
  if (WIFSIGNALED(status)) raise(WTERMSIG(status));
  _exit(WEXITSTATUS(status));
}

class Worker {
 public:
  Worker(const WorkerContext& context, const RunnerSpec& spec, std::unique_ptr<Runner> runner, KnownIssues issues, std::atomic<int64_t>& due,
         bool alone)
      : context_(context),
        spec_(spec),
        runner_(std::move(runner)),
        issues_(std::move(issues)),
        writer_(std::make_unique<RecordWriter>(context.options->folder / "records.jsonl")),
        due_(due),
        alone_(alone) {
    writer_->Runner(spec.name, runner_->description().raw);
    for (const KnownIssue& issue : issues_.expired) {
      writer_->Complaint(fmt::format("known issue expired on {}: {} ({}) excuses nothing any more", issue.expires, issue.tests, issue.source));
    }
    ends_strays_ = prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
    for (const Stray& child : ChildrenNow()) own_children_.insert(child.pid);
    PromiseSignOfLife(due_, 2 * StartSeconds(*context.options));
    deadline_ = std::max(context.options->deadline_seconds, kDeadlineFactor * CalibratedSeconds());
    if (context.tests->size() / static_cast<size_t>(context.options->jobs) >= kWorthPreparingForks) MakeForksCheap();
  }

  bool Claim(size_t index) {
    if (context_.shared->stop.load() || context_.shared->enough.load() || IsForOneAlone((*context_.tests)[index])) return false;
    return !context_.shared->Claimed(index).exchange(true);
  }

  // Runs one test and writes its record. Returns the record for GoogleTest.
  Record RunTest(const PlannedTest& test) {
    writer_->Begin(test.id);
    Record record = Planned(test);
    SandboxResult result;
    if (const std::string lacking = LackingFor(test); !lacking.empty()) {
      record.verdict = Verdict::kUnsupported;
      record.message = fmt::format("the runner says it has no such thing: {}", lacking);
    } else if (const std::string needs = Unavailable(test); !needs.empty()) {
      record.verdict = Verdict::kUnavailable;
      record.message = needs;
    } else if (const auto subject = SubjectOf(context_, test); subject) {
      const std::string token = FreshToken();
      result = InSandbox(test, *subject, token);
      const std::string strays = ends_strays_ ? EndStrays(own_children_) : "";
      if (result.end == SandboxResult::End::kStopped) {
        writer_->Interrupted(test.id);
        Discard(test);
        return record;
      }
      Interpret(test, result, token, record);
      if (!strays.empty()) BlameForStrays(strays, record);
      if (!context_.options->sanitizer.empty()) BlameForFindings(test, record);
    } else {
      record.verdict = Verdict::kError;
      record.message = subject.error().message;
    }
    ApplyKnownIssues(record);
    FinishKeeping(test, record);
    if (InfoOf(record.verdict).red) record.output = result.output;
    writer_->End(record);
    context_.shared->Ended(static_cast<size_t>(&test - context_.tests->data())) = true;
    if (context_.options->stop_at_first_red && InfoOf(record.verdict).red) context_.shared->enough = true;
    ++context_.shared->ended;
    return record;
  }

  // Entries that match no test of this runner at all.
  void ReportDeadIssues() {
    for (const KnownIssue& issue : issues_.current) {
      const bool matches = std::any_of(context_.all_ids->begin(), context_.all_ids->end(),
                                       [&](const std::string& id) { return id.ends_with("/" + spec_.name) && MatchesGlob(issue.tests, id); });
      if (!matches) writer_->Complaint(fmt::format("known issue matches no test: {} ({}): correct or remove it", issue.tests, issue.source));
    }
  }

 private:
  static bool RunsOnCuda(const PlannedTest& test) { return test.program->needs_cuda() && (!test.property->cross_compiled || test.property->on_cuda); }

  // A capability that the property or the program asks for and the runner has not; empty: none.
  std::string LackingFor(const PlannedTest& test) const {
    const RunnerDescription& runner = runner_->description();
    if (runner.Lacks(test.property->capability)) return test.property->capability;
    if (RunsOnCuda(test) && !runner.devices.contains("cuda")) return "cuda";
    if (test.program->packaging.contains("absent") && runner.Lacks("constants")) return "constants";  // nobody could give it its weights
    return test.program->operators && runner.Lacks("custom_operators") ? "custom_operators" : "";
  }

  // Why the test cannot be tried here: no device, no package that this torch can have, or nobody who says what is right; empty where it can.
  std::string Unavailable(const PlannedTest& test) const {
    if (RunsOnCuda(test) && context_.cuda_devices == 0) return "no CUDA device";
    const int wanted = std::max(test.property->cuda_devices, test.program->cuda_devices());
    if (RunsOnCuda(test) && context_.cuda_devices < wanted)
      return fmt::format("{} CUDA devices are wanted, there is {}", wanted, context_.cuda_devices);
    const bool foreign = !context_.options->paths.spec.empty();
    if (foreign && test.property->by_export) return "the package was made elsewhere: what was exported is not known";
    if (foreign && test.property->by_reference && !context_.goldens->at(test.program->name)->calls.contains(test.call->name))
      return "the spec does not say what this call must answer";
    for (const Case* c : {test.program, test.feeder}) {
      if (c == nullptr) continue;
      if (const std::string needs = context_.packages->Unavailable(c->name); !needs.empty()) return fmt::format("{} {}", c->name, needs);
    }
    return "";
  }

  // Does it wait for a worker that has no other beside it? What cannot be tried here does not: nobody disturbs that.
  bool IsForOneAlone(const PlannedTest& test) const {
    return !alone_ && test.property->undisturbed && LackingFor(test).empty() && Unavailable(test).empty();
  }

  SandboxOptions Options(bool check_inputs, double deadline) const {
    SandboxOptions options;
    options.base = context_.scratch;
    options.deadline_seconds = deadline;
    options.environment["AOTI_RUNTIME_CHECK_INPUTS"] = check_inputs ? std::optional<std::string>("1") : std::nullopt;
    options.stop = &context_.shared->stop;
    return options;
  }

  // How much longer a test may take because the machine has other work too: processes that want a core, over twice the cores, for the threads of
  // a test are some themselves.
  static double Crowding() {
    constexpr double kMost = 6;
    double load = 0;
    if (getloadavg(&load, 1) != 1) return 1;
    return std::clamp(load / (2.0 * std::max(1U, std::thread::hardware_concurrency())), 1.0, kMost);
  }

  SandboxResult InSandbox(const PlannedTest& test, const Subject& subject, const std::string& token) {
    constexpr double kGraceSeconds = 5;
    constexpr double kSlower = 30;           // code on a device under compute-sanitizer
    constexpr double kOnDeviceSeconds = 45;  // each such test makes a context and loads libraries, which drivers do one process after the other
    const double patience = context_.options->sanitizer.empty() ? Crowding() : kSlower * Crowding();
    const double usual = test.property->deadline_seconds > 0 ? test.property->deadline_seconds : deadline_;
    const double deadline = patience * (RunsOnCuda(test) ? std::max(usual, kOnDeviceSeconds) : usual);
    PromiseSignOfLife(due_, 2 * deadline + kGraceSeconds);
    SandboxOptions options = Options(test.property->check_inputs, deadline);
    if (test.program->is_hostile()) options.environment["CUDA_VISIBLE_DEVICES"] = "";  // one that says it is for CUDA fares alike everywhere
    return RunInSandbox(options, [&] {
      writer_.reset();  // closes the child's copy: no runner finds the records among its files
      if (!context_.options->sanitizer.empty()) return token + UnderSanitizer(test);
      std::optional<KeptFiles> kept;
      if (context_.options->keep && !test.program->is_claim())
        kept.emplace(KeptFolder(test), test.called(), *subject.golden, subject.package, test.property->check_inputs);
      return token + OutcomeOf(test, subject, *runner_, kept ? &*kept : nullptr);
    });
  }

  std::filesystem::path LogsOf(const PlannedTest& test) const { return context_.options->folder / "sanitizer" / KeptFolderName(test.id); }

  // In the sandboxed child: the test in a process that was executed under compute-sanitizer.
  std::string UnderSanitizer(const PlannedTest& test) const {
    const CampaignOptions& options = *context_.options;
    const Paths& paths = options.paths;
    const auto logs = LogsOf(test);
    std::filesystem::remove_all(logs);
    std::filesystem::create_directories(logs);
    // Beside TMPDIR, in which a test looks for what a runtime leaves.
    const auto answer = SandboxTemporary().parent_path() / "answer";
    std::vector<std::string> target{std::filesystem::read_symlink("/proc/self/exe").string(),
                                    "run",
                                    "--one-test",
                                    test.id,
                                    "--answer",
                                    answer.string(),
                                    "--runner",
                                    RunnerText()};
    for (const auto& [option, path] : {std::pair{"--plan", paths.plan},
                                       {"--packages", paths.packages},
                                       {"--golden", paths.golden},
                                       {"--requirements", paths.requirements},
                                       {"--package", paths.package},
                                       {"--spec", paths.spec}}) {
      if (!path.empty()) target.insert(target.end(), {option, path.string()});
    }
    setenv("PYTORCH_NO_CUDA_MEMORY_CACHING", "1", 1);  // else the tool sees one large allocation, and no bounds inside it
    return AnswerOf(SanitizerCommand(options.compute_sanitizer, options.sanitizer, logs, target), answer);
  }

  void BlameForFindings(const PlannedTest& test, Record& record) const {
    const SanitizerFindings findings = ReadSanitizerLogs(LogsOf(test));
    const std::string tool = "compute-sanitizer " + context_.options->sanitizer;
    if (findings.count > 0) {
      if (!InfoOf(record.verdict).red) record.verdict = Verdict::kFail;
      record.message +=
          fmt::format("{}{} found {} in this test: {}\nthe whole log: {}", record.message.empty() ? "" : "\n", tool,
                      findings.count == 1 ? "1 error" : fmt::format("{} errors", findings.count), findings.first, LogsOf(test).string());
    } else if (!findings.complete && !InfoOf(record.verdict).red) {
      record.verdict = Verdict::kError;
      record.message += fmt::format("{}{} has left no summary of this test, so nothing is known: {}", record.message.empty() ? "" : "\n", tool,
                                    LogsOf(test).string());
    } else if (findings.complete) {
      std::error_code gone;
      std::filesystem::remove_all(LogsOf(test), gone);
    }
  }

  std::filesystem::path KeptFolder(const PlannedTest& test) const { return context_.options->folder / "kept" / KeptFolderName(test.id); }

  void Discard(const PlannedTest& test) const {
    std::error_code ignored;  // no such folder: nothing was kept
    std::filesystem::remove_all(KeptFolder(test), ignored);
  }

  // Completes what the test has left, or removes it where nobody has asked for it.
  void FinishKeeping(const PlannedTest& test, const Record& record) {
    if (!context_.options->keep || !std::filesystem::exists(KeptFolder(test))) return;
    const bool of_interest = InfoOf(record.verdict).red || record.verdict == Verdict::kKnownIssue ||
                             (record.verdict == Verdict::kRecorded && record.observation != "correct");
    if (!of_interest && context_.tests->size() > kKeepAllTests) return Discard(test);
    const std::string verdict = fmt::format("{}{}{}", InfoOf(record.verdict).name, record.observation.empty() ? "" : ", ", record.observation);
    std::string sentence = record.sentence;
    std::replace(sentence.begin(), sentence.end(), '_', ' ');
    const KeptStory story{record.id,
                          sentence,
                          verdict,
                          record.message + (record.known_issue.empty() ? "" : "\nKnown issue: " + record.known_issue),
                          record.repeat,
                          spec_.name,
                          runner_->description().torch_library};
    const Status finished = FinishKept(KeptFolder(test), story, AOTI_SOURCE_DIR "/fixtures/repeat.cc");
    if (!finished) writer_->Complaint("what --keep leaves is not complete: " + finished.error().message);
  }

  static void BlameForStrays(const std::string& strays, Record& record) {
    if (!InfoOf(record.verdict).red) record.verdict = Verdict::kFail;
    record.message +=
        fmt::format("{}a process was left running outside the test's process group, and killed: {}", record.message.empty() ? "" : "\n", strays);
  }

  static void Interpret(const PlannedTest& test, const SandboxResult& result, const std::string& token, Record& record) {
    record.seconds = result.seconds;
    record.residue = result.residue;
    if (result.end == SandboxResult::End::kReturned) {
      if (!result.answer.starts_with(token)) {
        record.verdict = Verdict::kCrash;
        record.message = "something other than the suite wrote on the pipe on which the test answers";
        return;
      }
      Outcome outcome;
      try {
        outcome = OutcomeFromJson(nlohmann::json::parse(result.answer.substr(token.size())));
      } catch (const std::exception& e) {  // for example of a runtime that forks: both processes go on and answer
        record.verdict = Verdict::kCrash;
        record.message = fmt::format("the test has answered more than once, or in part: {}", e.what());
        return;
      }
      record.verdict = outcome.verdict;
      record.message = outcome.message;
      if (record.verdict == Verdict::kUnsupported) {  // what a runner has not it says beforehand, so that no failing test turns into this
        record.verdict = Verdict::kFail;
        record.message += "; its description does not say so, see the capabilities in runners/aoti_runner.h";
      }
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

  // The first entry that names the test and says what happened. Where only its words are others, the message says so: the entry may be out
  // of date, or something else may be broken now.
  void ApplyKnownIssues(Record& record) const {
    const bool broken = record.verdict == Verdict::kFail || record.verdict == Verdict::kCrash || record.verdict == Verdict::kTimeout;
    std::string hints;
    for (const KnownIssue& issue : issues_.current) {
      if (!MatchesGlob(issue.tests, record.id)) continue;
      if (broken && record.message.find(issue.text) == std::string::npos) {
        hints += fmt::format("\na known issue names this test, but its words \"{}\" are not in the message: \"{}\" ({})", issue.text, issue.tests,
                             issue.source);
        continue;
      }
      if (broken) {
        record.verdict = Verdict::kKnownIssue;
        record.known_issue = issue.source + ": " + issue.reason;
      } else if (record.verdict == Verdict::kPass) {
        record.known_issue = issue.source + ": " + issue.reason;
        if (issue.always) record.verdict = Verdict::kUnexpectedPass;
        if (issue.always)
          record.message = fmt::format("passes although a known issue says it always fails: remove the entry \"{}\" ({})", issue.tests, issue.source);
      }
      return;
    }
    record.message += hints;
  }

  // As the command line names it.
  std::string RunnerText() const {
    if (spec_.library.parent_path() != context_.options->paths.runners) return spec_.library.string();
    return spec_.config.contains("fault") ? "faulty:" + spec_.config.at("fault").get<std::string>() : spec_.name;
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
    const std::string runner = RunnerText();
    const Paths& paths = context_.options->paths;
    std::string options;
    if (!paths.spec.empty()) options = fmt::format("--package {} --spec {} ", ForShell(paths.package.string()), ForShell(paths.spec.string()));
    if (!context_.options->sanitizer.empty()) options += fmt::format("--sanitizer {} ", context_.options->sanitizer);
    record.repeat = fmt::format("./aoti-cts run {}--runner {} --test '{}'", options, ForShell(runner), test.id);
    return record;
  }

  // Seconds that loading and running the first package that is there takes in a sandbox; 0 where there is none, or where that goes wrong.
  double CalibratedSeconds() {
    for (const PlannedTest& test : *context_.tests) {
      if (test.runner->name != spec_.name || !test.program->is_program() || test.program->needs_cuda()) continue;
      auto subject = SubjectOf(context_, test);
      if (!subject) continue;
      const SandboxResult result = RunInSandbox(Options(false, StartSeconds(*context_.options)), [&] {
        writer_.reset();
        Trial trial(*test.program, nullptr, *subject, *runner_);
        try {
          Model model = trial.Load();
          trial.JudgeCall(model, trial.ExampleCall());
        } catch (const TrialEnded&) {
          return std::string("refused");
        }
        return std::string("ran");
      });
      if (ends_strays_) EndStrays(own_children_);
      return result.end == SandboxResult::End::kReturned ? result.seconds : 0;
    }
    return 0;
  }

  const WorkerContext& context_;
  const RunnerSpec& spec_;
  std::unique_ptr<Runner> runner_;
  KnownIssues issues_;
  std::unique_ptr<RecordWriter> writer_;
  std::atomic<int64_t>& due_;
  const bool alone_;
  double deadline_ = 0;
  bool ends_strays_ = false;
  std::set<pid_t> own_children_;  // of the runner, since open()
};

// One planned test as GoogleTest sees it.
class ConformanceTest : public testing::Test {
 public:
  ConformanceTest(Worker& worker, const PlannedTest& test, size_t index) : worker_(worker), test_(test), index_(index) {}

  void TestBody() override {
    if (!worker_.Claim(index_)) GTEST_SKIP() << "left to another worker, or the run was stopped";
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
  for (const char* variable : {"GTEST_FILTER", "GTEST_TOTAL_SHARDS", "GTEST_SHARD_INDEX", "GTEST_SHUFFLE", "GTEST_REPEAT", "GTEST_OUTPUT",
                               "GTEST_FAIL_FAST", "GTEST_BREAK_ON_FAILURE"}) {
    unsetenv(variable);
  }
  int count = 1;
  std::string name = "aoti-cts";
  std::array<char*, 2> arguments{name.data(), nullptr};
  testing::InitGoogleTest(&count, arguments.data());
  testing::FLAGS_gtest_catch_exceptions = false;  // a record that cannot be written ends the worker
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());  // the records are the output
}

}  // namespace

void PromiseSignOfLife(std::atomic<int64_t>& due, double seconds) { due = NowMilliseconds() + static_cast<int64_t>(seconds * 1000); }

bool IsOverdue(const std::atomic<int64_t>& due) { return NowMilliseconds() > due; }

int JudgeHere(const PlannedTest& test, const WorkerContext& context) {
  ContinueSandbox();
  auto subject = SubjectOf(context, test);
  if (!subject) throw std::runtime_error(subject.error().message);
  auto runner = Runner::Open(*test.runner);
  if (!runner) throw std::runtime_error(runner.error().message);
  std::ofstream(context.options->answer) << OutcomeOf(test, *subject, **runner, nullptr) << std::flush;
  fflush(nullptr);
  return kExitGood;
}

int WorkerMain(const WorkerContext& context, const RunnerSpec& spec, std::atomic<int64_t>& due, bool alone) {
  try {
    // Workers share the cores: threads that spin while they wait for each other would take them from the next worker's test.
    setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0);
    auto runner = Runner::Open(spec);
    if (!runner) {
      RecordWriter(context.options->folder / "records.jsonl").Stopped(spec.name, runner.error().message);
      return kWorkerNoRunner;
    }
    // Known breakages excuse a runner by a name that is ours, or that a person has given its file: not by what it calls itself.
    const bool ours = spec.library.parent_path() == context.options->paths.runners;
    const std::string& known_as = ours ? (*runner)->description().base : spec.name;
    const std::filesystem::path file = context.options->paths.known_issues / (known_as + ".known_issues.json");
    auto issues = ReadKnownIssues(file, {(*runner)->description().torch_version, context.packages->torch}, Today(), AOTI_SOURCE_DIR);
    if (!issues) {
      RecordWriter(context.options->folder / "records.jsonl").Stopped(spec.name, issues.error().message);
      return kWorkerNoRunner;
    }
    PrepareGoogleTest();
    Worker worker(context, spec, std::move(*runner), std::move(*issues), due, alone);
    for (size_t i = 0; i < context.tests->size(); ++i) {
      const PlannedTest& test = (*context.tests)[i];
      if (test.runner != &spec) continue;
      const std::string suite = test.property->requirement + "/" + test.property->sentence;
      const std::string name = test.id.substr(suite.size() + 1);
      testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [&worker, &test, i]() -> testing::Test* { return new ConformanceTest(worker, test, i); });
    }
    const Selection& s = context.options->selection;
    const bool everything = s.areas.empty() && s.requirements.empty() && s.cases.empty() && s.tests.empty() && context.options->paths.spec.empty();
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
