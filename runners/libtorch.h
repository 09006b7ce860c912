// SPDX-License-Identifier: Apache-2.0
// What the runners that link libtorch share: which torch was really loaded, the caller's inputs as tensors, tensors as outputs.
#pragma once

#include <ATen/DLConvertor.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/ScalarType.h>
#include <dlfcn.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"

namespace aoti_runners {

// What AOTI_BUILT_TORCH and AOTI_BUILT_GIT say was there when the runner was compiled, read again from the torch that was really loaded.
struct TorchIdentity {
  std::string version;
  std::string git;
  std::string library;
};

inline TorchIdentity LoadedTorch() {
  TorchIdentity identity;
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&at::getDLDataType), &info) == 0) return identity;
  std::error_code ignored;
  const auto library = std::filesystem::canonical(info.dli_fname, ignored);
  identity.library = library.string();
  std::ifstream stream(library.parent_path().parent_path() / "version.py");
  const std::regex assignment(R"(^(__version__|git_version) = '([^']*)')");
  std::smatch match;
  for (std::string line; std::getline(stream, line);) {
    if (std::regex_search(line, match, assignment)) (match[1] == "git_version" ? identity.git : identity.version) = match[2];
  }
  return identity;
}

// As in a program that is itself linked with libtorch: its functions are there for libraries that do not name it (link_libtorch=False).
inline void ShowLibtorchToAll(const TorchIdentity& loaded) {
  const std::filesystem::path library = loaded.library;
  for (const auto& path : {library, library.parent_path() / "libtorch_cuda.so"}) dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
}

inline aoti_status RequireBuiltTorch(aoti_error* error) {
  const TorchIdentity loaded = LoadedTorch();
  ShowLibtorchToAll(loaded);
  if (loaded.version == AOTI_BUILT_TORCH && loaded.git == AOTI_BUILT_GIT) return AOTI_OK;
  return Fail(error, AOTI_FAILED, "torch",
              "it was built for torch " AOTI_BUILT_TORCH " (" AOTI_BUILT_GIT ") and found " + loaded.version + " (" + loaded.git + ") at " +
                  loaded.library + "; run ./aoti-cts setup to build it again");
}

// The part of a description that follows from the torch that is loaded.
inline nlohmann::json TorchDescription() {
  const TorchIdentity loaded = LoadedTorch();
  return {{"version", loaded.version}, {"git", loaded.git}, {"library", loaded.library}};
}

// Where a value lies: what a tensor is made of, and how many elements after it the first one is. A view keeps its place in its storage, as a
// slice in PyTorch does; where the place is no whole number of elements it cannot.
struct Place {
  char* storage;
  int64_t offset;
};

inline Place PlaceOf(const aoti_value& value, int64_t element_size) {
  auto* data = static_cast<char*>(value.tensor.data) + value.tensor.byte_offset;
  const int64_t bytes_before = value.storage_data != nullptr ? data - static_cast<char*>(value.storage_data) : 0;
  const int64_t offset = bytes_before % element_size == 0 ? bytes_before / element_size : 0;
  return {data - offset * element_size, offset};
}

inline at::Device DeviceOf(const DLDevice& device) {
  if (device.device_type == kDLCPU) return at::kCPU;
  if (device.device_type == kDLCUDA) return {at::kCUDA, static_cast<at::DeviceIndex>(device.device_id)};
  throw std::invalid_argument("device type " + std::to_string(static_cast<int>(device.device_type)) + " is neither CPU nor CUDA");
}

// The caller's memory as a tensor; an undefined one for None. `keep`: what must live as long as the tensor does.
inline at::Tensor Borrow(const aoti_value& value, const at::Tensor& keep = {}) {
  if (value.kind == AOTI_NONE) return {};
  const DLTensor& t = value.tensor;
  const at::IntArrayRef sizes(t.shape, static_cast<size_t>(t.ndim));
  const at::IntArrayRef strides(t.strides, static_cast<size_t>(t.ndim));
  const at::Device device = DeviceOf(t.device);
  const auto options = at::TensorOptions().dtype(at::toScalarType(t.dtype)).device(device);
  const auto [storage, offset] = PlaceOf(value, static_cast<int64_t>(options.dtype().itemsize()));
  at::TensorMaker maker = at::for_blob(storage, sizes);
  maker.strides(strides).storage_offset(offset).options(options).target_device(device);
  if (keep.defined()) maker.deleter([keep](void* /*storage*/) {});
  at::Tensor tensor = maker.make_tensor();
  if ((value.flags & AOTI_FLAG_REQUIRES_GRAD) != 0) tensor.requires_grad_();
  return tensor;
}

inline std::vector<at::Tensor> BorrowInputs(const aoti_value* inputs, size_t count) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(count);
  for (size_t i = 0; i < count; ++i) tensors.push_back(Borrow(inputs[i]));
  return tensors;
}

inline aoti_value ViewOf(const at::Tensor& tensor) {
  aoti_value value{};
  if (!tensor.defined()) {
    value.kind = AOTI_NONE;
    return value;
  }
  value.kind = AOTI_TENSOR;
  if (tensor.is_conj()) value.flags |= AOTI_FLAG_CONJ;
  if (tensor.is_neg()) value.flags |= AOTI_FLAG_NEG;
  if (tensor.requires_grad()) value.flags |= AOTI_FLAG_REQUIRES_GRAD;
  value.tensor.data = tensor.data_ptr();
  value.tensor.device = {tensor.is_cpu() ? kDLCPU : kDLCUDA, tensor.is_cpu() ? 0 : tensor.get_device()};
  value.tensor.ndim = static_cast<int32_t>(tensor.dim());
  value.tensor.dtype = at::getDLDataType(tensor);
  value.tensor.shape = const_cast<int64_t*>(tensor.sizes().data());      // DLPack has no const; nobody writes through it
  value.tensor.strides = const_cast<int64_t*>(tensor.strides().data());  // as above
  value.storage_data = const_cast<void*>(tensor.storage().data());       // as above
  value.storage_bytes = tensor.storage().nbytes();
  return value;
}

// Owns what the views of aoti_outputs look at.
struct OutputsOwner {
  OutputsOwner() = default;
  virtual ~OutputsOwner() = default;
  OutputsOwner(const OutputsOwner&) = delete;
  OutputsOwner& operator=(const OutputsOwner&) = delete;
};

// As aoti_outputs holds it: the caller's until ReleaseOutputs().
inline void* GiveOwner(std::unique_ptr<OutputsOwner> owner) { return owner.release(); }

inline void ReleaseOutputs(aoti_outputs* outputs) {
  delete static_cast<OutputsOwner*>(outputs->owner);
  *outputs = {};
}

struct OutputHolder : OutputsOwner {
  std::vector<at::Tensor> tensors;
  std::vector<aoti_value> values;
};

inline void GiveOutputs(std::vector<at::Tensor> tensors, aoti_outputs* outputs) {
  auto holder = std::make_unique<OutputHolder>();
  holder->tensors = std::move(tensors);
  for (const at::Tensor& tensor : holder->tensors) holder->values.push_back(ViewOf(tensor));
  const std::vector<aoti_value>& values = holder->values;
  *outputs = {values.data(), values.size(), GiveOwner(std::move(holder))};
}

// The bytes from the beginning of a value's storage to its first element.
inline int64_t BytesBefore(const aoti_value& value) {
  if (value.storage_data == nullptr) return 0;
  return static_cast<char*>(value.tensor.data) + static_cast<int64_t>(value.tensor.byte_offset) - static_cast<char*>(value.storage_data);
}

// A copy of a view is as far from the beginning of its memory as the view, and what lies before the view comes along.
inline at::Tensor CopyOfView(const aoti_value& value, const at::Tensor& view, const DLDevice& device) {
  const int64_t before = BytesBefore(value);
  const auto extent = static_cast<int64_t>(at::detail::computeStorageNbytes(view.sizes(), view.strides(), view.element_size()));
  const auto bytes = at::TensorOptions().dtype(at::kByte);
  const at::Tensor from =
      at::for_blob(value.storage_data, {before + extent}).options(bytes.device(view.device())).target_device(view.device()).make_tensor();
  const at::Tensor to = at::empty({before + extent}, bytes.device(DeviceOf(device)));
  to.copy_(from);
  aoti_value copy = value;
  copy.flags = 0;
  copy.tensor.data = static_cast<char*>(to.data_ptr()) + before;
  copy.tensor.byte_offset = 0;
  copy.tensor.device = {to.is_cpu() ? kDLCPU : kDLCUDA, to.is_cpu() ? 0 : to.get_device()};
  copy.storage_data = to.data_ptr();
  copy.storage_bytes = static_cast<uint64_t>(before + extent);
  return Borrow(copy, to);
}

inline aoti_status CopyValues(const aoti_value* values, size_t count, const DLDevice* devices, aoti_outputs* copies, aoti_error* error) {
  return Guarded(error, [&] {
    const at::NoGradGuard no_graph;
    std::vector<at::Tensor> copied;
    for (size_t i = 0; i < count; ++i) {
      const at::Tensor from = Borrow(values[i]);
      if (!from.defined()) {
        copied.emplace_back();
        continue;
      }
      if (BytesBefore(values[i]) > 0 && from.numel() > 0) {
        copied.push_back(CopyOfView(values[i], from, devices[i]));
      } else {
        copied.push_back(at::empty_strided(from.sizes(), from.strides(), from.options().device(DeviceOf(devices[i]))));
        copied.back().copy_(from);  // waits: neither side is pinned memory
      }
      if (from.requires_grad()) copied.back().requires_grad_();
      if ((values[i].flags & AOTI_FLAG_CONJ) != 0) copied.back()._set_conj(true);  // the memory is a copy of theirs, so it means the same
      if ((values[i].flags & AOTI_FLAG_NEG) != 0) copied.back()._set_neg(true);
    }
    GiveOutputs(std::move(copied), copies);
  });
}

// PyTorch's name of a dtype, without "torch.".
inline std::string PyTorchName(at::ScalarType dtype) {
  const auto [name, other] = c10::getDtypeNames(dtype);
  return std::string(name);
}

// Owns the names and views of aoti_constants; what the views look at is the model's.
struct ConstantsHolder {
  std::deque<std::string> names;  // a deque leaves what it holds where it is
  std::deque<at::Tensor> tensors;
  std::vector<aoti_named_value> values;

  void Add(const std::string& name, const at::Tensor& tensor) {
    tensors.push_back(tensor);
    values.push_back({names.emplace_back(name).c_str(), ViewOf(tensors.back())});
  }
  void Give(aoti_constants* constants) { *constants = {values.data(), values.size(), this}; }
};

inline void ReleaseConstants(aoti_constants* constants) {
  delete static_cast<ConstantsHolder*>(constants->owner);
  *constants = {};
}

// Autograd and inference mode as the caller has them, for as long as this lives.
class CallersModes {
 public:
  explicit CallersModes(const aoti_run_options& options)
      : inference_(options.inference_mode != 0 ? std::make_unique<c10::InferenceMode>() : nullptr), grad_(options.grad_mode != 0) {}

 private:
  std::unique_ptr<c10::InferenceMode> inference_;  // first: it sets the other mode too
  c10::AutoGradMode grad_;
};

}  // namespace aoti_runners
