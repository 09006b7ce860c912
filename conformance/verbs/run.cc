// SPDX-License-Identifier: Apache-2.0
// run: the main job.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>

#include "conformance/resources.h"
#include "conformance/sanitizer.h"
#include "conformance/verbs/verbs.h"
#include "fixtures/hash.h"
#include "fixtures/json_file.h"
#include "fixtures/packages.h"
#include "reports/report.h"
#include "reports/text.h"

namespace aoti_cts {
namespace {

struct RunOptions {
  CampaignOptions campaign;
  std::vector<std::string> runners{"package"};
  bool no_build = false;
  bool ctest = false;
};

// Made here and now, so that a run of the same second gets another.
Expected<std::filesystem::path> NewRunFolder() {
  const std::string second = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time(nullptr)));
  std::error_code failure;
  std::filesystem::create_directories(RunsFolder(), failure);
  for (int number = 1; !failure; ++number) {
    auto folder = RunsFolder() / (number == 1 ? second : fmt::format("{}-{}", second, number));
    if (std::filesystem::create_directory(folder, failure)) return folder;
  }
  return Error{fmt::format("{}: no folder can be made in it ({}); name one with --out", RunsFolder().string(), failure.message())};
}

// Ids name runners: two of one name would share theirs.
std::optional<Error> SameName(const std::vector<RunnerSpec>& runners) {
  for (size_t i = 0; i < runners.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (runners[i].name != runners[j].name) continue;
      return Error{fmt::format("two runners are called {} ({} and {}): name each once, and give libraries different names", runners[i].name,
                               runners[j].library.string(), runners[i].library.string())};
    }
  }
  return std::nullopt;
}

void PointLatestAt(const std::filesystem::path& folder) {
  std::error_code ignored;  // a convenience: the folder itself is printed
  const auto link = RunsFolder() / "latest";
  if (folder.parent_path() != RunsFolder() || folder == link) return;
  std::filesystem::remove(link, ignored);
  std::filesystem::create_directory_symlink(folder.filename(), link, ignored);
}

// What `latest` points at; the link itself where it points at nothing, for the complaint to name.
std::filesystem::path LatestFolder() {
  std::error_code missing;
  const auto folder = std::filesystem::canonical(RunsFolder() / "latest", missing);
  return missing ? RunsFolder() / "latest" : folder;
}

// Hashing half a gigabyte takes seconds: remembered by path, size and time of change.
std::string HashOfLibrary(const std::filesystem::path& library) {
  std::error_code missing;
  const auto size = std::filesystem::file_size(library, missing);
  const auto changed = std::filesystem::last_write_time(library, missing).time_since_epoch().count();
  if (missing) return "unknown";
  const std::filesystem::path cache = std::filesystem::path(AOTI_BUILD_DIR) / "library_hashes.json";
  const std::string key = fmt::format("{} {} {}", library.string(), size, changed);
  auto known = ReadJsonFile(cache);
  nlohmann::json hashes = known && known->is_object() ? *known : nlohmann::json::object();
  if (hashes.contains(key)) return hashes.at(key).get<std::string>();
  const auto hash = Sha256OfFile(library);
  if (!hash) return "unknown";
  hashes[key] = *hash;
  static_cast<void>(WriteFileAtomically(cache, hashes.dump(1)).ok());  // only a cache: without it the next run hashes again
  return *hash;
}

void PrintKept(const std::filesystem::path& folder) {
  std::error_code none;
  const auto tests = std::distance(std::filesystem::directory_iterator(folder, none), {});
  fmt::print("kept: {} in {}/\n", Counted(static_cast<size_t>(tests), "test"), std::filesystem::proximate(folder).string());
}

// A manifest that a build for another torch has written, and that is named on the command line: its packages are what is to be loaded here, and
// compiling them anew would put others in their place.
Expected<bool> OfAnotherTorch(const Paths& paths) {
  if (paths.packages == DefaultPaths().packages) return false;
  const auto packages = ReadPackages(paths.packages);
  if (!packages) return packages.error();
  if (packages->torch == AOTI_TORCH_VERSION) return false;
  fmt::print(stderr, "packages of torch {} are taken as they are, and run by torch " AOTI_TORCH_VERSION "\n", packages->torch);
  return true;
}

// A package made elsewhere needs both, and no generator.
std::optional<Error> HalfOfASpec(const Paths& paths) {
  if (paths.package.empty() == paths.spec.empty()) return std::nullopt;
  return Error{paths.spec.empty() ? fmt::format("what is promised of {}? Name its spec with --spec; conformance/example.spec.json is an example",
                                                paths.package.string())
                                  : fmt::format("which package is {} about? Name it with --package", paths.spec.string())};
}

int Execute(RunOptions& options) {
  CampaignOptions& campaign = options.campaign;
  if (const auto half = HalfOfASpec(campaign.paths)) return Complain(*half);
  const bool foreign = !campaign.paths.spec.empty();
  if (options.ctest) {
    const auto devices = DevicesOfCtest();
    if (!devices) return Complain(devices.error());
    if (!devices->empty()) {
      setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID", 1);  // as the resource file counts them
      setenv("CUDA_VISIBLE_DEVICES", devices->c_str(), 1);
    }
  }
  if (!campaign.sanitizer.empty()) {
    auto found = FindComputeSanitizer();
    if (!found) return Complain(found.error());
    campaign.compute_sanitizer = std::move(*found);
  }
  campaign.runners.clear();
  for (const std::string& text : options.runners) {
    auto spec = ParseRunnerSpec(text, campaign.paths.runners);
    if (!spec) return Complain(spec.error());
    campaign.runners.push_back(std::move(*spec));
  }
  if (!campaign.answer.empty()) {
    auto result = RunCampaign(campaign);
    return result ? result->exit_code : Complain(result.error());
  }
  if (const auto twice = SameName(campaign.runners)) return Complain(*twice);
  if (const auto complaint = LedgerComplaint()) return Complain(*complaint);
  if (const auto known = CheckSelection(campaign); !known) return Complain(known.error());
  const auto of_another_torch = foreign ? Expected<bool>(false) : OfAnotherTorch(campaign.paths);
  if (!of_another_torch) return Complain(of_another_torch.error());
  if (!options.no_build && !foreign && !*of_another_torch) {
    const int built = BuildPackages(campaign.paths, /*keep_going=*/true, campaign.selection);
    if (built != 0) return built;
  }
  std::string again = campaign.command + (campaign.resume ? "" : " --resume");
  const bool named = !campaign.folder.empty();
  if (!named && campaign.resume) campaign.folder = LatestFolder();
  if (!named && !campaign.resume) {
    auto made = NewRunFolder();
    if (!made) return Complain(made.error());
    campaign.folder = *made;
  }
  campaign.folder = std::filesystem::absolute(campaign.folder);
  if (campaign.resume) fmt::print(stderr, "going on with {}\n", std::filesystem::proximate(campaign.folder).string());
  campaign.planned = [&campaign] { PointLatestAt(campaign.folder); };  // now, so that a run that is killed is the latest one
  if (!named) again += " --out " + std::filesystem::proximate(campaign.folder).string();
  auto result = RunCampaign(campaign);
  std::error_code not_empty;  // then it stays
  if (!named && (!result || result->run.records.empty())) std::filesystem::remove(campaign.folder, not_empty);
  if (!result) return Complain(result.error());
  if (result->run.records.empty()) return result->exit_code;
  AddLibraries(result->run);
  if (auto written = WriteReports(result->run, campaign.folder); !written) return Complain(written.error());
  fmt::print("{}\n", Summary(result->run));
  fmt::print(
      "reports: {}/\n  results.json  every test with its margins and provenance\n  junit.xml     for CI\n  report.html   for people, in a browser\n  "
      "report.md     the same in short, for a pull request\n",
      std::filesystem::proximate(campaign.folder).string());
  if (campaign.keep) PrintKept(campaign.folder / "kept");
  if (result->run.interrupted) fmt::print("interrupted: nothing is lost, this goes on with the rest:\n  {}\n", again);
  if (options.ctest && result->exit_code == kExitNothingRan) return kExitSkipped;
  return result->exit_code;
}

}  // namespace

void AddLibraries(Run& run) {
  for (const auto& [name, description] : run.runners) {
    if (!description.contains("torch")) continue;
    const auto version = description.at("torch").value("version", "");
    if (!version.empty() && version != run.provenance.value("torch", version)) run.provenance["runtime_torch"] = version;
    const auto library = description.at("torch").value("library", "");
    if (library.empty()) continue;
    run.provenance["torch_library"] = library;
    run.provenance["torch_library_sha256"] = HashOfLibrary(library);
  }
}

void AddRun(CLI::App& app, Action& chosen, const std::string& command) {
  auto options = std::make_shared<RunOptions>();
  options->campaign.paths = DefaultPaths();
  options->campaign.command = command;
  options->campaign.jobs = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  CLI::App* verb = app.add_subcommand("run", "build what is missing, run the tests, write the reports");
  verb->add_option("-r,--runner", options->runners,
                   "runner to judge: a name that `list --runners` shows, faulty:FAULT, or the path of a shared library (repeatable)")
      ->capture_default_str();
  AddSelectionOptions(*verb, options->campaign.selection);
  verb->add_option("-j,--jobs", options->campaign.jobs, "worker processes")->check(CLI::Range(1, 256))->capture_default_str();
  verb->add_option("--deadline", options->campaign.deadline_seconds,
                   "seconds a test may take; raised to 50 times a first load and run, and where the machine is busy")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb->add_option("-o,--out", options->campaign.folder, "folder of the run (default: a new one, named by the time)");
  verb->add_flag("--resume", options->campaign.resume, "go on with an interrupted run (--out names it; default: the latest)");
  verb->add_flag("--keep", options->campaign.keep,
                 "leave in RUN/kept/TEST the inputs, outputs, reference and difference as safetensors, and a C++ program that repeats the calls "
                 "without the suite: of all tests where at most 20 are selected, else of those that are red, a known issue, or recorded as "
                 "something else than correct");
  verb->add_option("--sanitizer", options->campaign.sanitizer,
                   "run each test of a CUDA program, and no other, under this tool of NVIDIA's compute-sanitizer: memcheck, racecheck, initcheck or "
                   "synccheck. What it finds fails the test, and its log stays in RUN/sanitizer/. Tests take many times longer. Proved with a "
                   "pretended tool only: it has not been seen on a GPU yet")
      ->check(CLI::IsMember(SanitizerTools()))
      ->option_text("TOOL")
      ->excludes("--keep");
  verb->add_option("--one-test", options->campaign.selection.tests, "")->group("");  // what --sanitizer executes
  verb->add_option("--answer", options->campaign.answer, "")->group("");
  verb->add_flag("--no-build", options->no_build, "take the packages as they are");
  verb->add_flag("--ctest", options->ctest,
                 "exit 77 where nothing could be tried, as ctest's SKIP_RETURN_CODE wants, and take the GPUs that ctest hands out");
  verb->add_flag("-q,--quiet", options->campaign.quiet, "no progress");
  verb->add_option("--package", options->campaign.paths.package,
                   "judge this package, made elsewhere, and nothing else; --spec says what is promised of it. Nothing is compiled")
      ->group("A package made elsewhere");
  verb->add_option("--spec", options->campaign.paths.spec,
                   "what is promised of --package (JSON; schema generators/spec.schema.json, example conformance/example.spec.json)")
      ->group("A package made elsewhere");
  AddPathOptions(*verb, options->campaign.paths);
  verb->callback([options, &chosen] { chosen = [options] { return Execute(*options); }; });
}

}  // namespace aoti_cts
