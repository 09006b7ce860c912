// SPDX-License-Identifier: Apache-2.0
// LIFE: what is left after many loads, runs, unloads and refusals. What can be counted must be what it was; memory must not grow in every
// stretch of a long row. To add a property: one more Registered below, with the cycle it repeats.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "conformance/device_call.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

// One load, run and unload, one refused call, or whatever else is repeated.
using Cycle = std::function<void()>;

int64_t EntriesOf(const std::filesystem::path& folder) { return std::distance(std::filesystem::directory_iterator(folder), {}); }

int64_t Mappings() {
  std::ifstream maps("/proc/self/maps");
  int64_t lines = 0;
  for (std::string line; std::getline(maps, line);) ++lines;
  return lines;
}

// Of malloc() and its kin, in all arenas, in bytes.
int64_t HeapInUse() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
}

// --- what can be counted ----------------------------------------------------------------------------------------------

struct Counted {
  int64_t descriptors = EntriesOf("/proc/self/fd");
  int64_t threads = EntriesOf("/proc/self/task");
  int64_t files = EntriesOf(SandboxTemporary());
};

void CountOver(Trial& t, const Cycle& cycle, const std::string& what) {
  constexpr int kFirst = 2;  // the first may start a thread pool or open a device, once
  constexpr int kMore = 8;
  for (int i = 0; i < kFirst; ++i) cycle();
  const Counted before;
  for (int i = 0; i < kMore; ++i) cycle();
  const Counted after;
  const auto compare = [&](const char* name, int64_t was, int64_t is) {
    t.Check(is <= was, fmt::format("{} {} after {} more, {} before", is, name, what, was));
  };
  compare("open file descriptors", before.descriptors, after.descriptors);
  compare("threads", before.threads, after.threads);
  compare("entries of TMPDIR", before.files, after.files);
}

void LoadRunUnload(Trial& t) {
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall());
}

const Registered kCounted{{.requirement = "LIFE_1",
                           .sentence = "loading_again_and_again_leaves_no_file_thread_or_descriptor",
                           .sampled = true,
                           .on_cuda = true,
                           .targets = OncePerCase,
                           .body = [](Trial& t) {
                             CountOver(
                                 t, [&t] { LoadRunUnload(t); }, "loads, runs and unloads");
                           }}};

// --- what must not grow -----------------------------------------------------------------------------------------------

// A row of cycles is cut into stretches. What every cycle keeps shows in each of them; what is kept once, or comes and goes, does not: without
// a trend a stretch that grows is at best as likely as one that does not, and all twelve do so by chance once in 2^12 rows.
constexpr int kStretches = 12;
constexpr double kDeadlineSeconds = 120;  // on a machine that does other things too

struct Row {
  int first;       // cycles before the row, for what is kept once
  int cycles;      // of each stretch
  int64_t growth;  // of a stretch, from which on it counts
};

// The bodies have called StopKeeping() before they load anything: what is kept grows too.
constexpr const char* kNotKept = "what a row of calls was given is not kept: keeping takes memory itself";

void Watch(Trial& t, const Cycle& cycle, const Row& row, const std::function<int64_t()>& measure, const std::string& what) {
  for (int i = 0; i < row.first; ++i) cycle();
  std::vector<int64_t> grown;
  for (int stretch = 0; stretch < kStretches; ++stretch) {
    const int64_t before = measure();
    for (int i = 0; i < row.cycles; ++i) cycle();
    grown.push_back(measure() - before);
    if (grown.back() < row.growth) return;  // what is kept by every cycle would show here too: the rest of the row can say nothing else
  }
  t.Fail(fmt::format("{}, in each of {} stretches of {}: {} more", what, kStretches, row.cycles, fmt::join(grown, ", ")));
}

// Of the heap a load may keep what the dynamic linker notes of a library that it does not unmap: that is the other property's.
constexpr Row kLoads{.first = 8, .cycles = 6, .growth = 6 * 32768};
constexpr Row kMappings{.first = 8, .cycles = 1, .growth = 1};         // counted, not estimated
constexpr Row kCalls{.first = 50, .cycles = 100, .growth = 100 * 16};  // the least that malloc() gives

void WatchLoads(Trial& t, const Row& row, int64_t (*measure)(), const std::string& what) {
  t.StopKeeping(kNotKept);
  Watch(
      t, [&t] { LoadRunUnload(t); }, row, measure, what);
}

const Registered kLoadsFlat{{.requirement = "LIFE_1",
                             .sentence = "loading_again_and_again_keeps_no_memory",
                             .sampled = true,
                             .long_running = true,
                             .on_cuda = true,
                             .deadline_seconds = kDeadlineSeconds,
                             .targets = OncePerCase,
                             .body = [](Trial& t) { WatchLoads(t, kLoads, HeapInUse, "bytes of the heap are kept by loads, runs and unloads"); }}};

const Registered kUnmapped{{.requirement = "LIFE_1",
                            .sentence = "unloaded_packages_are_unmapped",
                            .sampled = true,
                            .long_running = true,
                            .on_cuda = true,
                            .deadline_seconds = kDeadlineSeconds,
                            .targets = OncePerCase,
                            .body = [](Trial& t) { WatchLoads(t, kMappings, Mappings, "mappings of this process stay after unloading"); }}};

void RunAgainAndAgain(Trial& t) {
  t.StopKeeping(kNotKept);
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall(), "the control");
  const CallInputs inputs = t.Inputs(t.ExampleCall());
  Watch(
      t, [&] { t.Run(model, inputs); }, kCalls, HeapInUse, "bytes of the heap are kept by calls");
}

const Registered kCallsFlat{{.requirement = "LIFE_1",
                             .sentence = "running_again_and_again_keeps_no_memory",
                             .sampled = true,
                             .long_running = true,
                             .on_cuda = true,
                             .deadline_seconds = kDeadlineSeconds,
                             .targets = OncePerCase,
                             .body = RunAgainAndAgain}};

// The inputs of a refused call are handles that the runtime has to give back on the way out.
void RefuseAgainAndAgain(Trial& t) {
  t.StopKeeping(kNotKept);
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall(), "the control");
  const CallInputs inputs = t.Inputs(t.call());
  Watch(
      t, [&] { t.RequireRefusal(model.Run(inputs.values()), t.call().name); }, kCalls, HeapInUse, "bytes of the heap are kept by refused calls");
}

const Registered kRefusalsFlat{{.requirement = "LIFE_1",
                                .sentence = "refused_calls_keep_no_memory",
                                .check_inputs = true,
                                .sampled = true,
                                .long_running = true,
                                .on_cuda = true,
                                .deadline_seconds = kDeadlineSeconds,
                                .targets = CallsInCells({"above_max", "data"}),
                                .body = RefuseAgainAndAgain}};

// --- the memory of a device -------------------------------------------------------------------------------------------

// The driver gives it out in blocks of 2 MiB, and a runtime keeps freed ones for the next call: what is never given back takes one more in every
// stretch where that is long enough for 512 bytes a call, the least that PyTorch's allocator gives, or for 88 KiB of weights a load.
constexpr Row kDeviceLoads{.first = 8, .cycles = 24, .growth = 1};
constexpr Row kDeviceCalls{.first = 50, .cycles = 4200, .growth = 1};

int64_t TakenOnDevice(Trial& t) { return -static_cast<int64_t>(t.cuda().FreeBytes()); }

void RunAgainAndAgainOnDevice(Trial& t) {
  Model model = t.Load();
  t.JudgeCall(model, t.ExampleCall(), "the control");
  DeviceCall call(t, model, t.ExampleCall());
  CudaStream stream(t.cuda());
  call.FillOn(stream);
  stream.Synchronize();
  const Cycle cycle = [&] {
    static_cast<void>(call.RunOn(stream));
    stream.Synchronize();
  };
  Watch(
      t, cycle, kDeviceCalls, [&t] { return TakenOnDevice(t); }, "bytes of the device's memory are kept by calls");
}

const Registered kDeviceCallsFlat{{.requirement = "LIFE_1",
                                   .sentence = "running_again_and_again_keeps_no_device_memory",
                                   .sampled = true,
                                   .long_running = true,
                                   .undisturbed = true,
                                   .on_cuda = true,
                                   .deadline_seconds = kDeadlineSeconds,
                                   .targets = OncePerCudaCase,
                                   .body = [](Trial& t) { OnCuda(t, [&] { RunAgainAndAgainOnDevice(t); }); }}};

const Registered kDeviceLoadsFlat{{.requirement = "LIFE_1",
                                   .sentence = "loading_again_and_again_keeps_no_device_memory",
                                   .sampled = true,
                                   .long_running = true,
                                   .undisturbed = true,
                                   .on_cuda = true,
                                   .deadline_seconds = kDeadlineSeconds,
                                   .targets = OncePerCudaCase,
                                   .body = [](Trial& t) {
                                     OnCuda(t, [&] {
                                       Watch(
                                           t, [&t] { LoadRunUnload(t); }, kDeviceLoads, [&t] { return TakenOnDevice(t); },
                                           "bytes of the device's memory are kept by loads, runs and unloads");
                                     });
                                   }}};

}  // namespace
}  // namespace aoti_cts
