// SPDX-License-Identifier: Apache-2.0
// A worker is a process that has loaded one runner and runs the tests nobody else has claimed, each in a forked sandbox, through GoogleTest.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "conformance/campaign.h"
#include "fixtures/golden.h"
#include "fixtures/packages.h"

namespace aoti_cts {

constexpr int kMostWorkers = 256;  // at a time

// Lies at the start of memory that all workers of a campaign share; behind it lie, for each planned test, whether a worker has claimed it and
// whether one has written its end.
struct SharedState {
  std::atomic<bool> stop;    // interrupted: the test under way ends too
  std::atomic<bool> enough;  // a red verdict was all that was wanted: no further test begins
  std::atomic<uint32_t> ended;
  // Per worker: by when it must set a later time here. A runner can hold up a whole process, in open() or with a lock that its thread keeps.
  std::array<std::atomic<int64_t>, kMostWorkers> due;  // milliseconds of the steady clock
  std::atomic<bool>& Claimed(size_t test) { return reinterpret_cast<std::atomic<bool>*>(this + 1)[2 * test]; }
  std::atomic<bool>& Ended(size_t test) { return reinterpret_cast<std::atomic<bool>*>(this + 1)[2 * test + 1]; }
};

struct WorkerContext {
  const CampaignOptions* options;
  const std::vector<PlannedTest>* tests = nullptr;
  const std::vector<std::string>* all_ids = nullptr;  // of every test there is for these runners, planned or not
  const Packages* packages;
  const std::map<std::string, Expected<Golden>>* goldens;  // by program
  std::filesystem::path scratch = {};                      // folder for sandboxes
  SharedState* shared = nullptr;
  int cuda_devices = 0;  // on this machine
};

// None is 0: a runner that calls exit(0) has done nothing.
enum WorkerExit : int { kWorkerNoRunner = 3, kWorkerNoRecord = 4, kWorkerDone = 5 };

// Sets the time in `due` to `seconds` from now.
void PromiseSignOfLife(std::atomic<int64_t>& due, double seconds);
bool IsOverdue(const std::atomic<int64_t>& due);

// Seconds that opening a runner may take, and loading and running a first package.
inline double StartSeconds(const CampaignOptions& options) { return 6 * options.deadline_seconds; }

// Judges one test in this process, which a sandboxed one has executed, and writes the outcome to the file that the options name.
int JudgeHere(const PlannedTest& test, const WorkerContext& context);

// Runs in a process of its own; the return value is its exit status. `due`: its place in the shared state. `alone`: no other worker is there; else
// it leaves unclaimed what is to be undisturbed.
int WorkerMain(const WorkerContext& context, const RunnerSpec& runner, std::atomic<int64_t>& due, bool alone);

}  // namespace aoti_cts
