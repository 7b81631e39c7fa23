"""The page about outages says what the simulation gives."""

import re

from benchmarks import sim_outage
from tests.docs.pages import ROOT, read

PAGE = ROOT / "docs/outages.md"


def test_cell_of_the_table_comes_out_again():
    cell = sim_outage.Cell(5, 0.01, 1.0)

    assert sim_outage.row(cell, sim_outage.simulate(cell, sim_outage.RUNS)) in read(PAGE)


def test_every_cell_stands_in_the_table():
    rows = re.findall(r"^\| (\d+) \| ([\d.]+)% \| ([\d.]+) \|", read(PAGE), re.MULTILINE)

    told = [sim_outage.Cell(int(n), float(f"{share}e-2"), float(age)) for n, share, age in rows]
    assert told == sim_outage.cells()


def test_plot_has_labels_and_suits_dark_pages():
    plot = read(sim_outage.PLOT)

    assert "prefers-color-scheme: dark" in plot
    assert "minutes of outage" in plot
    assert plot.count("scanners, limit") == 2 * len(sim_outage.SCANNERS)
