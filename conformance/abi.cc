// SPDX-License-Identifier: Apache-2.0
// ABI: what the library inside a package asks of the process it is loaded into, and what it offers. To add a property: one more Registered
// below.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fixtures/elf.h"
#include "fixtures/extraction.h"
#include "fixtures/property.h"
#include "fixtures/sandbox.h"

namespace aoti_cts {
namespace {

// The library of a loaded package: below TMPDIR, which is the test's own, or where it is mapped from.
std::filesystem::path ExtractedLibrary() {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(SandboxTemporary())) {
    if (entry.path().extension() == ".so") return entry.path();
  }
  return MappedLibrary();
}

SharedLibrary LibraryOf(Trial& t) {
  Model model = t.Load();
  const std::filesystem::path found = ExtractedLibrary();
  if (found.empty()) t.EndUnavailable("the runtime extracts no library below TMPDIR, and maps none from a package");
  auto library = ReadSharedLibrary(found);
  if (!library) t.Fail("the extracted library cannot be read: " + library.error().message);
  return library ? std::move(*library) : SharedLibrary{};
}

void LookAtNeeded(Trial& t) {
  const SharedLibrary library = LibraryOf(t);
  t.Check(!library.needed.empty(), "the library needs no other: it cannot have been read");
  for (const std::string& needed : library.needed) t.Check(needed.find("python") == std::string::npos, "the library needs " + needed);
}

const Registered kNeeded{{.requirement = "ABI_1",
                          .sentence = "library_needs_no_python",
                          .sampled = true,
                          .capability = "package",
                          .targets = OncePerCase,
                          .body = LookAtNeeded}};

void LookForEntryPoints(Trial& t) {
  const SharedLibrary library = LibraryOf(t);
  const auto exports = [&](std::string_view name) {
    return std::find(library.defined.begin(), library.defined.end(), name) != library.defined.end();
  };
  t.Check(exports("AOTInductorModelContainerCreate") || exports("AOTInductorModelContainerCreateWithDevice"),
          "the library does not export AOTInductorModelContainerCreate, with or without a device");
  for (const char* name : {"AOTInductorModelContainerRun", "AOTInductorModelContainerDelete"}) {
    t.Check(exports(name), fmt::format("the library does not export {}", name));
  }
}

const Registered kEntryPoints{{.requirement = "ABI_1",
                               .sentence = "library_exports_the_entry_points",
                               .sampled = true,
                               .capability = "package",
                               .targets = OncePerCase,
                               .body = LookForEntryPoints}};

// Does this mangled name belong to a namespace of PyTorch's C++?
bool IsTorchCpp(std::string_view symbol) {
  for (const char* space : {"2at", "3c10", "5torch", "6caffe2"}) {
    const size_t at = symbol.find(space);
    // _ZN2at..., _ZNK3c10..., _ZTIN5torch...: the first name after the letters of the encoding
    if (symbol.starts_with("_Z") && at != std::string_view::npos && symbol.substr(2, at - 2).find_first_of("0123456789") == std::string_view::npos)
      return true;
  }
  return false;
}

void LookAtImports(Trial& t) {
  const SharedLibrary library = LibraryOf(t);
  std::vector<std::string> of_cpp;
  size_t of_c = 0;
  for (const std::string& symbol : library.wanted) {
    if (IsTorchCpp(symbol)) of_cpp.push_back(symbol);
    if (symbol.starts_with("aoti_torch_")) ++of_c;
  }
  t.Check(of_c > 0, "the library takes no function aoti_torch_*: it cannot have been read");
  t.Check(of_cpp.empty(), fmt::format("the library takes functions of PyTorch's C++: {}", fmt::join(of_cpp, ", ")));
}

const Registered kImports{{.requirement = "ABI_1",
                           .sentence = "library_takes_only_c_functions_of_torch",
                           .sampled = true,
                           .capability = "package",
                           .targets = OncePerCase,
                           .body = LookAtImports}};

}  // namespace
}  // namespace aoti_cts
