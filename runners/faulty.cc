// SPDX-License-Identifier: Apache-2.0
// Runner `faulty`: wraps another runner and breaks one promise, chosen by name. What the suite must notice is written beside each fault, and
// `aoti-cts mutate` proves it. To add a fault: one row in kFaults, and the place below that asks IsFault().
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "runners/answer.h"
#include "runners/aoti_runner.h"

namespace aoti_runners {
namespace {

using nlohmann::json;

struct Fault {
  const char* name;
  const char* what;
  const char* killed_by;  // requirement/sentence that must turn red
};

constexpr Fault kFaults[] = {
    {"none", "nothing is broken: the control", ""},
    {"last_element", "the last element of the last output is off by one part in a thousand", "NUM_1/outputs_match_the_reference"},
    {"wrong_stride", "outputs come back transposed in memory, values and shape right", "NUM_1/outputs_match_the_reference"},
    {"wrong_dtype", "float32 outputs come back as float64", "NUM_1/outputs_match_the_reference"},
    {"wrong_shape", "the first two sizes of an output are swapped", "NUM_1/outputs_match_the_reference"},
    {"output_missing", "the last output is dropped", "NUM_1/outputs_match_the_reference"},
    {"nan_in_output", "the first element of the first output is NaN", "NUM_1/outputs_match_the_reference"},
    {"aliased_input", "the first output lies in the memory of the first input", "NUM_1/outputs_match_the_reference"},
    {"input_overwritten", "a run changes the caller's first input", "NUM_1/outputs_match_the_reference"},
    {"input_overread", "a run reads one byte past the end of the first input", "NUM_1/outputs_match_the_reference"},
    {"unwritten_element", "the last element of the last output is never written", "NUM_1/unwritten_memory_stays_out_of_outputs"},
    {"output_reused", "the next run writes into the outputs of the one before", "NUM_6/outputs_outlive_later_calls_and_the_loader"},
    {"crash_on_third_call", "the third call of a process ends it with SIGSEGV", "NUM_6/outputs_outlive_later_calls_and_the_loader"},
    {"hang_on_third_call", "the third call of a process never returns", "NUM_6/outputs_outlive_later_calls_and_the_loader"},
    {"checks_ignored", "AOTI_RUNTIME_CHECK_INPUTS has no effect", "DYN_1/size_outside_the_range_is_refused"},
    {"refused_call_returns", "a refused call returns the outputs of the last good one, or none", "DYN_1/size_outside_the_range_is_refused"},
    {"unsupported_in_secret", "a call that would be refused is answered as if there were no such operation",
     "DYN_1/size_outside_the_range_is_refused"},
    {"refusal_without_words", "every refusal says only that something is invalid", "ERR_1/refusal_names_input_dimension_and_size"},
    {"stuck_after_refusal", "after one refusal no call succeeds", "DYN_6/next_good_call_after_refusals_is_golden"},
    {"swapped_results", "threads get each other's results", "THR_1/every_thread_gets_its_own_answer_4x2"},
    {"cold_start_hangs", "two first calls of a fresh loader at once never return", "THR_3/first_calls_at_once_all_return_1_runner"},
    {"later_loads_fail", "the tenth load of a process, and all after it, are refused", "THR_4/loaders_constructed_in_turn_all_work"},
    {"refusal_lost_under_load", "a call that would be refused returns once several threads have called",
     "THR_7/each_request_gets_its_own_answer_or_refusal"},
    {"cached_result", "a second call with the same shapes gets the first one's result", "NUM_1/outputs_follow_the_inputs"},
    {"lost_metadata", "the device key is missing from the metadata of a loaded model", "PKG_2/metadata_of_package_and_model_agree"},
    {"damage_accepted", "a package that cannot be loaded loads as a model without outputs", "PKG_3/truncated_package_is_refused"},
    {"python_mapped", "a library called libpython is mapped while a model is loaded", "LOAD_2/no_python_is_mapped"},
    {"file_left_behind", "unloading leaves a file in TMPDIR", "LIFE_1/unloading_leaves_no_file"},
    {"count_ignored", "surplus and missing inputs are made up for in silence", "LOAD_5/wrong_input_count_is_refused"},
};

const aoti_runner_api* inner = nullptr;
std::string fault;
std::string inner_name;
uint8_t poison_byte = 0;

bool IsFault(const char* name) { return fault == name; }

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

size_t ElementSize(const DLTensor& t) { return t.dtype.bits / 8U; }

int64_t Count(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

std::vector<int64_t> RowMajor(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0; stride *= std::max<int64_t>(shape[d], 1)) strides[d] = stride;
  return strides;
}

// Copies a dense output; the faults below work on dense outputs only.
std::unique_ptr<OwnedOutputs> CopyOf(const aoti_outputs& outputs) {
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

void Give(std::unique_ptr<OwnedOutputs> made, aoti_outputs* outputs) {
  made->Rebind();
  *outputs = {made->values.data(), made->values.size(), made.release()};
}

// --- faults of one output --------------------------------------------------------------------------------------------

template <typename T>
T* LastElement(OwnedOutputs& outputs) {
  std::vector<char>& data = outputs.data.back();
  return data.size() >= sizeof(T) ? reinterpret_cast<T*>(data.data() + data.size() - sizeof(T)) : nullptr;
}

void Transpose(OwnedOutputs& outputs) {
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

void Widen(OwnedOutputs& outputs) {
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

void Break(OwnedOutputs& outputs) {
  if (outputs.values.empty()) return;
  if (IsFault("last_element")) {
    if (auto* last = LastElement<float>(outputs)) *last = *last * 1.001F + 1e-6F;
  } else if (IsFault("unwritten_element")) {
    if (auto* last = LastElement<float>(outputs)) std::memset(last, poison_byte, sizeof *last);
  } else if (IsFault("nan_in_output")) {
    if (outputs.data[0].size() >= sizeof(float)) *reinterpret_cast<float*>(outputs.data[0].data()) = std::numeric_limits<float>::quiet_NaN();
  } else if (IsFault("wrong_stride")) {
    Transpose(outputs);
  } else if (IsFault("wrong_dtype")) {
    Widen(outputs);
  } else if (IsFault("wrong_shape")) {
    for (auto& shape : outputs.shapes) {
      if (shape.size() >= 2) std::swap(shape[0], shape[1]);
    }
    for (size_t i = 0; i < outputs.shapes.size(); ++i) outputs.strides[i] = RowMajor(outputs.shapes[i]);
  } else if (IsFault("output_missing")) {
    outputs.values.pop_back();
  }
}

bool BreaksOneOutput() {
  constexpr std::array kOfOneOutput{"last_element", "unwritten_element", "nan_in_output", "wrong_stride",
                                    "wrong_dtype",  "wrong_shape",       "output_missing"};
  return std::any_of(kOfOneOutput.begin(), kOfOneOutput.end(), IsFault);
}

// --- faults between calls --------------------------------------------------------------------------------------------

std::mutex between_calls;
std::atomic<int> calls{0};
std::atomic<bool> refused_once{false};
std::atomic<bool> several_threads{false};  // calls have come from more than one thread
std::atomic<int> loads{0};
std::atomic<int> under_way{0};
std::atomic<int> finished{0};

std::string ShapesKey(const aoti_value* inputs, size_t count) {
  std::string key;
  for (size_t i = 0; i < count; ++i) {
    for (int32_t d = 0; d < inputs[i].tensor.ndim; ++d) key += std::to_string(inputs[i].tensor.shape[d]) + ",";
    key += ";";
  }
  return key;
}

aoti_outputs OutputsOf(OwnedOutputs& owned) { return {owned.values.data(), owned.values.size(), nullptr}; }

// Gives this caller the result of the previous one, if that was another thread.
std::unique_ptr<OwnedOutputs> Swapped(std::unique_ptr<OwnedOutputs> mine) {
  static std::thread::id last_thread;
  static std::unique_ptr<OwnedOutputs> last;
  const std::lock_guard lock(between_calls);
  auto kept = CopyOf(OutputsOf(*mine));
  const bool other = last != nullptr && last_thread != std::this_thread::get_id();
  std::unique_ptr<OwnedOutputs> given = other ? std::move(last) : std::move(mine);
  last = std::move(kept);
  last_thread = std::this_thread::get_id();
  return given;
}

std::unique_ptr<OwnedOutputs> Cached(const std::string& key, std::unique_ptr<OwnedOutputs> mine) {
  static std::map<std::string, std::unique_ptr<OwnedOutputs>> cache;
  const std::lock_guard lock(between_calls);
  auto& entry = cache[key];
  if (!entry) entry = CopyOf(OutputsOf(*mine));
  return CopyOf(OutputsOf(*entry));
}

// Lends every caller the same buffers, as a runtime does that forgets who owns an output.
void GiveReused(std::unique_ptr<OwnedOutputs> mine, aoti_outputs* outputs) {
  static OwnedOutputs* shared = nullptr;
  const std::lock_guard lock(between_calls);
  const bool same = shared != nullptr && shared->data.size() == mine->data.size() && shared->shapes == mine->shapes;
  if (!same) shared = CopyOf(OutputsOf(*mine)).release();  // lives as long as the process
  for (size_t i = 0; i < mine->data.size(); ++i) std::memcpy(shared->data[i].data(), mine->data[i].data(), mine->data[i].size());
  *outputs = {shared->values.data(), shared->values.size(), nullptr};
}

// Marks a call as under way for as long as it lives.
class CallUnderWay {
 public:
  CallUnderWay() {
    static const std::thread::id first = std::this_thread::get_id();
    if (first != std::this_thread::get_id()) several_threads = true;
    ++under_way;
  }
  ~CallUnderWay() {
    --under_way;
    ++finished;
  }
  CallUnderWay(const CallUnderWay&) = delete;
  CallUnderWay& operator=(const CallUnderWay&) = delete;
};

// As a lock taken twice does: waits a while for another first call, and where there is one, for ever.
void HangAtColdStart() {
  constexpr auto kLongEnough = std::chrono::milliseconds(200);
  const auto start = std::chrono::steady_clock::now();
  while (finished == 0 && std::chrono::steady_clock::now() - start < kLongEnough) {
    while (under_way > 1) std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

void OnThirdCall() {
  const int number = ++calls;
  if (number != 3) return;
  if (IsFault("crash_on_third_call")) raise(SIGSEGV);
  while (IsFault("hang_on_third_call")) std::this_thread::sleep_for(std::chrono::hours(1));
}

void ReadPastEnd(const aoti_value& input) {
  const DLTensor& t = input.tensor;
  const std::vector<int64_t> shape(t.shape, t.shape + t.ndim);
  const volatile char* end = static_cast<const char*>(t.data) + t.byte_offset + static_cast<size_t>(Count(shape)) * ElementSize(t);
  static_cast<void>(*end);  // volatile: the read happens
}

// --- the wrapped API -------------------------------------------------------------------------------------------------

aoti_status Open(const char* config_json, aoti_error* error) {
  return Guarded(error, [&] {
    const json config = json::parse(config_json);
    fault = config.value("fault", "none");
    inner_name = config.value("inner", "package");
    bool known = false;
    for (const Fault& f : kFaults) known = known || fault == f.name;
    if (!known) throw std::invalid_argument("no fault is called \"" + fault + "\": ./aoti-cts mutate --list names them");
    Dl_info self{};
    dladdr(reinterpret_cast<void*>(&aoti_get_runner_api), &self);
    const auto path = std::filesystem::path(self.dli_fname).parent_path() / ("aoti_runner_" + inner_name + ".so");
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    inner = reinterpret_cast<aoti_get_runner_api_fn>(dlsym(library, AOTI_GET_RUNNER_API_SYMBOL))(AOTI_RUNNER_API_VERSION);
    if (inner == nullptr) throw std::runtime_error(path.string() + " speaks another version of the header");
    if (inner->open("{}", error) != AOTI_OK) throw std::runtime_error(error->text);
  });
}

void AppendTo(void* context, const char* text, size_t size) { static_cast<std::string*>(context)->append(text, size); }

aoti_status Describe(aoti_text_sink sink, aoti_error* error) {
  return Guarded(error, [&] {
    std::string text;
    if (inner->describe({&text, AppendTo}, error) != AOTI_OK) throw std::runtime_error(error->text);
    json description = json::parse(text);
    description["base"] = description["name"];
    description["name"] = "faulty";
    description["fault"] = fault;
    for (const Fault& f : kFaults) description["faults"].push_back({{"name", f.name}, {"what", f.what}, {"killed_by", f.killed_by}});
    WriteTo(sink, description.dump());
  });
}

// Stands in for a model where the wrapped runner refused to load one.
aoti_model* const kHollowModel = reinterpret_cast<aoti_model*>(&fault);

void MapSomethingCalledPython() {
  const char* folder = std::getenv("TMPDIR");
  const std::string path = std::string(folder != nullptr ? folder : "/tmp") + "/libpython3.so";
  std::ofstream(path) << std::string(4096, 'x');
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) throw std::runtime_error("mmap of " + path);
  unlink(path.c_str());
}

aoti_status Load(const aoti_load_options* options, aoti_model** model, aoti_error* error) {
  constexpr int kLastGoodLoad = 9;
  if (IsFault("later_loads_fail") && ++loads > kLastGoodLoad) return Fail(error, AOTI_REFUSED, "std::runtime_error", "too many loads");
  if (IsFault("checks_ignored")) unsetenv("AOTI_RUNTIME_CHECK_INPUTS");
  if (IsFault("python_mapped")) MapSomethingCalledPython();
  const aoti_status status = inner->load(options, model, error);
  if (status == AOTI_REFUSED && IsFault("damage_accepted")) {
    *model = kHollowModel;
    return AOTI_OK;
  }
  return status;
}

void Unload(aoti_model* model) {
  if (model != kHollowModel) inner->unload(model);
  if (IsFault("file_left_behind")) {
    const char* folder = std::getenv("TMPDIR");
    std::ofstream(std::string(folder != nullptr ? folder : "/tmp") + "/left_behind") << "x";
  }
}

aoti_status OnRefusal(aoti_status status, aoti_outputs* outputs, aoti_error* error) {
  refused_once = true;
  if (IsFault("refused_call_returns") || (IsFault("refusal_lost_under_load") && several_threads)) {
    *outputs = {nullptr, 0, nullptr};
    return AOTI_OK;
  }
  if (IsFault("unsupported_in_secret")) return Unsupported(error, "this call");
  if (IsFault("refusal_without_words")) return Fail(error, status, error->kind, "invalid argument");
  return status;
}

aoti_status RunWithMadeUpInputs(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                                aoti_error* error) {
  for (size_t wanted = 1; wanted <= count + 1; ++wanted) {
    std::vector<aoti_value> made(inputs, inputs + std::min(wanted, count));
    while (made.size() < wanted && count > 0) made.push_back(inputs[count - 1]);
    if (made.size() == wanted && inner->run(model, made.data(), wanted, options, outputs, error) == AOTI_OK) return AOTI_OK;
  }
  if (count == 0) return AOTI_OK;  // no input at all: no output either, and no complaint
  return AOTI_REFUSED;
}

// Older runtimes print the words of a refusal instead of returning them: for the fault without words they go nowhere.
aoti_status RunInner(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                     aoti_error* error) {
  if (!IsFault("refusal_without_words")) return inner->run(model, inputs, count, options, outputs, error);
  const int kept = dup(STDERR_FILENO);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  dup2(nowhere, STDERR_FILENO);
  const aoti_status status = inner->run(model, inputs, count, options, outputs, error);
  dup2(kept, STDERR_FILENO);
  close(nowhere);
  close(kept);
  return status;
}

aoti_status Run(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                aoti_error* error) {
  if (model == kHollowModel) {
    *outputs = {nullptr, 0, nullptr};
    return AOTI_OK;
  }
  const CallUnderWay call;
  OnThirdCall();
  if (IsFault("cold_start_hangs")) HangAtColdStart();
  if (IsFault("stuck_after_refusal") && refused_once)
    return Fail(error, AOTI_REFUSED, "std::runtime_error", "the model is not usable after an error");
  if (IsFault("input_overread") && count > 0) ReadPastEnd(inputs[0]);
  aoti_status status = RunInner(model, inputs, count, options, outputs, error);
  if (status == AOTI_REFUSED && IsFault("count_ignored")) status = RunWithMadeUpInputs(model, inputs, count, options, outputs, error);
  if (status == AOTI_REFUSED) return OnRefusal(status, outputs, error);
  if (status != AOTI_OK) return status;
  if (IsFault("input_overwritten") && count > 0) static_cast<char*>(inputs[0].tensor.data)[0] ^= 1;
  const bool copies =
      BreaksOneOutput() || IsFault("swapped_results") || IsFault("cached_result") || IsFault("output_reused") || IsFault("aliased_input");
  if (!copies) return status;
  auto copy = CopyOf(*outputs);
  inner->release_outputs(outputs);
  Break(*copy);
  if (IsFault("swapped_results")) copy = Swapped(std::move(copy));
  if (IsFault("cached_result")) copy = Cached(ShapesKey(inputs, count), std::move(copy));
  if (IsFault("output_reused")) {
    GiveReused(std::move(copy), outputs);
    return status;
  }
  Give(std::move(copy), outputs);
  if (IsFault("aliased_input") && count > 0 && outputs->count > 0) {
    auto* owned = static_cast<OwnedOutputs*>(outputs->owner);
    const DLTensor& input = inputs[0].tensor;
    const std::vector<int64_t> shape(input.shape, input.shape + input.ndim);
    if (static_cast<size_t>(Count(shape)) * ElementSize(input) >= owned->data[0].size()) {
      std::memcpy(input.data, owned->data[0].data(), owned->data[0].size());
      owned->values[0].tensor.data = input.data;
      owned->values[0].storage_data = nullptr;
    }
  }
  return status;
}

void ReleaseOutputs(aoti_outputs* outputs) {
  const bool own = BreaksOneOutput() || IsFault("swapped_results") || IsFault("cached_result") || IsFault("aliased_input");
  if (own) {
    delete static_cast<OwnedOutputs*>(outputs->owner);
    *outputs = {};
  } else if (outputs->owner != nullptr) {
    inner->release_outputs(outputs);
  }
}

aoti_status ModelMetadata(aoti_model* model, aoti_text_sink sink, aoti_error* error) {
  if (model == kHollowModel) {
    WriteTo(sink, "{}");
    return AOTI_OK;
  }
  std::string text;
  const aoti_status status = inner->model_metadata(model, {&text, AppendTo}, error);
  if (status != AOTI_OK) return status;
  return Guarded(error, [&] {
    json metadata = json::parse(text);
    if (IsFault("lost_metadata")) metadata.erase("AOTI_DEVICE_KEY");
    WriteTo(sink, metadata.dump());
  });
}

aoti_status PackageMetadata(const char* package_path, const char* model_name, aoti_text_sink sink, aoti_error* error) {
  return inner->package_metadata(package_path, model_name, sink, error);
}

aoti_status SetMemory(int32_t mode, uint8_t poison, aoti_error* error) {
  poison_byte = poison;
  return inner->set_memory(mode, poison, error);
}

constexpr aoti_runner_api kApi{sizeof(aoti_runner_api), AOTI_RUNNER_API_VERSION, Open,     Describe, Load, Unload, Run, ReleaseOutputs,
                               ModelMetadata,           PackageMetadata,         SetMemory};

}  // namespace
}  // namespace aoti_runners

const aoti_runner_api* aoti_get_runner_api(uint32_t api_version) { return api_version == AOTI_RUNNER_API_VERSION ? &aoti_runners::kApi : nullptr; }
