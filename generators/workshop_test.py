# SPDX-License-Identifier: Apache-2.0
"""The folder workers work in: what outlives a build, and what does not."""

from __future__ import annotations

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from aoti_generate.workshop import Workshop, has_headers, workshop

HEADER = Path("torchinductor_someone/precompiled_headers/abc.h.gch")
PROBE = Path("inductor/xy/cxyz.so")
PACKAGE = Path("inductor/cabcdefgh/wrapper.so")


class WorkshopTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def fill(self, shop: Workshop) -> None:
        for file in (HEADER, PROBE, PACKAGE):
            (shop.folder / file).parent.mkdir(parents=True, exist_ok=True)
            (shop.folder / file).write_text(file.name)

    def files(self) -> list[Path]:
        return sorted(p.relative_to(self.root) for p in self.root.rglob("*") if p.is_file())

    def test_headers_and_probes_are_kept_and_all_else_is_removed(self) -> None:
        with workshop(self.root) as shop:
            self.fill(shop)
            shop.keep()
        self.assertEqual(self.files(), [Path("kept") / PROBE, Path("kept") / HEADER])
        self.assertEqual(list((self.root / "work").iterdir()), [])

    def test_the_next_build_finds_what_was_kept(self) -> None:
        self.assertFalse(has_headers(self.root))
        with workshop(self.root) as shop:
            self.fill(shop)
            shop.keep()
        self.assertTrue(has_headers(self.root))
        with workshop(self.root) as shop:
            self.assertEqual((shop.folder / HEADER).read_text(), HEADER.name)
            self.assertTrue((shop.folder / PROBE).exists())
            self.assertFalse((shop.folder / PACKAGE).exists())

    def test_a_build_that_was_interrupted_keeps_nothing(self) -> None:
        with self.assertRaises(KeyboardInterrupt), workshop(self.root) as shop:
            self.fill(shop)
            raise KeyboardInterrupt
        self.assertEqual(self.files(), [])

    def test_two_drivers_do_not_touch_each_other(self) -> None:
        with workshop(self.root) as first:
            self.fill(first)
            with workshop(self.root) as second:
                self.assertNotEqual(first.folder, second.folder)
                self.assertFalse((second.folder / HEADER).exists())
                self.fill(second)
                second.keep()
            self.assertTrue((first.folder / PACKAGE).exists())
            first.keep()  # the same files again: those that are there stay
        self.assertEqual(len(self.files()), 2)

    def test_what_a_killed_driver_left_is_removed_by_the_next(self) -> None:
        left = self.root / "work" / "killed"
        left.mkdir(parents=True)
        (left / "torn.h.gch").write_text("half a hea")
        (self.root / "work" / "stray").write_text("a file")
        with workshop(self.root):
            self.assertFalse(left.exists())

    def test_workers_stay_in_the_folder(self) -> None:
        with workshop(self.root) as shop:
            self.assertTrue(all(value.startswith(str(shop.folder)) for value in shop.environment().values()))


if __name__ == "__main__":
    unittest.main()
