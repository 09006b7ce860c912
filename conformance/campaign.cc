// SPDX-License-Identifier: Apache-2.0
#include "conformance/campaign.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <utility>

#include "conformance/progress.h"
#include "conformance/worker.h"
#include "fixtures/cuda_devices.h"
#include "fixtures/hash.h"
#include "fixtures/json_file.h"
#include "fixtures/known_issues.h"
#include "fixtures/sandbox.h"
#include "fixtures/spec.h"

namespace aoti_cts {
namespace {

using nlohmann::json;

bool Contains(const std::vector<std::string>& names, const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

bool Selected(const Selection& s, const Property& property, const Case& c, const std::string& id) {
  const std::string area = AreaOf(property.requirement);
  if (property.canary && !Contains(s.areas, area)) return false;
  const bool all = s.profile == Profile::kFull || !s.cases.empty() || !s.tests.empty();
  if (c.is_claim() && !s.claims) return false;
  if (property.cross_compiled != (c.compiled_for != 0)) return false;
  if (c.needs_cuda() && !property.on_cuda && !property.cross_compiled) return false;
  const auto names_it = [&](const std::string& glob) { return glob.find("/" + c.name) != std::string::npos; };
  const bool named = Contains(s.cases, c.name) || std::any_of(s.tests.begin(), s.tests.end(), names_it);
  if (c.profile == CaseProfile::kNamed && !named) return false;
  if (c.profile == CaseProfile::kFull && !named && s.profile != Profile::kFull) return false;
  if (property.sampled && !c.representative && !all) return false;
  if (property.long_running && !all) return false;
  if (!s.areas.empty() && !Contains(s.areas, area)) return false;
  if (!s.requirements.empty() && !Contains(s.requirements, property.requirement)) return false;
  if (!s.cases.empty() && !Contains(s.cases, c.name)) return false;
  return s.tests.empty() || std::any_of(s.tests.begin(), s.tests.end(), [&](const std::string& glob) { return MatchesGlob(glob, id); });
}

// 1 of "DYN_1".
int NumberOf(const std::string& requirement) {
  int number = 0;
  const size_t digits = requirement.find('_') + 1;
  std::from_chars(requirement.data() + digits, requirement.data() + requirement.size(), number);
  return number;
}

// By area, then number: "DYN_2" stands before "DYN_10". Links in whatever order, reads in one.
const std::vector<Property>& PropertiesByRequirement() {
  static const std::vector<Property> sorted = [] {
    std::vector<Property> properties = Properties();
    std::stable_sort(properties.begin(), properties.end(), [](const Property& a, const Property& b) {
      const auto key = [](const Property& p) { return std::pair{AreaOf(p.requirement), NumberOf(p.requirement)}; };
      return key(a) < key(b);
    });
    return properties;
  }();
  return sorted;
}

// A selection that names what does not exist is a mistake, even where the rest selects something.
std::optional<Error> UnknownName(const Selection& s, const std::vector<Case>& cases, const Catalogue& catalogue) {
  for (const std::string& name : s.cases) {
    if (std::none_of(cases.begin(), cases.end(), [&](const Case& c) { return c.name == name; })) {
      return Error{fmt::format(
          "no case, claim or hostile package is called {}: ./aoti-cts list --cases, list --claims and list --hostile name them all", name)};
    }
  }
  for (const std::string& id : s.requirements) {
    if (catalogue.Find(id) == nullptr) return Error{fmt::format("no requirement is called {}: ./aoti-cts list --requirements names them all", id)};
  }
  for (const std::string& area : s.areas) {
    const auto& properties = Properties();
    if (std::none_of(properties.begin(), properties.end(), [&](const Property& p) { return AreaOf(p.requirement) == area; })) {
      return Error{fmt::format("no area is called {}: ./aoti-cts list --areas names them all", area)};
    }
  }
  return std::nullopt;
}

// A promise that nobody can look up is no promise.
std::optional<Error> PropertyWithoutRequirement(const std::vector<PlannedTest>& tests, const Catalogue& catalogue) {
  for (const PlannedTest& test : tests) {
    const Property& p = *test.property;
    if (p.canary || catalogue.Find(p.requirement) != nullptr) continue;
    return Error{
        fmt::format("the property {} belongs to {}, which conformance/requirements.json does not have: add a row with its statement and source",
                    p.sentence, p.requirement)};
  }
  return std::nullopt;
}

std::string OutputOf(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  std::array<char, 256> buffer{};
  while (fgets(buffer.data(), buffer.size(), pipe) != nullptr) text += buffer.data();
  pclose(pipe);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// What is judged, with what: all that the plan and its packages have, or one package that was made elsewhere.
struct Material {
  std::vector<Case> cases;
  Packages packages;
  std::optional<Spec> spec;
};

Expected<Material> MaterialOf(const Paths& paths) {
  if (paths.spec.empty()) {
    auto cases = ReadCases(paths.plan);
    if (!cases) return cases.error();
    auto packages = ReadPackages(paths.packages);
    if (!packages) return packages.error();
    return Material{std::move(*cases), std::move(*packages), std::nullopt};
  }
  auto spec = ReadSpec(paths.spec);
  if (!spec) return spec.error();
  auto packages = OnePackage(spec->program.name, paths.package, spec->torch.empty() ? AOTI_TORCH_VERSION : spec->torch);
  if (!packages) return packages.error();
  return Material{{spec->program}, std::move(*packages), std::move(*spec)};
}

// One hash for all goldens, so that a comparison of two runs can tell that one was blessed anew. The JSON of a golden has the hashes of its data.
std::string HashOfGoldens(const std::filesystem::path& folder) {
  std::error_code missing;
  std::map<std::string, std::string> hashes;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
    if (entry.path().extension() != ".json") continue;
    const auto hash = Sha256OfFile(entry.path());
    hashes[entry.path().filename().string()] = hash ? *hash : "unknown";
  }
  return hashes.empty() ? "unknown" : Sha256(json(hashes).dump());
}

// One hash for a spec and all that it names.
std::string HashOfSpec(const Spec& spec) {
  std::string hashes;
  for (const auto& file : spec.files) {
    const auto hash = Sha256OfFile(file);
    hashes += hash ? *hash : "unknown";
  }
  return Sha256(hashes);
}

json ProvenanceOf(const CampaignOptions& options, const Material& material, const CudaDevices& cuda) {
  const Packages& packages = material.packages;
  utsname host{};
  uname(&host);
  const std::string commit = OutputOf("git -C '" AOTI_SOURCE_DIR "' describe --always --dirty --abbrev=40 2>/dev/null || cat '" AOTI_SOURCE_DIR
                                      "/dependencies/commit' 2>/dev/null");  // a bundle is no clone
  const auto plan = Sha256OfFile(material.spec ? options.paths.spec : options.paths.plan);
  json provenance{{"suite_version", AOTI_SUITE_VERSION},
                  {"commit", commit.empty() ? "unknown" : commit},
                  {"command", options.command},
                  {"started", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
                  {"plan_sha256", plan ? *plan : "unknown"},
                  {"goldens_sha256", material.spec ? HashOfSpec(*material.spec) : HashOfGoldens(options.paths.golden)},
                  {"torch", packages.torch},
                  {"torch_git", packages.torch_git},
                  {"isa", packages.isa},
                  {"compiler", packages.compiler},
                  {"host", fmt::format("{} {} {}", host.sysname, host.release, host.machine)}};
  if (!cuda.words.empty()) provenance["cuda"] = cuda.words;
  return provenance;
}

std::string_view NameOf(Expectation expect) {
  switch (expect) {
    case Expectation::kOk:
      return "ok";
    case Expectation::kRefused:
      return "refused";
    case Expectation::kRecorded:
      break;
  }
  return "recorded";
}

// The programs that tests are of, with the first line of what they are for.
json ProgramsOf(const std::vector<PlannedTest>& tests) {
  std::map<const Case*, json> programs;  // cases lie in one array, in the order of the plan
  for (const PlannedTest& test : tests) {
    const Case& c = *test.program;
    if (c.is_claim()) continue;
    programs[&c] = {{"name", c.name}, {"about", c.doc.substr(0, c.doc.find('\n'))}, {"profile", NameOf(c.profile)}};
  }
  json list = json::array();
  for (auto& [ignored, program] : programs) list.push_back(std::move(program));
  return list;
}

Status WritePlan(const CampaignOptions& options, const std::vector<PlannedTest>& tests, const json& provenance) {
  json planned = json::array();
  for (const PlannedTest& test : tests) {
    planned.push_back({{"id", test.id},
                       {"requirement", test.property->requirement},
                       {"sentence", test.property->sentence},
                       {"case", test.program->name},
                       {"call", test.call != nullptr ? test.call->name : ""},
                       {"runner", test.runner->name},
                       {"judged", test.property->judged},
                       {"cell", test.call != nullptr ? test.call->cell : ""},
                       {"expect", test.call != nullptr ? NameOf(test.call->expect) : ""},
                       {"check_inputs", test.property->check_inputs}});
  }
  return WriteFileAtomically(options.folder / "plan.json",
                             json{{"provenance", provenance}, {"programs", ProgramsOf(tests)}, {"tests", planned}}.dump(1) + "\n");
}

// Did the process that ran this test die, so that the records hold no end of it?
bool BegunOnly(const Record& record) { return record.verdict == Verdict::kCrash && record.seconds == 0; }

// Tests of an interrupted run that have an end already.
Expected<std::set<std::string>> EndedIds(const std::filesystem::path& folder, const std::vector<PlannedTest>& tests) {
  try {
    const Run before = ReadRun(folder);
    std::set<std::string> planned;
    for (const PlannedTest& test : tests) planned.insert(test.id);
    std::set<std::string> ended;
    for (const Record& record : before.records) {
      if (!planned.contains(record.id)) {
        return Error{
            fmt::format("{}: the run planned {}, which this suite or selection does not have: resume with the same command, or start a new run",
                        folder.string(), record.id)};
      }
      if (record.verdict != Verdict::kNotRun && !BegunOnly(record)) ended.insert(record.id);
    }
    if (before.records.size() != tests.size()) {
      return Error{fmt::format("{}: the run planned {} tests, this selection has {}: resume with the same command, or start a new run",
                               folder.string(), before.records.size(), tests.size())};
    }
    return ended;
  } catch (const std::exception& e) {
    return Error{e.what()};
  }
}

std::atomic<bool>* stop_flag = nullptr;
void OnInterrupt(int /*signal*/) {
  if (stop_flag != nullptr) stop_flag->store(true);
}

// Memory that forked workers share.
class SharedMemory {
 public:
  explicit SharedMemory(size_t tests) : size_(sizeof(SharedState) + 2 * tests * sizeof(std::atomic<bool>)) {
    memory_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~SharedMemory() { munmap(memory_, size_); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  SharedState* state() const { return static_cast<SharedState*>(memory_); }  // zeroed: nothing claimed, nothing ended

 private:
  size_t size_;
  void* memory_;
};

// Spawns the workers of one runner and waits until all its tests are claimed and ended.
class Crew {
 public:
  Crew(const WorkerContext& context, const RunnerSpec& runner, Progress& progress) : context_(context), runner_(runner), progress_(progress) {}

  // Returns a complaint where the runner could not be used at all. What is to be undisturbed comes last, when a single worker is left: then there is
  // nothing to lock, and nobody can die with the lock.
  std::optional<std::string> Work() {
    const size_t beside_others = Unclaimed([](const PlannedTest& test) { return !test.property->undisturbed; });
    const bool done = WorkWith(std::clamp(static_cast<int>(beside_others), 1, std::min(context_.options->jobs, kMostWorkers)));
    if (done && Unclaimed() > 0 && !context_.shared->stop.load() && !context_.shared->enough.load()) WorkWith(1);
    return complaint_;
  }

 private:
  // False where no worker has gone through all tests.
  bool WorkWith(int jobs) {
    bool done = false;
    alone_ = jobs == 1;
    for (int place = 0; place < jobs; ++place) {
      if (!Spawn(place)) complaint_ = fmt::format("a worker of runner {} cannot be started ({})", runner_.name, std::strerror(errno));
    }
    while (!workers_.empty()) {
      int status = 0;
      const pid_t ended = waitpid(-1, &status, WNOHANG);
      if (ended <= 0) {
        progress_.Show(context_.shared->ended.load());
        KillOverdue();
        usleep(20000);
        continue;
      }
      const Hand worker = workers_[ended];
      workers_.erase(ended);
      if (WIFEXITED(status) && WEXITSTATUS(status) == kWorkerDone) {
        done = true;
        continue;
      }
      complaint_ = Describe(worker, status);
      const bool progressed = context_.shared->ended.load() > worker.ended_at_start;
      const bool gave_up = WIFEXITED(status) && (WEXITSTATUS(status) == kWorkerNoRunner || WEXITSTATUS(status) == kWorkerNoRecord);
      if (!gave_up && progressed && Unclaimed() > 0 && !context_.shared->stop.load()) Spawn(worker.place);
    }
    progress_.Show(context_.shared->ended.load());
    return done;
  }

  size_t Unclaimed(bool (*counts)(const PlannedTest&) = [](const PlannedTest& /*any*/) { return true; }) const {
    size_t count = 0;
    for (size_t i = 0; i < context_.tests->size(); ++i) {
      const PlannedTest& test = (*context_.tests)[i];
      count += test.runner == &runner_ && !context_.shared->Claimed(i).load() && counts(test) ? 1 : 0;
    }
    return count;
  }

  struct Hand {
    int place;                // in the shared state
    uint32_t ended_at_start;  // tests
    bool overdue = false;
  };

  bool Spawn(int place) {
    fflush(nullptr);
    const pid_t parent = getpid();
    PromiseSignOfLife(context_.shared->due[place], StartSeconds(*context_.options));
    const pid_t worker = fork();
    if (worker == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(kWorkerNoRecord);
      _exit(WorkerMain(context_, runner_, context_.shared->due[place], alone_));
    }
    if (worker > 0) workers_[worker] = {place, context_.shared->ended.load()};
    return worker > 0;
  }

  // Also those that do not end although the run was stopped.
  void KillOverdue() {
    constexpr double kStopSeconds = 5;
    const bool first_stop = context_.shared->stop.load() && !std::exchange(stopping_, context_.shared->stop.load());
    for (auto& [worker, hand] : workers_) {
      std::atomic<int64_t>& due = context_.shared->due[hand.place];
      if (first_stop) PromiseSignOfLife(due, kStopSeconds);
      if (!IsOverdue(due)) continue;
      hand.overdue = true;
      kill(worker, SIGKILL);
    }
  }

  std::string Describe(const Hand& worker, int status) const {
    if (worker.overdue) {
      return fmt::format(
          "a worker of runner {} gave no sign of life and was killed: the runner does not return from open() or describe(), or holds up its process "
          "outside any test; "
          "a longer --deadline gives it more time",
          runner_.name);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == kWorkerNoRunner) return "";  // its own words are in the records
    if (WIFEXITED(status))
      return fmt::format("a worker of runner {} stopped with exit status {}: its tests stay not_run", runner_.name, WEXITSTATUS(status));
    return fmt::format("a worker of runner {} died of {} outside any sandbox", runner_.name, strsignal(WTERMSIG(status)));
  }

  const WorkerContext& context_;
  const RunnerSpec& runner_;
  Progress& progress_;
  std::map<pid_t, Hand> workers_;
  std::optional<std::string> complaint_;
  bool alone_ = false;  // each worker spawned now is the only one
  bool stopping_ = false;
};

const Case* FeederOf(const Call* call, const std::vector<Case>& cases) {
  if (call == nullptr || !call->feed) return nullptr;
  return &*std::find_if(cases.begin(), cases.end(), [&](const Case& c) { return c.name == call->feed->case_name; });
}

const Case* OriginOf(const Case& c, const std::vector<Case>& cases) {
  if (!c.is_hostile()) return nullptr;
  return &*std::find_if(cases.begin(), cases.end(), [&](const Case& other) { return other.name == c.made_from; });
}

// The CUDA devices that are there, where a program of these tests needs one.
CudaDevices DevicesFor(const std::vector<PlannedTest>& tests, const std::filesystem::path& temporary) {
  const bool wanted = std::any_of(tests.begin(), tests.end(), [](const PlannedTest& test) { return test.program->needs_cuda(); });
  return wanted ? FindCudaDevices(temporary) : CudaDevices{.words = ""};
}

// A runner shares its process with a worker: it may find the records and write ends of tests that no worker has run. A second end, written here,
// makes each of these an error.
Run ReadDisowningForged(const std::filesystem::path& folder, const std::vector<PlannedTest>& tests, SharedState& shared) {
  Run run = ReadRun(folder);  // in the order of the plan
  std::optional<RecordWriter> writer;
  for (size_t i = 0; i < tests.size(); ++i) {
    const Record& record = run.records[i];
    if (shared.Ended(i) || record.verdict == Verdict::kNotRun || BegunOnly(record)) continue;
    if (!writer) writer.emplace(folder / "records.jsonl");
    writer->End(record);
  }
  return writer ? ReadRun(folder) : std::move(run);
}

Expected<std::filesystem::path> MakeScratch() {
  const auto base = TemporaryFolder();
  if (!base) return base.error();
  std::string pattern = (*base / "aoti-cts-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    return Error{fmt::format("{}: cannot be made ({}); set TMPDIR to a folder with space", pattern, std::strerror(errno))};
  return std::filesystem::path(pattern);
}

}  // namespace

std::vector<PlannedTest> PlanTests(const std::vector<Case>& cases, const std::vector<RunnerSpec>& runners, const Selection& selection) {
  std::vector<PlannedTest> tests;
  for (const RunnerSpec& runner : runners) {
    for (const Property& property : PropertiesByRequirement()) {
      for (const Case& c : cases) {
        for (const Call* call : property.targets(c)) {
          std::string id = fmt::format("{}/{}/{}{}{}/{}", property.requirement, property.sentence, c.name, call != nullptr ? "." : "",
                                       call != nullptr ? call->name : "", runner.name);
          if (Selected(selection, property, c, id))
            tests.push_back({std::move(id), &property, &c, call, &runner, FeederOf(call, cases), OriginOf(c, cases)});
        }
      }
    }
  }
  return tests;
}

Expected<std::filesystem::path> TemporaryFolder() {
  std::error_code failure;
  auto folder = std::filesystem::temp_directory_path(failure);
  if (!failure) return folder;
  const char* named = std::getenv("TMPDIR");
  return Error{
      fmt::format("TMPDIR={} is no folder ({}): make it, or set TMPDIR to one with space", named != nullptr ? named : "", failure.message())};
}

int ExitCodeOf(const Run& run) {
  if (run.interrupted) return kExitInterrupted;
  const bool red = std::any_of(run.records.begin(), run.records.end(), [](const Record& record) { return InfoOf(record.verdict).red; });
  const bool tried = std::any_of(run.records.begin(), run.records.end(), [](const Record& record) { return InfoOf(record.verdict).tried; });
  if (red) return tried ? kExitRed : kExitUsage;
  return tried ? kExitGood : kExitNothingRan;
}

Status CheckSelection(const CampaignOptions& options) {
  const auto spec = options.paths.spec.empty() ? Expected<Spec>(Spec{}) : ReadSpec(options.paths.spec);
  if (!spec) return spec.error();
  const auto cases = options.paths.spec.empty() ? ReadCases(options.paths.plan) : std::vector<Case>{spec->program};
  if (!cases) return cases.error();
  const auto catalogue = ReadCatalogue(options.paths.requirements);
  if (!catalogue) return catalogue.error();
  if (const auto unknown = UnknownName(options.selection, *cases, *catalogue)) return *unknown;
  return Done{};
}

Expected<CampaignResult> RunCampaign(const CampaignOptions& options) {
  auto catalogue = ReadCatalogue(options.paths.requirements);
  if (!catalogue) return catalogue.error();
  auto material = MaterialOf(options.paths);
  if (!material) return material.error();
  const std::vector<Case>& cases = material->cases;
  Packages& packages = material->packages;
  if (const auto unknown = UnknownName(options.selection, cases, *catalogue)) return *unknown;
  std::vector<PlannedTest> tests = PlanTests(cases, options.runners, options.selection);
  CampaignResult result;
  if (!options.sanitizer.empty()) {
    std::erase_if(tests, [](const PlannedTest& test) { return !test.program->needs_cuda(); });
    if (tests.empty()) fmt::print(stderr, "--sanitizer looks at tests of CUDA programs alone, and none is selected\n");
  }
  if (tests.empty()) {
    fmt::print(stderr, "nothing is selected: no test matches; ./aoti-cts list --tests shows what there is\n");
    result.exit_code = kExitNothingRan;
    return result;
  }
  std::map<std::string, Expected<Golden>> goldens;
  for (const PlannedTest& test : tests) {
    const Case& called = test.called();
    if (called.is_claim() || goldens.contains(called.name)) continue;
    goldens.emplace(called.name, material->spec ? material->spec->golden : ReadGolden(options.paths.golden, called.origin()));
  }
  if (!options.answer.empty())
    return CampaignResult{.exit_code = JudgeHere(tests.front(), {.options = &options, .packages = &packages, .goldens = &goldens})};
  if (const auto orphan = PropertyWithoutRequirement(tests, *catalogue)) return *orphan;
  for (const auto& [name, golden] : goldens) packages.CheckHash(name);
  for (const PlannedTest& test : tests) {
    if (test.feeder != nullptr && !goldens.contains(test.feeder->name)) packages.CheckHash(test.feeder->name);
  }
  const auto temporary = TemporaryFolder();
  if (!temporary) return temporary.error();
  const CudaDevices cuda = DevicesFor(tests, *temporary);
  const SharedMemory shared(tests.size());
  std::error_code failure;
  if (!options.resume) std::filesystem::create_directories(options.folder, failure);
  if (failure) return Error{fmt::format("{}: cannot be made ({}); name another folder with --out", options.folder.string(), failure.message())};
  size_t done_before = 0;
  if (options.resume) {
    auto ended = EndedIds(options.folder, tests);
    if (!ended) return ended.error();
    for (size_t i = 0; i < tests.size(); ++i) shared.state()->Claimed(i) = shared.state()->Ended(i) = ended->contains(tests[i].id);
    done_before = ended->size();
  } else {
    std::filesystem::remove(options.folder / "records.jsonl", failure);
    if (auto written = WritePlan(options, tests, ProvenanceOf(options, *material, cuda)); !written) return written.error();
  }
  const std::filesystem::path records = options.folder / "records.jsonl";
  RecordWriter{records};  // makes the file, whatever happens to the workers; is closed again, so that no runner inherits it
  for (const char* old : {"results.json", "junit.xml", "report.md", "report.html"}) std::filesystem::remove(options.folder / old, failure);
  auto scratch = MakeScratch();
  if (!scratch) return scratch.error();
  if (options.planned) options.planned();

  stop_flag = &shared.state()->stop;
  std::signal(SIGINT, OnInterrupt);
  std::signal(SIGTERM, OnInterrupt);
  std::vector<std::string> all_ids;
  for (const PlannedTest& test : PlanTests(cases, options.runners, {.profile = Profile::kFull})) all_ids.push_back(test.id);
  const WorkerContext context{&options, &tests, &all_ids, &packages, &goldens, *scratch, shared.state(), cuda.count};
  Progress progress(records, tests.size() - done_before, options.quiet);
  std::vector<std::string> unwritten;
  for (const RunnerSpec& runner : options.runners) {
    Crew crew(context, runner, progress);
    if (const auto complaint = crew.Work(); complaint && !complaint->empty()) {
      try {
        RecordWriter(records).Stopped(runner.name, *complaint);
      } catch (const std::exception&) {
        unwritten.push_back(*complaint);  // the disk is full, as a worker has said
      }
    }
  }
  progress.Finish();
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::filesystem::remove_all(*scratch, failure);
  try {
    result.run = ReadDisowningForged(options.folder, tests, *shared.state());
  } catch (const std::exception& e) {
    return Error{e.what()};
  }
  result.run.interrupted = shared.state()->stop.load();
  result.run.complaints.insert(result.run.complaints.end(), unwritten.begin(), unwritten.end());
  result.exit_code = ExitCodeOf(result.run);
  return result;
}

}  // namespace aoti_cts
