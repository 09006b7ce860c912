// SPDX-License-Identifier: Apache-2.0
// Makes a failing sequence short: leaves out runs of steps, the longest first, as long as what is left still fails.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace aoti_cts {

// `fails` says whether a sequence fails; it is asked at most `attempts` times, and must hold of `sequence` itself. The result fails, and unless the
// attempts ran out no step of it can be left out.
template <typename T>
std::vector<T> Shrunk(std::vector<T> sequence, const std::function<bool(const std::vector<T>&)>& fails, int attempts) {
  for (size_t length = sequence.size() / 2; length > 0;) {
    bool shorter = false;
    for (size_t begin = 0; begin < sequence.size() && attempts > 0;) {
      std::vector<T> left = sequence;
      const size_t end = std::min(begin + length, left.size());
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(begin), left.begin() + static_cast<std::ptrdiff_t>(end));
      --attempts;
      if (fails(left)) {
        sequence = std::move(left);
        shorter = true;
      } else {
        begin += length;
      }
    }
    if (attempts == 0) break;
    if (!shorter || length > 1) length = shorter ? std::max<size_t>(length / 2, 1) : length / 2;
  }
  return sequence;
}

}  // namespace aoti_cts
