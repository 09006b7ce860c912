# SPDX-License-Identifier: Apache-2.0
"""Packages of sources (`aot_inductor.package_cpp_only`): their library built with CMake, as the CMakeLists.txt in them says."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from . import archive

OPTION = "aot_inductor.package_cpp_only"
_LIST = b"CMakeLists.txt"
_LIBRARY = "libaoti_model.so"  # what that list calls its target

# What the lists ask for with find_package(Torch). The file of that name in a torch that was built with CUDA wants the CUDA toolkit, which no CPU
# package needs.
_TORCH_CONFIG = """\
foreach(library torch torch_cpu c10)
  add_library(${{library}} SHARED IMPORTED)
  set_target_properties(${{library}} PROPERTIES IMPORTED_LOCATION "{root}/lib/lib${{library}}.so" INTERFACE_INCLUDE_DIRECTORIES
                        "{root}/include;{root}/include/torch/csrc/api/include")
endforeach()
"""


class BuildError(Exception):
    """The library of a package of sources cannot be built: the text has what CMake and the compiler said."""


def build(package: Path, torch_root: Path) -> None:
    """Puts the library of a package of sources into the package, in the place of the list that builds it."""
    entries = archive.read(package.read_bytes())
    lists = [entry for entry in entries if entry.name.endswith(b"/" + _LIST)]
    if len(lists) != 1:
        raise BuildError(f"{package}: {len(lists)} files called {_LIST.decode()}, one was expected")
    folder = lists[0].name.removesuffix(_LIST)
    with tempfile.TemporaryDirectory(dir=package.parent) as work:
        sources, config = Path(work, "sources"), Path(work, "TorchConfig.cmake")
        sources.mkdir()
        for entry in entries:
            if entry.name.startswith(folder):
                (sources / entry.name.removeprefix(folder).decode()).write_bytes(entry.data)
        config.write_text(_TORCH_CONFIG.format(root=torch_root))
        _cmake("-S", str(sources), "-B", f"{work}/build", "-G", "Ninja", f"-DTorch_DIR={work}", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_SKIP_RPATH=ON")
        _cmake("--build", f"{work}/build")
        library = Path(work, "build", _LIBRARY).read_bytes()
    entries[entries.index(lists[0])] = archive.Entry(folder + _stem(entries) + b".so", library)
    package.write_bytes(archive.write(entries))


def _stem(entries: list[archive.Entry]) -> bytes:
    """Of the wrapper's file: the loader finds the library's metadata by it."""
    (source,) = (entry.name for entry in entries if entry.name.endswith(b".wrapper.cpp"))
    return source.rpartition(b"/")[2].removesuffix(b".cpp")


def _cmake(*arguments: str) -> None:
    beside = Path(sys.executable).with_name("cmake")  # the lists want a newer one than Debian 12 has
    command = beside if beside.exists() else "cmake"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    try:
        done = subprocess.run([str(command), *arguments], capture_output=True, text=True, env=environment)
    except OSError as error:
        raise BuildError(f"{command}: {error.strerror}; ./aoti-cts setup installs it (generators/requirements.txt)") from error
    if done.returncode != 0:
        raise BuildError(f"cmake {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
