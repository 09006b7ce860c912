// SPDX-License-Identifier: Apache-2.0
// PKG_3, PKG_4, PLACE_2, SEC_2, LIFE_1: hostile packages, which generators/aoti_generate/hostile.py makes of good ones. To add a package: a function
// there. To add a property of all of them: one more Registered below.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "fixtures/compare.h"
#include "fixtures/property.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

// No file may grow beyond this while a hostile package is loaded: a write beyond it fails as on a full disk.
void LimitFiles() {
  constexpr rlim_t kLargestFile = rlim_t{1} << 26;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = kLargestFile;
  setrlimit(RLIMIT_FSIZE, &limit);
}

std::filesystem::path WatchedFolder() { return SandboxTemporary() / "watched"; }

// The path that stands in the names of entries, with / or \ behind it up to its full length: canary() in hostile.py.
constexpr std::string_view kCanary = "AOTI_CTS_CANARY";
constexpr size_t kCanaryLength = 299;

// A file in the watched folder, as a path of that length without its first slash.
std::string CanaryPath(char separator) {
  const std::string name = "canary";
  std::string path = WatchedFolder().string().substr(1);
  if (path.size() + name.size() >= kCanaryLength) throw std::runtime_error("the path of TMPDIR is too long for this test: " + path);
  path.append(kCanaryLength - name.size() - path.size(), '/');
  path += name;
  std::replace(path.begin(), path.end(), '/', separator);
  return path;
}

// A copy of the package in which every entry that would lie outside the loader's folder points into the watched one.
std::filesystem::path Redirected(const std::filesystem::path& file) {
  std::ifstream from(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(from), {}};
  size_t count = 0;
  for (size_t at = bytes.find(kCanary); at != std::string::npos; at = bytes.find(kCanary, at + kCanaryLength), ++count) {
    bytes.replace(at, kCanaryLength, CanaryPath(bytes[at + kCanary.size()]));
  }
  if (count == 0) throw std::runtime_error(file.string() + " points nowhere outside");
  std::filesystem::create_directory(WatchedFolder());
  auto path = SandboxTemporary() / "redirected.pt2";
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

Answer<Model> LoadHostile(Trial& t) {
  LimitFiles();
  return t.runner().Load(t.hostile().escapes ? Redirected(t.hostile_file()) : t.hostile_file());
}

void RefuseHostile(Trial& t) {
  const Refusal refusal = t.RequireRefusal(LoadHostile(t), "loading the altered package");
  t.Check(!refusal.text.empty() || !CapturedOutput().empty(), "the refusal carries no text");
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall(), "the good package, loaded after the altered one");
}

const Registered kRefused{
    {.requirement = "PKG_3",
     .sentence = "damaged_package_is_refused",
     .capability = "package",
     .targets = [](const Case& c) { return c.device == "cpu" ? OncePerHostile(Expectation::kRefused)(c) : std::vector<const Call*>{}; },
     .body = RefuseHostile}};

const Registered kRefusedWithoutDevice{
    {.requirement = "PLACE_2",
     .sentence = "package_for_cuda_is_refused_without_a_cuda_device",
     .capability = "package",
     .targets = [](const Case& c) { return c.device == "cuda" ? OncePerHostile(Expectation::kRefused)(c) : std::vector<const Call*>{}; },
     .body = RefuseHostile}};

void TryHostile(Trial& t) {
  auto model = LoadHostile(t);
  if (!model) return t.Observe("refused", model.refusal().ToString());
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  auto outputs = model->Run(inputs.values());
  if (!outputs) return t.Observe("call_refused", "the package loads; its call is " + outputs.refusal().ToString());
  const Comparison comparison = CompareOutputs(outputs->values(), t.golden(t.ExampleCall()), t.latitude(), inputs.values());
  t.Observe(comparison.equal ? "correct" : "silently_wrong", comparison.equal ? "the package loads, and its call is right" : comparison.message);
}

const Registered kRecorded{{.requirement = "PKG_3",
                            .sentence = "what_becomes_of_an_altered_package",
                            .judged = false,
                            .capability = "package",
                            .targets = OncePerHostile(Expectation::kRecorded),
                            .body = TryHostile}};

void RunRewritten(Trial& t) {
  Model model = t.LoadFrom(t.hostile_file());
  t.JudgeCall(model, t.ExampleCall());
}

const Registered kRewritten{{.requirement = "PKG_4",
                             .sentence = "archive_as_zip_tools_write_it_is_golden",
                             .capability = "package",
                             .targets = OncePerHostile(Expectation::kOk),
                             .body = RunRewritten}};

// Whether the package is refused is not asked here.
void LookOutside(Trial& t) {
  { const auto loaded = LoadHostile(t); }
  std::string written;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(WatchedFolder())) written += " " + entry.path().filename().string();
  t.Check(written.empty(), fmt::format("loading has written outside the folder that it unpacks into:{}", written));
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall(), "the good package, loaded after the hostile one");
}

const Registered kOutside{{.requirement = "SEC_2",
                           .sentence = "nothing_is_written_outside_the_loaders_folder",
                           .capability = "package",
                           .targets = [](const Case& c) { return c.escapes ? std::vector<const Call*>{nullptr} : std::vector<const Call*>{}; },
                           .body = LookOutside}};

void RefuseAndLook(Trial& t) {
  t.RequireRefusal(LoadHostile(t), "loading the altered package");
  t.RequireEmptyTemporary("a refused load");
}

const Registered kLeavesNothing{{.requirement = "LIFE_1",
                                 .sentence = "refused_package_leaves_no_file",
                                 .sampled = true,
                                 .capability = "package",
                                 .targets = OncePerHostile(Expectation::kRefused),
                                 .body = RefuseAndLook}};

}  // namespace
}  // namespace aoti_cts
