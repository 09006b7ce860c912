// SPDX-License-Identifier: Apache-2.0
// Runner `c_abi`: the library out of the package, by dlopen and the C functions that torch/csrc/inductor/aoti_runtime/interface.h and
// aoti_torch/c/shim.h declare, and nothing else: no C++ class of PyTorch stands between the caller and the model.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <torch/csrc/inductor/aoti_runtime/interface.h>
#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"
#include "runners/guarded_allocator.h"
#include "runners/libtorch.h"
#include "runners/libtorch_cuda.h"
#include "runners/unpacked.h"

namespace aoti_runners {
namespace {

using nlohmann::json;

// As AOTInductorConstantMapEntry of interface.h, which not every release of torch has.
struct NamedHandle {
  const char* name;
  AtenTensorHandle handle;
};
using HandlesByName = std::unordered_map<std::string, AtenTensorHandle>;  // what the older functions take, C interface or not

// The functions of one model's library. Those that not every release of torch has may be null.
class Library {
 public:
  explicit Library(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
    Find(create_with_device, "AOTInductorModelContainerCreateWithDevice", false);
    Find(create, "AOTInductorModelContainerCreate", create_with_device == nullptr);
    Find(destroy, "AOTInductorModelContainerDelete", true);
    Find(run, "AOTInductorModelContainerRun", true);
    Find(run_single_threaded, "AOTInductorModelContainerRunSingleThreaded", false);
    Find(num_outputs, "AOTInductorModelContainerGetNumOutputs", true);
    Find(last_error, "AOTInductorGetLastError", false);
    FindConstants();
  }
  ~Library() { dlclose(handle_); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  decltype(&AOTInductorModelContainerCreate) create;
  decltype(&AOTInductorModelContainerCreateWithDevice) create_with_device;
  decltype(&AOTInductorModelContainerDelete) destroy;
  decltype(&AOTInductorModelContainerRun) run;
  decltype(&AOTInductorModelContainerRunSingleThreaded) run_single_threaded;
  decltype(&AOTInductorModelContainerGetNumOutputs) num_outputs;
  AOTIRuntimeError (*last_error)(const char**);

  decltype(&AOTInductorModelContainerGetNumConstants) num_constants;
  decltype(&AOTInductorModelContainerGetConstantName) constant_name;
  decltype(&AOTInductorModelContainerGetConstantOriginalFQN) constant_fqn;
  decltype(&AOTInductorModelContainerGetConstantDtype) constant_dtype;
  decltype(&AOTInductorModelContainerUpdateConstantBuffer) update, update_managed;
  decltype(&AOTInductorModelContainerRunConstantFolding) fold;
  decltype(&AOTInductorModelContainerSwapConstantBuffer) swap;
  AOTIRuntimeError (*constant_folded)(AOTInductorModelContainerHandle, size_t, bool*);
  AOTIRuntimeError (*constant_bytes)(AOTInductorModelContainerHandle, size_t, size_t*);
  AOTIRuntimeError (*update_pairs)(AOTInductorModelContainerHandle, const NamedHandle*, size_t, bool, bool);
  AOTIRuntimeError (*update_managed_pairs)(AOTInductorModelContainerHandle, const NamedHandle*, size_t, bool, bool);
  AOTIRuntimeError (*extract)(AOTInductorModelContainerHandle, AOTInductorConstantMapHandle, bool);
  AOTIRuntimeError (*extract_entries)(AOTInductorModelContainerHandle, const NamedHandle**, size_t*, bool);
  AOTIRuntimeError (*free_inactive)(AOTInductorModelContainerHandle);
  AOTIRuntimeError (*weights_bytes)(AOTInductorModelContainerHandle, uint64_t*);
  AOTIRuntimeError (*update_from_blob)(AOTInductorModelContainerHandle, const uint8_t*);

  // Throws in the library's words where `code` is no success.
  void Require(AOTIRuntimeError code, const char* function) const {
    if (code == AOTI_RUNTIME_SUCCESS) return;
    const char* words = nullptr;
    if (last_error != nullptr && last_error(&words) == AOTI_RUNTIME_SUCCESS && words != nullptr && *words != '\0') throw std::runtime_error(words);
    throw std::runtime_error(std::string(function) + " returned " + std::to_string(code));  // its words are on standard error
  }

 private:
  void FindConstants() {
    Find(num_constants, "AOTInductorModelContainerGetNumConstants", true);
    Find(constant_name, "AOTInductorModelContainerGetConstantName", true);
    Find(constant_fqn, "AOTInductorModelContainerGetConstantOriginalFQN", true);
    Find(constant_dtype, "AOTInductorModelContainerGetConstantDtype", true);
    Find(constant_folded, "AOTInductorModelContainerGetConstantFromFolded", false);
    Find(constant_bytes, "AOTInductorModelContainerGetConstantDataSize", false);
    Find(update, "AOTInductorModelContainerUpdateConstantBuffer", true);
    Find(update_pairs, "AOTInductorModelContainerUpdateConstantBufferPairs", false);
    Find(update_managed, "AOTInductorModelContainerUpdateUserManagedConstantBuffer", false);
    Find(update_managed_pairs, "AOTInductorModelContainerUpdateUserManagedConstantBufferPairs", false);
    Find(extract, "AOTInductorModelContainerExtractConstantsMap", false);
    Find(extract_entries, "AOTInductorModelContainerExtractConstantsMapEntries", false);
    Find(free_inactive, "AOTInductorModelContainerFreeInactiveConstantBuffer", false);
    Find(fold, "AOTInductorModelContainerRunConstantFolding", true);
    Find(swap, "AOTInductorModelContainerSwapConstantBuffer", true);
    Find(weights_bytes, "AOTInductorModelContainerGetConstantsBlobSize", false);
    Find(update_from_blob, "AOTInductorModelUpdateConstantsFromBlob", false);
  }

  template <typename Function>
  void Find(Function& function, const char* name, bool required) {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    if (function == nullptr && required) throw std::runtime_error(std::string("the library does not export ") + name);
  }

  void* handle_;
};

void RequireShim(AOTITorchError code, const char* function) {
  if (code != AOTI_TORCH_SUCCESS) throw std::runtime_error(std::string(function) + " returned " + std::to_string(code));
}

// A file in memory, of this process alone.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::string& path) : bytes_(std::filesystem::file_size(path)) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) throw std::runtime_error(path + " cannot be read");
    data_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    close(fd);
    if (data_ == MAP_FAILED) throw std::runtime_error(path + " cannot be mapped");
  }
  ~MappedFile() {
    if (data_ != MAP_FAILED) munmap(data_, bytes_);
  }
  MappedFile(MappedFile&& other) noexcept : bytes_(other.bytes_), data_(std::exchange(other.data_, MAP_FAILED)) {}
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const uint8_t* data() const { return static_cast<const uint8_t*>(data_); }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_ = 0;
  void* data_ = MAP_FAILED;
};

}  // namespace
}  // namespace aoti_runners

struct aoti_model {
  aoti_runners::Unpacked files;
  aoti_runners::Library library;
  std::deque<aoti_runners::MappedFile> weights;  // the library may go on reading them
  AOTInductorModelContainerHandle container = nullptr;
  bool single_threaded;
  size_t outputs = 0;

  explicit aoti_model(const aoti_load_options& options)
      : files(options.package_path, options.model_name), library(files.library().string()), single_threaded(options.run_single_threaded != 0) {
    const auto runners = static_cast<size_t>(options.num_runners);
    const std::string device = files.device() + (options.device_index < 0 ? "" : ":" + std::to_string(options.device_index));
    const std::string folder = files.folder().string();  // where kernels lie that are in files of their own
    const AOTIRuntimeError code = library.create_with_device != nullptr
                                      ? library.create_with_device(&container, runners, device.c_str(), folder.c_str())
                                      : library.create(&container, runners, files.device() == "cpu", folder.c_str());
    library.Require(code, "AOTInductorModelContainerCreate");
    library.Require(library.num_outputs(container, &outputs), "AOTInductorModelContainerGetNumOutputs");
    if (!files.weights().empty()) LoadWeights(files.weights());
  }

  void LoadWeights(const std::string& path) {
    if (library.update_from_blob == nullptr || library.weights_bytes == nullptr)
      throw std::runtime_error("the library does not export AOTInductorModelUpdateConstantsFromBlob");
    uint64_t wanted = 0;
    library.Require(library.weights_bytes(container, &wanted), "AOTInductorModelContainerGetConstantsBlobSize");
    const aoti_runners::MappedFile& file = weights.emplace_back(path);
    if (file.bytes() < wanted) throw std::runtime_error(path + " is shorter than the " + std::to_string(wanted) + " bytes of the weights");
    library.Require(library.update_from_blob(container, file.data()), "AOTInductorModelUpdateConstantsFromBlob");
  }
  ~aoti_model() {
    if (container != nullptr) library.destroy(container);
  }
  aoti_model(const aoti_model&) = delete;
  aoti_model& operator=(const aoti_model&) = delete;
};

namespace aoti_runners {
namespace {

aoti_status Open(const char* /*config_json*/, aoti_error* error) { return RequireBuiltTorch(error); }

aoti_status Describe(aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    const json description{{"name", "c_abi"},
                           {"base", "package"},  // the same library answers: what is known of it there holds here
                           {"about", "the package's library through the C functions of aoti_runtime/interface.h"},
                           {"torch", TorchDescription()},
                           {"devices", TorchDevices()},
                           {"capabilities",
                            {{"package", "unsupported"},
                             {"metadata", "unsupported"},
                             {"custom_operators", "unsupported"},
                             {"guarded_memory", "supported"},
                             {"input_checks", "supported"},
                             {"runs_at_once", "supported"},
                             {"current_stream", "unsupported"},  // a stream is handed over, or it is the default one
                             {"cuda_graphs", "unsupported"},     // memory is the caller's matter, and the C functions offer no pool for it
                             {"trace", "unsupported"},
                             {"constants", "supported"},
                             {"constant_names", "unsupported"},
                             {"constant_buffers", "supported"},
                             {"user_managed_constants", "supported"},
                             {"constants_from_file", "supported"}}}};
    WriteTo(sink, description.dump());
  });
}

aoti_status Load(const aoti_load_options* options, aoti_model** model, aoti_error* error) {
  return Guarded(error, [&] { *model = new aoti_model(*options); });
}

void Unload(aoti_model* model) { delete model; }

struct Handle {
  AtenTensorHandle raw = nullptr;
  Handle() = default;
  explicit Handle(AtenTensorHandle handle) : raw(handle) {}
  ~Handle() {
    if (raw != nullptr) aoti_torch_delete_tensor_object(raw);
  }
  Handle(Handle&& other) noexcept : raw(std::exchange(other.raw, nullptr)) {}
  Handle& operator=(Handle&&) = delete;
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
};

Handle HandleOf(const aoti_value& value) {
  if (value.kind == AOTI_NONE) return {};
  const DLTensor& t = value.tensor;
  const auto dtype = static_cast<int32_t>(at::toScalarType(t.dtype));  // shim.h: the numbers are ScalarType's
  const auto [storage, offset] = PlaceOf(value, static_cast<int64_t>(aoti_torch_dtype_element_size(dtype)));
  AtenTensorHandle made = nullptr;
  const bool on_host = t.device.device_type == kDLCPU;
  const int32_t device = on_host ? aoti_torch_device_type_cpu() : aoti_torch_device_type_cuda();
  RequireShim(aoti_torch_create_tensor_from_blob(storage, t.ndim, t.shape, t.strides, offset, dtype, device, on_host ? 0 : t.device.device_id, &made),
              "aoti_torch_create_tensor_from_blob");
  return Handle(made);
}

struct Answered : OutputsOwner {
  std::vector<Handle> handles;
  std::vector<aoti_value> values;
};

aoti_value ViewOf(AtenTensorHandle handle) {
  aoti_value value{};
  value.kind = handle != nullptr ? AOTI_TENSOR : AOTI_NONE;
  if (handle == nullptr) return value;
  void* data = nullptr;
  int64_t* sizes = nullptr;
  int64_t* strides = nullptr;
  int64_t dim = 0, offset = 0, bytes = 0;
  int32_t dtype = 0, device = 0, index = 0;
  RequireShim(aoti_torch_get_data_ptr(handle, &data), "aoti_torch_get_data_ptr");
  RequireShim(aoti_torch_get_sizes(handle, &sizes), "aoti_torch_get_sizes");
  RequireShim(aoti_torch_get_strides(handle, &strides), "aoti_torch_get_strides");
  RequireShim(aoti_torch_get_dim(handle, &dim), "aoti_torch_get_dim");
  RequireShim(aoti_torch_get_storage_offset(handle, &offset), "aoti_torch_get_storage_offset");
  RequireShim(aoti_torch_get_storage_size(handle, &bytes), "aoti_torch_get_storage_size");
  RequireShim(aoti_torch_get_dtype(handle, &dtype), "aoti_torch_get_dtype");
  RequireShim(aoti_torch_get_device_type(handle, &device), "aoti_torch_get_device_type");
  value.tensor.data = data;
  RequireShim(aoti_torch_get_device_index(handle, &index), "aoti_torch_get_device_index");
  value.tensor.device = device == aoti_torch_device_type_cpu() ? DLDevice{kDLCPU, 0} : DLDevice{kDLCUDA, index};
  value.tensor.ndim = static_cast<int32_t>(dim);
  value.tensor.dtype = at::getDLDataType(at::empty({0}, static_cast<at::ScalarType>(dtype)));
  value.tensor.shape = sizes;
  value.tensor.strides = strides;
  value.storage_data = static_cast<char*>(data) - offset * static_cast<int64_t>(aoti_torch_dtype_element_size(dtype));
  value.storage_bytes = static_cast<uint64_t>(bytes);
  return value;
}

aoti_status Run(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                aoti_error* error) {
  return Guarded(error, [&] {
    // The C function takes as many handles as it is told and steals them, putting null in their place; what it leaves is still ours. The count is
    // looked at by the model itself.
    std::vector<Handle> made;
    for (size_t i = 0; i < count; ++i) made.push_back(HandleOf(inputs[i]));
    std::vector<AtenTensorHandle> given;
    for (const Handle& handle : made) given.push_back(handle.raw);
    std::vector<AtenTensorHandle> returned(model->outputs);
    const CallersModes modes(*options);
    const auto run =
        model->single_threaded && model->library.run_single_threaded != nullptr ? model->library.run_single_threaded : model->library.run;
    const auto status =
        run(model->container, given.data(), count, returned.data(), returned.size(), static_cast<AOTInductorStreamHandle>(options->stream), nullptr);
    for (size_t i = 0; i < count; ++i) made[i].raw = given[i];
    model->library.Require(status, "AOTInductorModelContainerRun");
    auto answered = std::make_unique<Answered>();
    // A model that answers one tensor twice returns its handle twice: it is given back once.
    const std::set<AtenTensorHandle> distinct(returned.begin(), returned.end());
    for (const AtenTensorHandle handle : distinct) answered->handles.emplace_back(handle);
    for (const AtenTensorHandle handle : returned) answered->values.push_back(ViewOf(handle));
    const std::vector<aoti_value>& values = answered->values;
    *outputs = {values.data(), values.size(), GiveOwner(std::move(answered))};
  });
}

aoti_status ModelMetadata(aoti_model* /*model*/, aoti_text_sink /*sink*/, aoti_error* error) {
  return Unsupported(error, "the C interface has no metadata");
}

aoti_status PackageMetadata(const char* /*package_path*/, const char* /*model_name*/, aoti_text_sink /*sink*/, aoti_error* error) {
  return Unsupported(error, "no package is read");
}

// --- constants -----------------------------------------------------------------------------------------------------------

struct ConstantNames {
  std::string name, fqn;  // the library's own and the exported program's
};

std::vector<ConstantNames> NamesOf(const aoti_model& model) {
  size_t count = 0;
  model.library.Require(model.library.num_constants(model.container, &count), "AOTInductorModelContainerGetNumConstants");
  std::vector<ConstantNames> names;
  for (size_t i = 0; i < count; ++i) {
    const char *name = nullptr, *fqn = nullptr;
    model.library.Require(model.library.constant_name(model.container, i, &name), "AOTInductorModelContainerGetConstantName");
    model.library.Require(model.library.constant_fqn(model.container, i, &fqn), "AOTInductorModelContainerGetConstantOriginalFQN");
    names.push_back({name, fqn});
  }
  return names;
}

aoti_status ListConstants(aoti_model* model, aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    json listed = json::array();
    const std::vector<ConstantNames> names = NamesOf(*model);
    const Library& library = model->library;
    for (size_t i = 0; i < names.size(); ++i) {
      int32_t dtype = 0;
      library.Require(library.constant_dtype(model->container, i, &dtype), "AOTInductorModelContainerGetConstantDtype");
      json entry{{"name", names[i].fqn}, {"dtype", PyTorchName(static_cast<at::ScalarType>(dtype))}};
      bool folded = false;
      size_t bytes = 0;
      if (library.constant_folded != nullptr && library.constant_folded(model->container, i, &folded) == AOTI_RUNTIME_SUCCESS && folded)
        entry["folded"] = true;
      if (library.constant_bytes != nullptr && library.constant_bytes(model->container, i, &bytes) == AOTI_RUNTIME_SUCCESS) entry["bytes"] = bytes;
      listed.push_back(std::move(entry));
    }
    WriteTo(sink, listed.dump());
  });
}

// The library knows a constant by its own name; a name that is no fully qualified one goes to it as it is.
std::string LibrarysName(const std::vector<ConstantNames>& names, const std::string& fqn) {
  const auto found = std::find_if(names.begin(), names.end(), [&](const ConstantNames& known) { return known.fqn == fqn; });
  return found != names.end() ? found->name : fqn;
}

aoti_status UpdateConstants(aoti_model* model, const aoti_named_value* values, size_t count, const aoti_update_options* options, aoti_error* error) {
  return Guarded(error, [&] {
    const std::vector<ConstantNames> known = NamesOf(*model);
    std::vector<Handle> handles;
    std::deque<std::string> names;
    std::vector<NamedHandle> pairs;
    for (size_t i = 0; i < count; ++i) {
      handles.push_back(HandleOf(values[i].value));
      pairs.push_back({names.emplace_back(LibrarysName(known, values[i].name)).c_str(), handles.back().raw});
    }
    const bool inactive = options->inactive != 0, check = options->check_full != 0, managed = options->user_managed != 0;
    const auto by_pairs = managed ? model->library.update_managed_pairs : model->library.update_pairs;
    const auto by_map = managed ? model->library.update_managed : model->library.update;
    if (by_pairs == nullptr && by_map == nullptr) throw std::runtime_error("the library exports no function for this update");
    HandlesByName map;
    for (const NamedHandle& pair : pairs) map[pair.name] = pair.handle;
    model->library.Require(by_pairs != nullptr ? by_pairs(model->container, pairs.data(), pairs.size(), inactive, check)
                                               : by_map(model->container, reinterpret_cast<AOTInductorConstantMapHandle>(&map), inactive, check),
                           "AOTInductorModelContainerUpdateConstantBuffer");
  });
}

// Owns names and views; the handles are the library's.
struct Entries {
  std::deque<std::string> names;
  std::vector<aoti_named_value> values;
  void Add(const std::string& name, AtenTensorHandle handle) { values.push_back({names.emplace_back(name).c_str(), ViewOf(handle)}); }
};

aoti_status ExtractConstants(aoti_model* model, int32_t inactive, aoti_constants* constants, aoti_error* error) {
  return Guarded(error, [&] {
    auto entries = std::make_unique<Entries>();
    if (model->library.extract_entries != nullptr) {
      const NamedHandle* found = nullptr;
      size_t count = 0;
      model->library.Require(model->library.extract_entries(model->container, &found, &count, inactive != 0),
                             "AOTInductorModelContainerExtractConstantsMapEntries");
      for (size_t i = 0; i < count; ++i) entries->Add(found[i].name, found[i].handle);
    } else {
      if (model->library.extract == nullptr) throw std::runtime_error("the library does not export AOTInductorModelContainerExtractConstantsMap");
      HandlesByName found;
      model->library.Require(model->library.extract(model->container, reinterpret_cast<AOTInductorConstantMapHandle>(&found), inactive != 0),
                             "AOTInductorModelContainerExtractConstantsMap");
      for (const auto& [name, handle] : found) entries->Add(name, handle);
    }
    *constants = {entries->values.data(), entries->values.size(), entries.get()};
    static_cast<void>(entries.release());  // the caller's until ReleaseEntries()
  });
}

void ReleaseEntries(aoti_constants* constants) {
  delete static_cast<Entries*>(constants->owner);
  *constants = {};
}

aoti_status SwapConstants(aoti_model* model, aoti_error* error) {
  return Guarded(error, [&] { model->library.Require(model->library.swap(model->container), "AOTInductorModelContainerSwapConstantBuffer"); });
}

aoti_status FreeInactiveConstants(aoti_model* model, aoti_error* error) {
  return Guarded(error, [&] {
    if (model->library.free_inactive == nullptr)
      throw std::runtime_error("the library does not export AOTInductorModelContainerFreeInactiveConstantBuffer");
    model->library.Require(model->library.free_inactive(model->container), "AOTInductorModelContainerFreeInactiveConstantBuffer");
  });
}

aoti_status FoldConstants(aoti_model* model, int32_t inactive, aoti_error* error) {
  return Guarded(error, [&] {
    model->library.Require(model->library.fold(model->container, inactive != 0, nullptr, nullptr), "AOTInductorModelContainerRunConstantFolding");
  });
}

aoti_status LoadConstantsFromFile(aoti_model* model, const char* path, aoti_error* error) {
  return Guarded(error, [&] { model->LoadWeights(path); });
}

aoti_status StartTrace(aoti_error* error) { return Unsupported(error, "traces"); }
aoti_status StopTrace(const char* /*path*/, aoti_error* error) { return Unsupported(error, "traces"); }

constexpr aoti_runner_api kApi{.struct_size = sizeof(aoti_runner_api),
                               .api_version = AOTI_RUNNER_API_VERSION,
                               .open = Open,
                               .describe = Describe,
                               .load = Load,
                               .unload = Unload,
                               .run = Run,
                               .release_outputs = ReleaseOutputs,
                               .copy_values = CopyValues,
                               .capture_run = CaptureNoRun,
                               .replay_graph = ReplayNoGraph,
                               .release_graph = ReleaseNoGraph,
                               .model_metadata = ModelMetadata,
                               .package_metadata = PackageMetadata,
                               .set_memory = SetMemory,
                               .start_trace = StartTrace,
                               .stop_trace = StopTrace,
                               .list_constants = ListConstants,
                               .update_constants = UpdateConstants,
                               .extract_constants = ExtractConstants,
                               .release_constants = ReleaseEntries,
                               .swap_constants = SwapConstants,
                               .free_inactive_constants = FreeInactiveConstants,
                               .fold_constants = FoldConstants,
                               .load_constants_from_file = LoadConstantsFromFile};

}  // namespace
}  // namespace aoti_runners

const aoti_runner_api* aoti_get_runner_api(uint32_t api_version) { return api_version == AOTI_RUNNER_API_VERSION ? &aoti_runners::kApi : nullptr; }
