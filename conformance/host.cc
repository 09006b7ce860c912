// SPDX-License-Identifier: Apache-2.0
// LOAD, LIFE: the process that hosts the runtime. Where a package lies, what the process has been through, what it runs short of, in which order
// and by whom its loaders end. To add a scenario: one more Registered below; what only some hosts do goes into a process of its own (InChild).
#include <dlfcn.h>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cfenv>
#include <cfloat>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <locale>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fixtures/property.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

Property OfTheLoader(std::string requirement, std::string sentence, std::function<void(Trial&)> body) {
  return {.requirement = std::move(requirement),
          .sentence = std::move(sentence),
          .sampled = true,
          .on_cuda = true,
          .capability = "package",
          .targets = OncePerCase,
          .body = std::move(body)};
}

Property OfAnyRunner(std::string requirement, std::string sentence, std::function<void(Trial&)> body) {
  Property property = OfTheLoader(std::move(requirement), std::move(sentence), std::move(body));
  property.capability = "";
  return property;
}

// About what only code for the CPU uses.
Property OfTheCpu(Property property) {
  property.on_cuda = false;
  return property;
}

// What the driver wants of the process it has had when this returns: what is tried then is the runtime. No process may be forked after it.
void OpenDevice(Trial& t) {
  if (t.program().needs_cuda()) t.cuda();
}

void LoadAndJudge(Trial& t, const std::filesystem::path& package, const std::string& what) {
  Model model = t.LoadFrom(package);
  t.JudgeCall(model, t.ExampleCall(), what);
}

// --- LOAD_6: where the package lies -------------------------------------------------------------------------------------------------------

// A folder of the test's own, beside what the runtime extracts.
std::filesystem::path FolderCalled(const std::string& name) {
  const auto folder = SandboxTemporary() / name;
  std::filesystem::create_directories(folder);
  return folder;
}

std::filesystem::path CopyOfPackage(Trial& t, const std::filesystem::path& to) {
  std::filesystem::copy_file(t.package().path, to, std::filesystem::copy_options::overwrite_existing);
  return to;
}

const Registered kRelativePath{OfTheLoader("LOAD_6", "package_at_a_relative_path_loads", [](Trial& t) {
  CopyOfPackage(t, FolderCalled("inner") / "model.pt2");
  std::filesystem::current_path(SandboxTemporary() / "inner");
  LoadAndJudge(t, "model.pt2", "a name in the working directory");
  LoadAndJudge(t, "../inner/./model.pt2", "a path with . and ..");
})};

// What shells, formats and URLs take for something else.
constexpr const char* kOddNames[] = {"with a space", "\xc3\xbc\xe5\x8c\x85", "quote'\"$(false);&|*?", "100%s%n", "#1?a=b"};

const Registered kOddLetters{OfTheLoader("LOAD_6", "package_in_a_folder_of_any_name_loads", [](Trial& t) {
  for (const std::string name : kOddNames) LoadAndJudge(t, CopyOfPackage(t, FolderCalled(name) / (name + ".pt2")), "a path with " + name);
})};

const Registered kSymbolicLink{OfTheLoader("LOAD_6", "package_behind_a_symbolic_link_loads", [](Trial& t) {
  const auto link = SandboxTemporary() / "link.pt2";
  std::filesystem::create_symlink(t.package().path, link);
  LoadAndJudge(t, link, "a symbolic link");
})};

const Registered kReadOnly{OfTheLoader("LOAD_6", "read_only_package_loads_and_stays_as_it_is", [](Trial& t) {
  const auto folder = FolderCalled("read_only");
  const auto package = CopyOfPackage(t, folder / "model.pt2");
  chmod(package.c_str(), 0444);
  chmod(folder.c_str(), 0555);
  const auto written = std::filesystem::last_write_time(package);
  LoadAndJudge(t, package, "a file of mode 0444 in a folder of mode 0555");
  t.Check(std::filesystem::last_write_time(package) == written, "the package was written to");
  chmod(folder.c_str(), 0755);
})};

// A deployment replaces the file under a server that goes on serving: by another file of its name, or in place.
void ReplaceWhileLoaded(Trial& t) {
  const auto package = CopyOfPackage(t, FolderCalled("deployed") / "model.pt2");
  Model first = t.LoadFrom(package);
  std::ofstream(package, std::ios::binary) << std::string(static_cast<size_t>(t.package().bytes) + 1, 'x');
  t.JudgeCall(first, t.ExampleCall(), "after the package was overwritten in place");
  Model second = t.LoadFrom(CopyOfPackage(t, package));
  std::filesystem::remove(package);
  t.JudgeCall(second, t.ExampleCall(), "after the package was removed");
}

const Registered kReplaced{OfTheLoader("LOAD_6", "loaded_package_may_be_replaced_on_disk", ReplaceWhileLoaded)};

// --- LOAD_7: what the process is like --------------------------------------------------------------------------------------------------------

const Registered kNoWorkingDirectory{OfTheLoader("LOAD_7", "deleted_working_directory_does_not_matter", [](Trial& t) {
  std::filesystem::current_path(FolderCalled("deleted"));
  std::filesystem::remove(SandboxTemporary() / "deleted");
  LoadAndJudge(t, t.package().path, "in a working directory that was deleted");
})};

const Registered kNoEnvironment{OfTheLoader("LOAD_7", "empty_environment_does_not_matter", [](Trial& t) {
  const std::string temporary = SandboxTemporary();
  OpenDevice(t);  // the environment may say which one
  clearenv();
  setenv("TMPDIR", temporary.c_str(), 1);  // so that what is left behind can be seen
  LoadAndJudge(t, t.package().path, "without HOME, PATH and all the rest");
})};

const Registered kOddTemporary{OfTheLoader("LOAD_7", "temporary_folder_may_have_any_name", [](Trial& t) {
  for (const std::string name : kOddNames) {
    setenv("TMPDIR", FolderCalled(name).c_str(), 1);
    LoadAndJudge(t, t.package().path, "TMPDIR with " + name);
  }
})};

// Daemons close what they have no use for, and the next file that is opened gets the number of standard error.
const Registered kNoStandardStreams{OfTheLoader("LOAD_7", "closed_standard_streams_do_not_matter", [](Trial& t) {
  OpenDevice(t);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(stream);
  LoadAndJudge(t, t.package().path, "without standard streams");
})};

class CommaAndDots : public std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

// The C++ locale is that of all libraries in the process, and there wherever C++ is; the C library's comma locales need not be installed.
const Registered kLocale{OfTheLoader("LOAD_7", "locale_with_a_decimal_comma_does_not_matter", [](Trial& t) {
  std::locale::global(std::locale(std::locale::classic(), new CommaAndDots));
  LoadAndJudge(t, t.package().path, "where 1234.5 is written 1.234,5");
})};

const Registered kSignalsBlocked{OfTheLoader("LOAD_7", "blocked_signals_do_not_matter_and_stay_blocked", [](Trial& t) {
  sigset_t all, before, after;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  LoadAndJudge(t, t.package().path, "with all signals blocked");
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  bool same = true;
  for (int signal = 1; signal < NSIG; ++signal) same = same && sigismember(&before, signal) == sigismember(&after, signal);
  t.Check(same, "loading, running and unloading have changed which signals the calling thread blocks");
})};

// The OpenMP of the process; null where there is none. Packages are linked to it by this name.
void* OpenMp(const char* function) {
  void* library = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
  return library != nullptr ? dlsym(library, function) : nullptr;
}

const Registered kOpenMpThreads{OfTheCpu(OfTheLoader("LOAD_7", "number_of_openmp_threads_does_not_matter", [](Trial& t) {
  for (const int threads : {1, 3, 7}) {
    Model model = t.Load();
    auto* const set_threads = reinterpret_cast<void (*)(int)>(OpenMp("omp_set_num_threads"));
    if (set_threads == nullptr) t.EndUnavailable("no libgomp.so.1 is loaded with the package");
    set_threads(threads);
    t.JudgeCall(model, t.ExampleCall(), fmt::format("after omp_set_num_threads({})", threads));
  }
}))};

// The rounding direction, and whether a result may be smaller than the smallest normal number: bits that a called function must give back.
std::string FloatingPointSettings() {
  volatile double smallest = DBL_MIN;
  const bool denormals = smallest / 2 != 0;
  return fmt::format("rounding {}, {}", std::fegetround(), denormals ? "denormals kept" : "denormals flushed to zero");
}

void KeepFloatingPoint(Trial& t) {
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  t.LoadOperators();
  for (const int rounding : {FE_TONEAREST, FE_UPWARD}) {
    std::fesetround(rounding);
    const std::string before = FloatingPointSettings();
    const auto compare = [&](const char* what) {
      const std::string now = FloatingPointSettings();
      std::fesetround(FE_TONEAREST);  // what is said and compared here is no part of the question
      t.Check(now == before, fmt::format("{} has changed the floating-point settings of its caller from {} to {}", what, before, now));
      std::fesetround(rounding);
    };
    {
      auto model = t.TryLoad(t.package().path);
      compare("loading");
      if (!model) break;
      auto outputs = model->Run(inputs.values());
      compare("running");
    }
    compare("unloading");
  }
  std::fesetround(FE_TONEAREST);
  LoadAndJudge(t, t.package().path, "after all that");
}

const Registered kFloatingPoint{OfAnyRunner("LOAD_7", "floating_point_settings_of_the_caller_are_kept", KeepFloatingPoint)};

// --- LOAD_8: what runs short ----------------------------------------------------------------------------------------------------------------

// Loads between `begin` and `end`; what comes must be a model that answers right, or a refusal in words.
void LoadInNeed(Trial& t, const std::string& need, const std::function<void()>& begin, const std::function<void()>& end) {
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  t.LoadOperators();                                                                  // what the host itself needs is there before
  if (t.program().needs_cuda()) LoadAndJudge(t, t.package().path, "before " + need);  // what CUDA and PyTorch make once in a process too
  begin();
  auto model = t.TryLoad(t.package().path);
  end();
  if (model) {
    const Outputs outputs = t.Run(*model, inputs);
    t.JudgeOutputs(outputs, t.ExampleCall(), inputs, need);
  } else {
    t.Check(model.refusal().status == AOTI_REFUSED && !model.refusal().text.empty(), need + ": refused without a word");
  }
}

void LoadWithTemporary(Trial& t, const std::string& need, const std::filesystem::path& folder) {
  LoadInNeed(
      t, need, [&] { setenv("TMPDIR", folder.c_str(), 1); }, [] { setenv("TMPDIR", SandboxTemporary().c_str(), 1); });
  LoadAndJudge(t, t.package().path, "the next load, with a good TMPDIR");
}

const Registered kNoTemporary{OfTheLoader("LOAD_8", "missing_temporary_folder_is_answered_or_refused",
                                          [](Trial& t) { LoadWithTemporary(t, "a TMPDIR that is not there", SandboxTemporary() / "not_there"); })};

// Neither can a file be made in it, not even by root.
const Registered kTemporaryIsAFile{OfTheLoader("LOAD_8", "temporary_folder_that_takes_no_file_is_answered_or_refused", [](Trial& t) {
  std::ofstream(SandboxTemporary() / "file") << "x";
  LoadWithTemporary(t, "a TMPDIR that is a file", SandboxTemporary() / "file");
  LoadWithTemporary(t, "a TMPDIR below /proc", "/proc/self");
})};

// As on a disk that is full, a file can be made and not be written; with the signal ignored, write() says so.
const Registered kNoSpace{OfTheLoader("LOAD_8", "load_without_space_for_its_files_is_answered_or_refused", [](Trial& t) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit usual{};
  getrlimit(RLIMIT_FSIZE, &usual);
  for (const rlim_t bytes : {rlim_t{0}, rlim_t{4096}, rlim_t{65536}}) {
    LoadInNeed(
        t, fmt::format("no file larger than {} bytes", bytes),
        [&] {
          const rlimit little{bytes, usual.rlim_max};
          setrlimit(RLIMIT_FSIZE, &little);
        },
        [&] { setrlimit(RLIMIT_FSIZE, &usual); });
  }
  LoadAndJudge(t, t.package().path, "the next load, with space");
})};

// Takes all file descriptors but `free`; gives them back on destruction.
class FewDescriptors {
 public:
  explicit FewDescriptors(int free) {
    constexpr rlim_t kFew = 256;
    getrlimit(RLIMIT_NOFILE, &usual_);
    const rlimit few{std::min(kFew, usual_.rlim_cur), usual_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    for (int descriptor = dup(STDERR_FILENO); descriptor >= 0; descriptor = dup(STDERR_FILENO)) taken_.push_back(descriptor);
    for (int i = 0; i < free; ++i) GiveBackOne();
  }
  ~FewDescriptors() {
    while (!taken_.empty()) GiveBackOne();
    setrlimit(RLIMIT_NOFILE, &usual_);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  void GiveBackOne() {
    close(taken_.back());
    taken_.pop_back();
  }
  rlimit usual_{};
  std::vector<int> taken_;
};

const Registered kNoDescriptors{OfTheLoader("LOAD_8", "load_without_file_descriptors_is_answered_or_refused", [](Trial& t) {
  for (const int free : {0, 1, 2, 3, 4}) {
    std::optional<FewDescriptors> need;
    LoadInNeed(
        t, fmt::format("{} file descriptors are free", free), [&] { need.emplace(free); }, [&] { need.reset(); });
  }
  LoadAndJudge(t, t.package().path, "the next load, with file descriptors");
})};

// --- LIFE_3: order, threads and ends --------------------------------------------------------------------------------------------------------

// The ways in which loaders of a server come and go. All of one package: their libraries define the same symbols.
void UnloadInEveryOrder(Trial& t) {
  const auto copy = CopyOfPackage(t, FolderCalled("copy") / "other.pt2");
  auto first = std::make_unique<Model>(t.Load());
  auto second = std::make_unique<Model>(t.LoadFrom(copy));
  first.reset();
  t.JudgeCall(*second, t.ExampleCall(), "the second loader, after the first was unloaded");
  auto third = std::make_unique<Model>(t.Load());
  auto fourth = std::make_unique<Model>(t.Load());
  fourth.reset();
  t.JudgeCall(*third, t.ExampleCall(), "the third loader, after the fourth was unloaded");
  second.reset();
  third.reset();
  LoadAndJudge(t, t.package().path, "a loader after all others were unloaded");
}

const Registered kAnyOrder{OfAnyRunner("LIFE_3", "unloading_one_loader_leaves_the_others", UnloadInEveryOrder)};

void InAnotherThread(const std::function<void()>& what) { std::thread(what).join(); }

const Registered kOtherThread{OfAnyRunner("LIFE_3", "loader_may_be_made_run_and_unloaded_in_different_threads", [](Trial& t) {
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  std::optional<Answer<Model>> model;
  std::optional<Answer<Outputs>> outputs;
  InAnotherThread([&] { model.emplace(t.TryLoad(t.package().path)); });
  if (!t.Check(static_cast<bool>(*model), "a load in another thread was refused")) return;
  InAnotherThread([&] { outputs.emplace((*model)->Run(inputs.values())); });
  if (!t.Check(static_cast<bool>(*outputs), "a call in a third thread was refused")) return;
  InAnotherThread([&] { model.reset(); });
  t.JudgeOutputs(**outputs, t.ExampleCall(), inputs, "three threads that have all ended");
})};

// How `body` ends in a process of its own: "exit status N" or the name of a signal. It may end by exit() and run what that brings with it. What opens
// a device does so in there: a process that has opened one cannot fork any more.
std::string InChild(const std::function<void()>& body) {
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    for (const int signal : {SIGSEGV, SIGBUS}) std::signal(signal, SIG_DFL);  // the sandbox's handler answers for the test, not for this process
    body();
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) return fmt::format("exit status {}", WEXITSTATUS(status));
  const char* abbreviation = sigabbrev_np(WTERMSIG(status));
  return fmt::format("SIG{}", abbreviation != nullptr ? abbreviation : "?");
}

constexpr int kGoodExit = 7;  // no runtime ends a process so by itself

// Loads and runs; whatever is wrong with that other tests say. `alive`: the loader still is when exit() runs destructors.
void ExitAfterARun(Trial& t, bool alive) {
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  const std::string end = InChild([&] {
    std::optional<Answer<Model>> model = t.TryLoad(t.package().path);
    if (!*model || !(*model)->Run(inputs.values())) _exit(1);
    if (!alive) model.reset();
    std::exit(kGoodExit);  // leaves this scope without its destructors
  });
  t.Check(end == fmt::format("exit status {}", kGoodExit), fmt::format("exit({}) ended with {}", kGoodExit, end));
}

const Registered kExitAlive{OfTheLoader("LIFE_3", "process_exits_cleanly_with_a_loader_alive", [](Trial& t) { ExitAfterARun(t, true); })};

const Registered kExitUnloaded{OfTheLoader("LIFE_3", "process_exits_cleanly_after_unloading", [](Trial& t) { ExitAfterARun(t, false); })};

// --- recorded: where nothing says what must happen --------------------------------------------------------------------------------------------

// How a load and a call end in a process of their own, as observations are called.
std::string EndOfARun(Trial& t, const CallInputs& inputs, const std::function<void(const std::function<void()>&)>& around) {
  enum : int { kCorrect = 11, kWrong, kRefused };
  t.LoadOperators();
  if (t.program().needs_cuda() && !t.is_told(t.ExampleCall()))
    t.EndUnavailable("the spec does not say what the call must answer, and to find out opens the device");
  t.golden(t.ExampleCall());  // asked for here: it may have to be found out
  const std::string end = InChild([&] {
    around([&] {
      auto model = t.TryLoad(t.package().path);
      if (!model) _exit(kRefused);
      auto outputs = model->Run(inputs.values());
      if (!outputs) _exit(kRefused);
      const Call& call = t.ExampleCall();
      _exit(CompareOutputs(outputs->values(), t.golden(call), t.latitude(), inputs.values()).equal ? kCorrect : kWrong);
    });
  });
  if (end == fmt::format("exit status {}", static_cast<int>(kCorrect))) return "correct";
  if (end == fmt::format("exit status {}", static_cast<int>(kWrong))) return "silently_wrong";
  return end == fmt::format("exit status {}", static_cast<int>(kRefused)) ? "refused" : "crash: " + end;
}

// Observes the worst of several runs, and tells them all.
void ObserveWorst(Trial& t, const std::vector<std::pair<std::string, std::string>>& runs) {
  std::string worst, all;
  for (const auto& [what, end] : runs) {
    all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", what, end);
    for (const char* known : {"crash", "silently_wrong", "refused", "correct"}) {
      if (!end.starts_with(known) && !worst.starts_with(known)) continue;
      worst = known;
      break;
    }
  }
  t.Observe(worst, all);
}

Property Recorded(Property property) {
  property.judged = false;
  return property;
}

void RunOnSmallStacks(Trial& t) {
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  std::vector<std::pair<std::string, std::string>> runs;
  for (const size_t kib : {1024, 512, 256, 128}) {
    const auto on_a_stack = [kib](const std::function<void()>& body) {
      pthread_attr_t attributes;
      pthread_attr_init(&attributes);
      pthread_attr_setstacksize(&attributes, kib * 1024);
      pthread_t thread{};
      const auto start = [](void* function) -> void* { return (*static_cast<const std::function<void()>*>(function))(), nullptr; };
      if (pthread_create(&thread, &attributes, start, const_cast<std::function<void()>*>(&body)) != 0) _exit(1);
      pthread_join(thread, nullptr);
    };
    runs.emplace_back(fmt::format("{} KiB", kib), EndOfARun(t, inputs, on_a_stack));
  }
  ObserveWorst(t, runs);
}

const Registered kSmallStack{Recorded(OfTheLoader("LOAD_8", "thread_with_a_small_stack", RunOnSmallStacks))};

// Bytes of address space that this process has taken.
rlim_t AddressSpace() {
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
}

void RunInLittleAddressSpace(Trial& t) {
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  std::vector<std::pair<std::string, std::string>> runs;
  for (const rlim_t mib : {256, 64, 16, 4, 1, 0}) {
    const auto in_little_space = [mib](const std::function<void()>& body) {
      const rlim_t bytes = AddressSpace() + mib * 1024 * 1024;
      const rlimit little{bytes, bytes};
      setrlimit(RLIMIT_AS, &little);
      body();
    };
    runs.emplace_back(fmt::format("{} MiB left", mib), EndOfARun(t, inputs, in_little_space));
  }
  ObserveWorst(t, runs);
}

// On a device it would be about the driver, which takes far more address space than memory.
const Registered kLittleSpace{Recorded(OfTheCpu(OfTheLoader("LOAD_8", "load_and_call_in_little_address_space", RunInLittleAddressSpace)))};

void RunInEveryRoundingDirection(Trial& t) {
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  std::vector<std::pair<std::string, std::string>> runs;
  for (const auto& [name, direction] : {std::pair{"upward", FE_UPWARD}, {"downward", FE_DOWNWARD}, {"towards zero", FE_TOWARDZERO}}) {
    const auto rounded = [direction = direction](const std::function<void()>& body) {
      std::fesetround(direction);
      body();
    };
    runs.emplace_back(name, EndOfARun(t, inputs, rounded));
  }
  ObserveWorst(t, runs);
}

const Registered kRounding{Recorded(OfTheLoader("LOAD_7", "rounding_direction_of_the_caller", RunInEveryRoundingDirection))};

}  // namespace
}  // namespace aoti_cts
