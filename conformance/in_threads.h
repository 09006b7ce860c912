// SPDX-License-Identifier: Apache-2.0
// Several threads that begin at the same moment.
#pragma once

#include <barrier>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace aoti_cts {

// Runs `body(thread)` in `count` threads that start together, and waits for them. The sandbox's deadline is the watchdog.
inline void InThreads(int count, const std::function<void(int)>& body) {
  std::barrier start(count);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(count));
  for (int thread = 0; thread < count; ++thread) {
    threads.emplace_back([&, thread] {
      start.arrive_and_wait();
      body(thread);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace aoti_cts
