// SPDX-License-Identifier: Apache-2.0
#include "runners/guarded_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "fixtures/guarded_memory.h"

namespace aoti_runners {
namespace {

using aoti_cts::GuardedMemory;
using aoti_cts::GuardSide;

// The memory behind each data pointer: c10 wants pointer and context to be the same for raw allocations (oneDNN makes them), so the owner is
// looked up. Lives as long as the process, because tensors may.
class Allocations {
 public:
  void* Make(size_t size, GuardSide side) {
    auto memory = std::make_unique<GuardedMemory>(size, side, "an allocation of the runtime");
    void* data = memory->data();
    const std::lock_guard lock(mutex_);
    by_pointer_.emplace(data, std::move(memory));
    return data;
  }
  void Free(void* data) {
    const std::lock_guard lock(mutex_);
    by_pointer_.erase(data);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<void*, std::unique_ptr<GuardedMemory>> by_pointer_;
};

Allocations& AllAllocations() {
  static auto* allocations = new Allocations;
  return *allocations;
}

class GuardedAllocator final : public c10::Allocator {
 public:
  void Configure(GuardSide side, uint8_t poison) {
    side_ = side;
    poison_ = poison;
  }

  c10::DataPtr allocate(size_t size) override {
    void* data = AllAllocations().Make(size, side_);
    std::memset(data, poison_, size);
    return {data, data, &Delete, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Delete; }
  void copy_data(void* to, const void* from, size_t count) const override { std::memcpy(to, from, count); }

 private:
  static void Delete(void* data) { AllAllocations().Free(data); }

  std::atomic<GuardSide> side_{GuardSide::kEnd};
  std::atomic<uint8_t> poison_{0};
};

constexpr uint8_t kPriority = 100;  // above whatever else may set one

}  // namespace

void InstallAllocator(aoti_memory_mode mode, uint8_t poison) {
  static c10::Allocator* const usual = c10::GetCPUAllocator();
  static GuardedAllocator guarded;
  if (mode == AOTI_MEMORY_PLAIN) {
    c10::SetCPUAllocator(usual, kPriority);
    return;
  }
  guarded.Configure(mode == AOTI_MEMORY_GUARD_END ? GuardSide::kEnd : GuardSide::kStart, poison);
  c10::SetCPUAllocator(&guarded, kPriority);
}

}  // namespace aoti_runners
