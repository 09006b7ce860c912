// SPDX-License-Identifier: Apache-2.0
// A runner whose programs run on the pretended CUDA device (fixtures/pretended_cuda), for the tests of properties about streams and graphs. Its
// program answers its first input times a weight. What a package is called says what is broken; to add a way to be broken: a name below that Is() is
// asked for, and its row in streams_test.cc.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "fixtures/pretended_cuda/device.h"
#include "runners/answer.h"
#include "runners/aoti_runner.h"

namespace {

using aoti_runners::Fail;
using namespace pretended_cuda;

constexpr float kBad = 100;  // what the first number of a call's data must be below
constexpr int64_t kKept = 1 << 21;

struct Values {
  std::deque<std::vector<int64_t>> shapes, strides;
  std::deque<std::vector<char>> bytes;
  std::vector<aoti_value> values;
  int64_t bytes_on_device = 0;

  ~Values() { Keep(0, -bytes_on_device); }

  // Memory for a value like `from`, as yet of zeros, that begins `before` bytes after its storage.
  char* Add(const aoti_value& from, DLDevice device, size_t before = 0) {
    const DLTensor& t = from.tensor;
    int64_t extent = 1;
    for (int d = 0; d < t.ndim; ++d) extent = t.shape[d] == 0 || extent == 0 ? 0 : extent + (t.shape[d] - 1) * t.strides[d];
    char* host = bytes.emplace_back(before + static_cast<size_t>(extent) * t.dtype.bits / 8).data();
    values.push_back(from);
    const bool on_device = device.device_type == kDLCUDA;
    if (on_device) {
      const auto size = static_cast<int64_t>(bytes.back().size());
      bytes_on_device += size;
      Keep(0, size);
    }
    DLTensor& to = values.back().tensor;
    to.device = device;
    to.byte_offset = 0;
    to.shape = shapes.emplace_back(t.shape, t.shape + t.ndim).data();
    to.strides = strides.emplace_back(t.strides, t.strides + t.ndim).data();
    values.back().storage_data = on_device ? OnDevice(host) : host;
    to.data = static_cast<char*>(values.back().storage_data) + before;
    values.back().storage_bytes = bytes.back().size();
    return host;
  }
};
using SharedValues = std::shared_ptr<Values>;

void Give(SharedValues made, aoti_outputs* outputs) {
  const std::vector<aoti_value>& values = made->values;
  *outputs = {values.data(), values.size(), new SharedValues(std::move(made))};
}

void ReleaseOutputs(aoti_outputs* outputs) {
  delete static_cast<SharedValues*>(outputs->owner);
  *outputs = {};
}

}  // namespace

extern "C" int cuCtxSetCurrent(void* context);  // of the pretended driver

struct aoti_model {
  std::string name;
  bool single_threaded;
  int device;
  std::shared_ptr<float> weight = std::make_shared<float>(1.0F);
  SharedValues only_outputs;  // of the model that has but one buffer for them

  bool Is(std::string_view other) const { return name == other; }
};

struct aoti_graph {
  std::unique_ptr<Graph> captured;
  const aoti_model* model;
};

namespace {

const aoti_graph* first_graph = nullptr;

aoti_status Open(const char* /*config_json*/, aoti_error* /*error*/) { return AOTI_OK; }
aoti_status Describe(aoti_text_sink sink, aoti_error* /*error*/) {
  aoti_runners::WriteTo(sink, R"({"name":"pretended","devices":["cpu","cuda"]})");
  return AOTI_OK;
}

aoti_status Load(const aoti_load_options* options, aoti_model** model, aoti_error* /*error*/) {
  const std::string_view path = options->package_path;
  *model = new aoti_model{std::string(path.substr(path.rfind('/') + 1)), options->run_single_threaded != 0, std::max(options->device_index, 0)};
  if ((*model)->Is("loads_keep_device_memory")) Keep(0, kKept);
  return AOTI_OK;
}
void Unload(aoti_model* model) { delete model; }

const float* FloatsOf(const aoti_value& value) {
  return reinterpret_cast<const float*>(OnHost(static_cast<const char*>(value.tensor.data)) + value.tensor.byte_offset);
}

// Puts the program's one kernel on the stream. It gives its answer twice.
SharedValues Launch(aoti_model& model, const aoti_value& input, Stream& stream) {
  const bool one_buffer = model.Is("one_buffer_for_outputs");
  SharedValues made = one_buffer && model.only_outputs ? model.only_outputs : std::make_shared<Values>();
  const DLDevice there = model.Is("answers_where_its_input_lies") ? input.tensor.device : DLDevice{kDLCUDA, model.device};
  while (made->values.size() < 2) made->Add(input, there);
  if (one_buffer) model.only_outputs = made;
  const size_t size = made->bytes[0].size();
  const std::vector<char> early = model.Is("reads_when_it_is_launched") ? std::vector<char>(reinterpret_cast<const char*>(FloatsOf(input)),
                                                                                            reinterpret_cast<const char*>(FloatsOf(input)) + size)
                                                                        : std::vector<char>();
  const float* from = FloatsOf(input);
  stream.Put([made, early, from, weight = model.weight] {
    const float* read = early.empty() ? from : reinterpret_cast<const float*>(early.data());
    for (std::vector<char>& bytes : made->bytes) {
      auto* to = reinterpret_cast<float*>(bytes.data());
      for (size_t i = 0; i < bytes.size() / sizeof(float); ++i) to[i] = read[i] * *weight;
    }
  });
  return made;
}

aoti_status Run(aoti_model* model, const aoti_value* inputs, size_t count, const aoti_run_options* options, aoti_outputs* outputs,
                aoti_error* error) {
  if (count != 1 || inputs[0].tensor.device.device_type != kDLCUDA)
    return Fail(error, AOTI_REFUSED, "pretended", "one input on the device is wanted");
  if (model->Is("looks_at_its_data")) {
    StreamOf(options->stream).Wait();
    if (*FloatsOf(inputs[0]) >= kBad) return Fail(error, AOTI_REFUSED, "pretended", "an index is out of range");
  }
  void* handle = options->stream;
  if (model->Is("ignores_stream")) handle = nullptr;
  if (model->Is("ignores_current_stream") && options->stream_is_current != 0) handle = nullptr;
  Stream& stream = StreamOf(handle);
  if (model->Is("calls_keep_device_memory")) Keep(0, kKept);
  static std::mutex between_calls;
  std::unique_lock<std::mutex> turn(between_calls, std::defer_lock);
  if (model->Is("one_call_at_a_time")) turn.lock();
  if (model->Is("writes_before_its_input") && inputs[0].storage_data != inputs[0].tensor.data) const_cast<float*>(FloatsOf(inputs[0]))[-1] = 0;
  if (model->Is("leaves_another_context")) cuCtxSetCurrent(&first_graph);
  if (model->Is("breaks_the_device")) Break(kIllegalAddress);
  if (model->Is("kernel_looks_at_its_data")) stream.Put([from = FloatsOf(inputs[0])] { Break(*from >= kBad ? kIllegalAddress : kSuccess); });
  SharedValues made = Launch(*model, inputs[0], stream);
  if (model->Is("waits_for_its_work") || model->Is("one_call_at_a_time")) stream.Wait();
  Give(std::move(made), outputs);
  return AOTI_OK;
}

aoti_status CaptureRun(aoti_model* model, const aoti_value* inputs, size_t /*count*/, const aoti_run_options* options, aoti_graph** graph,
                       aoti_outputs* outputs, aoti_error* error) {
  if (!model->single_threaded || model->Is("is_not_captured"))
    return Fail(error, AOTI_REFUSED, "pretended", "not permitted while a stream is captured");
  auto made = std::make_unique<aoti_graph>();
  made->model = model;
  Stream& stream = StreamOf(options->stream);
  stream.BeginCapture();
  SharedValues answered = Launch(*model, inputs[0], stream);
  Graph* captured = nullptr;
  stream.EndCapture(&captured);
  made->captured.reset(captured);
  Give(std::move(answered), outputs);
  *graph = made.release();
  if (first_graph == nullptr) first_graph = *graph;
  return AOTI_OK;
}

aoti_status ReplayGraph(aoti_graph* graph, void* stream, aoti_error* error) {
  const aoti_model& model = *graph->model;
  if (model.Is("refuses_to_replay")) return Fail(error, AOTI_REFUSED, "pretended", "no replay");
  if (model.Is("replays_nothing")) return AOTI_OK;
  if (model.Is("replays_on_another_stream")) stream = nullptr;
  for (const Work& work : model.Is("replays_the_first_graph") ? first_graph->captured->work : graph->captured->work) StreamOf(stream).Put(work);
  return AOTI_OK;
}

void ReleaseGraph(aoti_graph* graph) { delete graph; }

aoti_status CopyValues(const aoti_value* values, size_t count, const DLDevice* devices, aoti_outputs* copies, aoti_error* error) {
  StreamOf(nullptr).Wait();
  if (Sticky() != kSuccess) return Fail(error, AOTI_REFUSED, "pretended", NameOf(Sticky()));
  auto made = std::make_shared<Values>();
  for (size_t i = 0; i < count; ++i) {
    const char* first = static_cast<const char*>(values[i].tensor.data) + values[i].tensor.byte_offset;
    const auto before = static_cast<size_t>(values[i].storage_data != nullptr ? first - static_cast<const char*>(values[i].storage_data) : 0);
    char* to = made->Add(values[i], devices[i], before);
    std::memcpy(to, (values[i].tensor.device.device_type == kDLCUDA ? OnHost(first) : first) - before, made->bytes.back().size());
  }
  Give(std::move(made), copies);
  return AOTI_OK;
}

aoti_status ListConstants(aoti_model* /*model*/, aoti_text_sink sink, aoti_error* /*error*/) {
  aoti_runners::WriteTo(sink, R"([{"name":"weight","dtype":"float32"}])");
  return AOTI_OK;
}

aoti_status UpdateConstants(aoti_model* model, const aoti_named_value* values, size_t /*count*/, const aoti_update_options* /*options*/,
                            aoti_error* /*error*/) {
  const float value = *reinterpret_cast<const float*>(OnHost(static_cast<const char*>(values[0].value.tensor.data)));
  if (model->Is("updates_in_place")) {
    *model->weight = value;
  } else {
    model->weight = std::make_shared<float>(value);
  }
  return AOTI_OK;
}

constexpr auto kNothing = [](auto... arguments) {
  return aoti_runners::Unsupported(std::get<sizeof...(arguments) - 1>(std::tuple(arguments...)), "a pretended device");
};

constexpr aoti_runner_api kApi{.struct_size = sizeof(aoti_runner_api),
                               .api_version = AOTI_RUNNER_API_VERSION,
                               .open = Open,
                               .describe = Describe,
                               .load = Load,
                               .unload = Unload,
                               .run = Run,
                               .release_outputs = ReleaseOutputs,
                               .copy_values = CopyValues,
                               .capture_run = CaptureRun,
                               .replay_graph = ReplayGraph,
                               .release_graph = ReleaseGraph,
                               .model_metadata = kNothing,
                               .package_metadata = kNothing,
                               .set_memory = kNothing,
                               .start_trace = kNothing,
                               .stop_trace = kNothing,
                               .list_constants = ListConstants,
                               .update_constants = UpdateConstants,
                               .extract_constants = kNothing,
                               .release_constants = [](aoti_constants* /*constants*/) {},
                               .swap_constants = kNothing,
                               .free_inactive_constants = kNothing,
                               .fold_constants = kNothing,
                               .load_constants_from_file = kNothing};

}  // namespace

const aoti_runner_api* aoti_get_runner_api(uint32_t /*api_version*/) { return &kApi; }
