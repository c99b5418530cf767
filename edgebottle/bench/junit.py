"""A run of jobs as JUnit XML, which every CI shows.

A suite is a board, a case a job. ``flakyFailure`` is what Maven's Surefire writes for a test that
passes when it is run again; readers that do not know it take the case as passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from hil.bench.results import BROKEN, ERROR, FAILED, SKIPPED, BenchReport, JobResult, by_board
from hil.recovery import RecoveryStep

_TAGS = {FAILED: "failure", BROKEN: "error", ERROR: "error", SKIPPED: "skipped"}


def junit_xml(report: BenchReport) -> bytes:
    """The file."""
    root = ElementTree.Element("testsuites", name=_clean(report.name))
    for name, results in by_board(report.results).items():
        counts = {tag: sum(_TAGS.get(r.outcome) == tag for r in results) for tag in _TAGS.values()}
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_clean(name),
            timestamp=report.started.removesuffix("+00:00"),
            tests=str(len(results)),
            failures=str(counts["failure"]),
            errors=str(counts["error"]),
            skipped=str(counts["skipped"]),
            time=f"{sum(result.seconds for result in results):.3f}",
        )
        for result in results:
            _case(suite, name, result)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _case(suite: ElementTree.Element, board: str, result: JobResult) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_clean(f"{board}.{result.model}"),
        name=_clean(result.title),
        time=f"{result.seconds:.3f}",
    )
    properties = ElementTree.SubElement(case, "properties")
    known = {
        "outcome": result.outcome,
        "board": result.board_id,
        "latency_us": result.latency_us,
        "latency_kind": result.latency_kind,
        "ram": result.ram,
        "flash": result.flash,
        "accuracy": result.accuracy,
    }
    for key, value in known.items():
        if value not in (None, ""):
            ElementTree.SubElement(properties, "property", name=key, value=_clean(str(value)))
    tag = _TAGS.get(result.outcome)
    if tag is not None:
        message = f"{result.step}: {result.cause}" if result.step else result.cause
        said = ElementTree.SubElement(case, tag, message=_clean(message))
        if tag != "skipped":
            said.set("type", result.outcome)
        said.text = _lines(result.steps)
    for failure in result.failures:
        name = "flakyFailure" if tag is None else "rerunFailure"
        said = ElementTree.SubElement(case, name, type=failure.step)
        said.set("message", _clean(failure.cause))
        said.text = _lines(failure.steps) or _clean(failure.recovery)


def _lines(steps: Sequence[RecoveryStep]) -> str:
    """What was done about the board, a line each."""
    return "\n".join(_clean(str(step)) for step in steps)


def _clean(text: str) -> str:
    """Without what XML 1.0 has no place for."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
