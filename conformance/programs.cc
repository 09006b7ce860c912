// SPDX-License-Identifier: Apache-2.0
#include "conformance/programs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

namespace aoti_cts {
namespace {

// Dims are numbered in the order of their first use, so that their names make no difference and sharing one does.
std::string SizeFacts(const SizeSpec& size, std::map<std::string, size_t>& numbers) {
  if (size.dim.empty()) return "static";
  const size_t number = numbers.try_emplace(size.dim, numbers.size()).first->second;
  if (size.times == 1 && size.plus == 0) return fmt::format("d{}", number);
  return fmt::format("{} * d{} + {}", size.times, number, size.plus);
}

}  // namespace

std::string ProgramFacts(const Case& c, const Package& package) {
  std::map<std::string, size_t> numbers;
  std::vector<std::string> inputs;
  for (const InputSpec& input : c.inputs) {
    std::vector<std::string> sizes;
    for (const SizeSpec& size : input.shape) sizes.push_back(SizeFacts(size, numbers));
    inputs.push_back(fmt::format("{} {} [{}]", InfoOf(input.dtype).name, NameOf(input.layout), fmt::join(sizes, ", ")));
  }
  return fmt::format("operators {}; inputs {}; {}options {}", fmt::join(package.operators, " "), fmt::join(inputs, ", "),
                     c.stateful ? "keeps state; " : "", c.options);
}

Duplicates FindDuplicates(const std::vector<Case>& cases, const Packages& packages) {
  Duplicates found;
  std::map<std::string, std::string> first;
  for (const Case& c : cases) {
    if (!c.is_program() || !c.twin_of.empty()) continue;
    if (!c.repeats.empty()) {
      found.repeats.push_back(c.name);
      continue;
    }
    if (!packages.Unavailable(c.name).empty()) {
      found.elsewhere.push_back(c.name);
      continue;
    }
    const auto entry = packages.by_case.find(c.name);
    if (entry == packages.by_case.end() || !entry->second.package) {
      found.unknown.push_back(c.name);
      continue;
    }
    const auto [known, fresh] = first.try_emplace(ProgramFacts(c, *entry->second.package), c.name);
    if (!fresh) found.pairs.emplace_back(known->second, c.name);
  }
  found.distinct = first.size();
  return found;
}

}  // namespace aoti_cts
