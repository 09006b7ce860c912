// SPDX-License-Identifier: Apache-2.0
#include "runners/guarded_allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <atomic>
#include <cstring>

#include "fixtures/guarded_memory.h"

namespace aoti_runners {
namespace {

using aoti_cts::GuardedMemory;
using aoti_cts::GuardSide;

class GuardedAllocator final : public c10::Allocator {
 public:
  void Configure(GuardSide side, uint8_t poison) {
    side_ = side;
    poison_ = poison;
  }

  c10::DataPtr allocate(size_t size) override {
    auto* memory = new GuardedMemory(size, side_, "an allocation of the runtime");
    std::memset(memory->data(), poison_, size);
    return {memory->data(), memory, &Delete, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }  // no raw allocation: the context is not the data
  void copy_data(void* to, const void* from, size_t count) const override { std::memcpy(to, from, count); }

 private:
  static void Delete(void* context) { delete static_cast<GuardedMemory*>(context); }

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
