// SPDX-License-Identifier: Apache-2.0
// Outputs that the runner `faulty` owns, and the ways in which it spoils them. To add one: its function here, its row in faults.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "runners/aoti_runner.h"

namespace aoti_runners {

// Outputs that this runner made itself. Those of the wrapped runner pass through untouched where nothing is broken.
struct OwnedOutputs {
  std::vector<std::vector<char>> data;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<std::vector<int64_t>> strides;
  std::vector<aoti_value> values;

  void Rebind() {
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i].kind != AOTI_TENSOR) continue;
      DLTensor& t = values[i].tensor;
      t.data = data[i].data();
      t.byte_offset = 0;
      t.ndim = static_cast<int32_t>(shapes[i].size());
      t.shape = shapes[i].data();
      t.strides = strides[i].data();
      values[i].storage_data = data[i].data();
      values[i].storage_bytes = data[i].size();
    }
  }
};

inline size_t ElementSize(const DLTensor& t) { return t.dtype.bits / 8U; }

inline int64_t Count(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

inline std::vector<int64_t> RowMajor(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0; stride *= std::max<int64_t>(shape[d], 1)) strides[d] = stride;
  return strides;
}

// Copies a dense output; the faults below work on dense outputs only.
inline std::unique_ptr<OwnedOutputs> CopyOf(const aoti_outputs& outputs) {
  auto copy = std::make_unique<OwnedOutputs>();
  for (size_t i = 0; i < outputs.count; ++i) {
    const aoti_value& value = outputs.values[i];
    const DLTensor& t = value.tensor;
    copy->values.push_back(value);
    copy->shapes.emplace_back(t.shape, t.shape + t.ndim);
    copy->strides.emplace_back(t.strides, t.strides + t.ndim);
    const char* first = static_cast<const char*>(t.data) + t.byte_offset;
    copy->data.emplace_back(first, first + static_cast<size_t>(Count(copy->shapes.back())) * ElementSize(t));
  }
  copy->Rebind();
  return copy;
}

inline void Give(std::unique_ptr<OwnedOutputs> made, aoti_outputs* outputs) {
  made->Rebind();
  *outputs = {made->values.data(), made->values.size(), made.release()};
}

// --- spoiling them ---------------------------------------------------------------------------------------------------

template <typename T>
T* LastElement(OwnedOutputs& outputs) {
  std::vector<char>& data = outputs.data.back();
  return data.size() >= sizeof(T) ? reinterpret_cast<T*>(data.data() + data.size() - sizeof(T)) : nullptr;
}

inline void Transpose(OwnedOutputs& outputs) {
  for (size_t i = 0; i < outputs.values.size(); ++i) {
    const std::vector<int64_t>& shape = outputs.shapes[i];
    if (shape.size() != 2) continue;
    const size_t size = ElementSize(outputs.values[i].tensor);
    const std::vector<char> from = outputs.data[i];
    for (int64_t r = 0; r < shape[0]; ++r) {
      for (int64_t c = 0; c < shape[1]; ++c) {
        std::memcpy(outputs.data[i].data() + static_cast<size_t>(c * shape[0] + r) * size, from.data() + static_cast<size_t>(r * shape[1] + c) * size,
                    size);
      }
    }
    outputs.strides[i] = {1, shape[0]};
  }
}

inline void Widen(OwnedOutputs& outputs) {
  for (size_t i = 0; i < outputs.values.size(); ++i) {
    DLTensor& t = outputs.values[i].tensor;
    if (t.dtype.code != kDLFloat || t.dtype.bits != 32) continue;
    std::vector<char> wide;
    for (size_t at = 0; at + sizeof(float) <= outputs.data[i].size(); at += sizeof(float)) {
      float narrow = 0;
      std::memcpy(&narrow, outputs.data[i].data() + at, sizeof narrow);
      const double value = narrow;
      const auto* bytes = reinterpret_cast<const char*>(&value);
      wide.insert(wide.end(), bytes, bytes + sizeof value);
    }
    outputs.data[i] = wide;
    t.dtype.bits = 64;
  }
}

inline void ChangeLastElement(OwnedOutputs& outputs) {
  if (auto* last = LastElement<float>(outputs)) *last = *last * 1.001F + 1e-6F;
}

inline void PutNaN(OwnedOutputs& outputs) {
  if (outputs.data[0].size() >= sizeof(float)) *reinterpret_cast<float*>(outputs.data[0].data()) = std::numeric_limits<float>::quiet_NaN();
}

inline void SwapSizes(OwnedOutputs& outputs) {
  for (size_t i = 0; i < outputs.shapes.size(); ++i) {
    if (outputs.shapes[i].size() >= 2) std::swap(outputs.shapes[i][0], outputs.shapes[i][1]);
    outputs.strides[i] = RowMajor(outputs.shapes[i]);
  }
}

inline void DropLast(OwnedOutputs& outputs) { outputs.values.pop_back(); }

inline void RequireGrad(OwnedOutputs& outputs) {
  for (aoti_value& value : outputs.values) value.flags |= AOTI_FLAG_REQUIRES_GRAD;
}

// What set_memory() was told to fill the runtime's own memory with.
inline uint8_t poison_byte = 0;

inline void UnwriteLast(OwnedOutputs& outputs) {
  if (auto* last = LastElement<float>(outputs)) std::memset(last, poison_byte, sizeof *last);
}

}  // namespace aoti_runners
