# SPDX-License-Identifier: Apache-2.0
"""A .pt2 checks the version of the PyTorch it is loaded into.

requirement: VER_1
source: S2 7.2
"""

import zipfile

import torch
from _programs import Double, answer, folder, package, refusal, words_of

x = torch.ones(2, 3)
path = package(torch.export.export(Double(), (x,)))
release = torch.__version__.split("+")[0]
marks = [mark for mark in (torch.__version__, release, torch.version.git_version) if mark]


def with_another_version(content: bytes) -> bytes:
    """The same bytes, as long as before, from a torch of another version."""
    for mark in marks:
        other = "".join("9" if character.isdigit() else character for character in mark)
        content = content.replace(mark.encode(), other.encode())
    return content


changed: list[str] = []
other_path = folder() / "other.pt2"
with zipfile.ZipFile(path) as before, zipfile.ZipFile(other_path, "w", zipfile.ZIP_STORED) as after:
    names = before.namelist()
    for name in names:
        content = before.read(name)
        other = with_another_version(content)
        if other != content:
            changed.append(name.rpartition(".")[2])
        after.writestr(name, other)
error = refusal(lambda: torch.testing.assert_close(torch._inductor.aoti_load_package(str(other_path))(x), x * 2))
where = (
    f"the version stands in {len(changed)} of its {len(names)} files ({', '.join(sorted(changed))})" if changed else "no file in it names a version"
)
words = (
    f"with another version there it {'fails with ' + words_of(error) if error else 'loads and runs as before'}"
    if changed
    else "there is nothing to check"
)
answer(bool(changed) and error is not None, f"{where}; {words}")
