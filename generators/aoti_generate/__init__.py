# SPDX-License-Identifier: Apache-2.0
"""Generators of AOTI-CTS: case files, plan, package store, goldens. Run as `python -m aoti_generate` or inside generators/host.cc."""
