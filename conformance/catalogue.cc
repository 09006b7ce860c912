// SPDX-License-Identifier: Apache-2.0
#include "conformance/catalogue.h"

#include <fmt/format.h>

#include "fixtures/json_file.h"

namespace aoti_cts {
namespace {

constexpr int kCatalogueSchema = 1;

}  // namespace

const Requirement* Catalogue::Find(const std::string& id) const {
  for (const Requirement& requirement : requirements) {
    if (requirement.id == id) return &requirement;
  }
  return nullptr;
}

Expected<Catalogue> ReadCatalogue(const std::filesystem::path& file) {
  auto parsed = ReadJsonFile(file);
  if (!parsed) return parsed.error();
  try {
    Catalogue catalogue;
    ObjectReader reader(*parsed, file.string());
    if (const int schema = reader.Required<int>("schema"); schema != kCatalogueSchema) {
      throw BadField(fmt::format("{}: schema {} is not the one this suite reads ({})", file.string(), schema, kCatalogueSchema));
    }
    for (const nlohmann::json& value : reader.RequiredJson("requirements")) {
      ObjectReader fields(value, fmt::format("{}: requirements[{}]", file.string(), catalogue.requirements.size()));
      catalogue.requirements.push_back({fields.Required<std::string>("id"), fields.Required<std::string>("statement"),
                                        fields.Required<std::string>("source"), fields.Optional<std::string>("since", ""),
                                        fields.Required<std::string>("positive"), fields.Required<std::string>("negative")});
      fields.Finish();
    }
    reader.Finish();
    return catalogue;
  } catch (const BadField& e) {
    return Error{e.what()};
  }
}

std::string AreaOf(const std::string& requirement) { return requirement.substr(0, requirement.find('_')); }

}  // namespace aoti_cts
