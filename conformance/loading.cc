// SPDX-License-Identifier: Apache-2.0
// LOAD, LIFE: what loading, running and unloading a package may bring into the process and leave behind.
// To add a property: one more Registered below.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fixtures/extraction.h"
#include "fixtures/property.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

// A process that has loaded the package and run it maps no such library.
void LookFor(Trial& t, const std::string& library) {
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall());
  std::ifstream maps("/proc/self/maps");
  size_t lines = 0;
  std::string found;
  for (std::string line; std::getline(maps, line); ++lines) {
    if (found.empty() && line.find(library) != std::string::npos) found = line;
  }
  t.Check(lines > 0, "/proc/self/maps cannot be read");
  t.Check(found.empty(), library + " is mapped: " + found);
}

const Registered kNoPython{{.requirement = "LOAD_2",
                            .sentence = "no_python_is_mapped",
                            .sampled = true,
                            .on_cuda = true,
                            .capability = "package",
                            .targets = OncePerCase,
                            .body = [](Trial& t) { LookFor(t, "libpython"); }}};

const Registered kNoTensorRT{{.requirement = "TRT_1",
                              .sentence = "no_runtime_of_torch_tensorrt_is_mapped",
                              .on_cuda = true,
                              .targets = [](const Case& c) { return c.tensorrt ? OncePerCase(c) : std::vector<const Call*>{}; },
                              .body = [](Trial& t) { LookFor(t, "libtorchtrt"); }}};

// Everything is compiled before: loading and running start no process, a compiler least of all.
void LookForProcesses(Trial& t) {
  const auto faults_of_children = [] {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_minflt + usage.ru_majflt;
  };
  if (t.program().needs_cuda()) t.cuda();  // a driver may start a program of its own when it begins: that is not the runtime's doing
  const auto before = faults_of_children();
  {
    Model model = t.Load();
    t.JudgeCall(model, t.ExampleCall());
  }
  struct sigaction on_child {};
  sigaction(SIGCHLD, nullptr, &on_child);
  t.Check(on_child.sa_handler == SIG_DFL && (on_child.sa_flags & SA_NOCLDWAIT) == 0,
          "loading or running has changed what happens to child processes: whether there were any cannot be told");
  t.Check(faults_of_children() == before, "loading or running has started another process and waited for it");
  t.Check(waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD, "loading or running has started another process, and it is still there");
}

const Registered kNoProcess{{.requirement = "LOAD_2",
                             .sentence = "no_compiler_or_other_process_is_run",
                             .sampled = true,
                             .on_cuda = true,
                             .capability = "package",
                             .targets = OncePerCase,
                             .body = LookForProcesses}};

// --- LOAD_3: how the caller stands to autograd ------------------------------------------------------------------------

struct Mode {
  const char* name;
  CallerMode caller;
  bool inputs_require_grad;
};

constexpr Mode kModes[] = {{"inference mode", {.grad_mode = false, .inference_mode = true}, false},
                           {"grad mode off", {.grad_mode = false, .inference_mode = false}, false},
                           {"grad mode on", {.grad_mode = true, .inference_mode = false}, false},
                           {"grad mode on, inputs require grad", {.grad_mode = true, .inference_mode = false}, true}};

// Each mode has a loader of its own: a program with state would go on from the mode before.
void RunInEveryMode(Trial& t) {
  const std::vector<GoldenOutput>& promised = t.golden(t.ExampleCall()).outputs;
  for (const Mode& mode : kModes) {
    Model model = t.Load();
    const CallInputs inputs = t.Inputs(t.ExampleCall());
    std::vector<aoti_value> values = inputs.values();
    for (aoti_value& value : values) {
      const bool differentiable = value.tensor.dtype.code == kDLFloat || value.tensor.dtype.code == kDLBfloat;
      if (mode.inputs_require_grad && differentiable) value.flags |= AOTI_FLAG_REQUIRES_GRAD;
    }
    const Outputs outputs = t.Run(model, values, mode.caller);
    t.JudgeOutputs(outputs, t.ExampleCall(), inputs, mode.name);
    for (size_t i = 0; i < outputs.values().size(); ++i) {
      const bool callers_own = i < promised.size() && !promised[i].shares_input.empty();  // comes back as it was given, as in eager PyTorch
      const bool requires_grad = !callers_own && (outputs.values()[i].flags & AOTI_FLAG_REQUIRES_GRAD) != 0;
      t.Check(!requires_grad, fmt::format("{}: output {} requires grad, and a package is for inference only", mode.name, i));
    }
  }
}

const Registered kModesAgree{{.requirement = "LOAD_3",
                              .sentence = "answer_is_right_in_every_grad_mode",
                              .sampled = true,
                              .on_cuda = true,
                              .capability = "package",
                              .targets = OncePerCase,
                              .body = RunInEveryMode}};

// --- LOAD_4 -----------------------------------------------------------------------------------------------------------

const Registered kSingleThreaded{{.requirement = "LOAD_4",
                                  .sentence = "single_threaded_loader_is_golden",
                                  .sampled = true,
                                  .on_cuda = true,
                                  .targets = OncePerCase,
                                  .body = [](Trial& t) {
                                    Model model = t.Load({.run_single_threaded = true});
                                    t.JudgeCall(model, t.ExampleCall());
                                  }}};

void CallWithWrongCounts(Trial& t) {
  Model model = t.Load();
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  std::vector<aoti_value> values = inputs.values();
  const size_t right = values.size();
  values.push_back(values.back());
  t.RequireRefusal(model.Run(values), fmt::format("a call with {} inputs instead of {}", right + 1, right));
  values.resize(right - 1);
  t.RequireRefusal(model.Run(values), fmt::format("a call with {} inputs instead of {}", right - 1, right));
  t.RequireRefusal(model.Run({}), fmt::format("a call with no inputs instead of {}", right));
  t.JudgeCall(model, t.ExampleCall(), "the next good call");
}

const Registered kWrongCount{{.requirement = "LOAD_5",
                              .sentence = "wrong_input_count_is_refused",
                              .sampled = true,
                              .on_cuda = true,
                              .targets = OncePerCase,
                              .body = CallWithWrongCounts}};

// --- LIFE_1 -----------------------------------------------------------------------------------------------------------

bool IsBelowTemporary(const std::filesystem::path& folder) { return folder.string().starts_with(SandboxTemporary().string() + "/"); }

// TMPDIR is looked at as a whole; a loader that extracts elsewhere shares that place with others, and there its own folder must be gone.
void UnloadAndLook(Trial& t) {
  std::filesystem::path folder;
  {
    Model model = t.Load();
    t.JudgeCall(model, t.ExampleCall());
    folder = ExtractionFolder();
  }
  t.RequireEmptyTemporary("loading, running and unloading");
  if (!folder.empty()) t.Check(!std::filesystem::exists(folder), fmt::format("loading, running and unloading left {}", folder.string()));
}

const Registered kUnloadClean{{.requirement = "LIFE_1",
                               .sentence = "unloading_leaves_no_file",
                               .sampled = true,
                               .on_cuda = true,
                               .targets = OncePerCase,
                               .body = UnloadAndLook}};

// No document says where a package is extracted; most programs put such files where TMPDIR says.
void ObserveExtraction(Trial& t) {
  Model model = t.Load();
  const std::filesystem::path folder = ExtractionFolder();
  if (folder.empty()) {
    t.Observe("not_extracted", "no library below data/aotinductor is mapped");
    return;
  }
  const bool below = IsBelowTemporary(folder);
  t.Observe(below ? "below_TMPDIR" : "elsewhere", below ? "" : "in " + folder.string());
}

const Registered kExtraction{{.requirement = "LIFE_1",
                              .sentence = "where_a_package_is_extracted",
                              .judged = false,
                              .sampled = true,
                              .on_cuda = true,
                              .capability = "package",
                              .targets = OncePerCase,
                              .body = ObserveExtraction}};

// A failed load has no library whose place tells where it was extracted, so that the place must be the test's own.
void RequireOwnExtraction(Trial& t) {
  const Model model = t.Load();
  const std::filesystem::path folder = ExtractionFolder();
  if (folder.empty() || IsBelowTemporary(folder)) return;
  t.EndUnavailable("this loader extracts packages elsewhere than TMPDIR says: what it leaves there cannot be told from what others leave");
}

void FailToLoadAndLook(Trial& t) {
  RequireOwnExtraction(t);
  t.RequireRefusal(t.TryLoad(t.package().path, {.model_name = "no_such_model"}), "loading a model that is not in the package");
  t.RequireEmptyTemporary("a failed load");
}

const Registered kFailedLoadClean{{.requirement = "LIFE_1",
                                   .sentence = "failed_load_leaves_no_file",
                                   .sampled = true,
                                   .on_cuda = true,
                                   .capability = "package",
                                   .targets = OncePerCase,
                                   .body = FailToLoadAndLook}};

}  // namespace
}  // namespace aoti_cts
