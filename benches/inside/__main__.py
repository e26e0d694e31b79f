"""Runs one part of the benchmarks, or writes the page from the results of all parts: python3 . PART ROUNDS."""

import importlib
import os
import sys

import page
from figures import Figures

HERE = os.path.dirname(os.path.abspath(__file__))


def main(part, rounds):
    if part == "page":
        page.write(f"{HERE}/results", f"{HERE}/page")
        return
    module = importlib.import_module(f"parts.{part}")
    figures = Figures(module, rounds)
    module.measure(figures, rounds)
    figures.print()
    os.makedirs(f"{HERE}/results", exist_ok=True)
    figures.save(f"{HERE}/results/{part}.json")


main(sys.argv[1], int(sys.argv[2]))
