// SPDX-License-Identifier: Apache-2.0
// What every in-tree runner needs to answer through the C header: texts into fixed buffers, exceptions into errors.
#pragma once

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

#include "runners/aoti_runner.h"

namespace aoti_runners {

template <size_t N>
void CopyText(char (&to)[N], std::string_view text) {
  const size_t size = std::min(text.size(), N - 1);
  std::memcpy(to, text.data(), size);
  to[size] = '\0';
}

inline aoti_status Fail(aoti_error* error, aoti_status status, std::string_view kind, std::string_view text) {
  CopyText(error->kind, kind);
  CopyText(error->text, text);
  return status;
}

inline aoti_status Unsupported(aoti_error* error, std::string_view what) { return Fail(error, AOTI_UNSUPPORTED, "unsupported", what); }

inline std::string ClassName(const std::exception& e) {
  int failed = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &failed), &std::free);
  return failed == 0 && name ? name.get() : typeid(e).name();
}

// Runs `body`; whatever it throws is the runtime's refusal, in its own words.
template <typename Body>
aoti_status Guarded(aoti_error* error, const Body& body) {
  try {
    body();
    return AOTI_OK;
  } catch (const std::exception& e) {
    return Fail(error, AOTI_REFUSED, ClassName(e), e.what());
  } catch (...) {
    return Fail(error, AOTI_REFUSED, "unknown", "an exception that is no std::exception");
  }
}

inline void WriteTo(const aoti_text_sink& sink, const std::string& text) { sink.write(sink.context, text.data(), text.size()); }

// copy_values() of a runner for the CPU alone.
inline aoti_status CopyNoValues(const aoti_value* /*values*/, size_t /*count*/, const DLDevice* /*devices*/, aoti_outputs* /*copies*/,
                                aoti_error* error) {
  return Unsupported(error, "a device other than the CPU");
}

// The functions for CUDA graphs of a runner that has none.
inline aoti_status CaptureNoRun(aoti_model* /*model*/, const aoti_value* /*inputs*/, size_t /*count*/, const aoti_run_options* /*options*/,
                                aoti_graph** /*graph*/, aoti_outputs* /*outputs*/, aoti_error* error) {
  return Unsupported(error, "CUDA graphs");
}
inline aoti_status ReplayNoGraph(aoti_graph* /*graph*/, void* /*stream*/, aoti_error* error) { return Unsupported(error, "CUDA graphs"); }
inline void ReleaseNoGraph(aoti_graph* /*graph*/) {}

}  // namespace aoti_runners
