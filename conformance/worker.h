// SPDX-License-Identifier: Apache-2.0
// A worker is a process that has loaded one runner and runs the tests nobody else has claimed, each in a forked sandbox, through GoogleTest.
#pragma once

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

// Lies at the start of memory that all workers of a campaign share; the claims, one per planned test, lie behind it.
struct SharedState {
  std::atomic<bool> stop;
  std::atomic<uint32_t> ended;
  std::atomic<bool>& Claimed(size_t test) { return reinterpret_cast<std::atomic<bool>*>(this + 1)[test]; }
};

struct WorkerContext {
  const CampaignOptions* options;
  const std::vector<PlannedTest>* tests;
  const Catalogue* catalogue;
  const Packages* packages;
  const std::map<std::string, Expected<Golden>>* goldens;  // by case
  std::filesystem::path scratch;                           // folder for sandboxes
  SharedState* shared;
};

enum WorkerExit : int { kWorkerDone = 0, kWorkerNoRunner = 3, kWorkerNoRecord = 4 };

// Runs in a process of its own; the return value is its exit status.
int WorkerMain(const WorkerContext& context, const RunnerSpec& runner);

}  // namespace aoti_cts
