"""Everything measured about a run's roll-outs, as the document that evaluation.json holds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.evaluation.figures import FIGURES
from trainer.evaluation.fvd import FVD
from trainer.evaluation.intervals import Sample, paired_difference, with_interval
from trainer.evaluation.measure import Counts, Instruments, measure, pixels
from trainer.evaluation.rollouts import RolloutModel, closed_loop, few_at_once, open_loop, through_codec
from trainer.evaluation.scenes import ARMS, Scene, donor_of

POINTER_LIMIT_PX = 3.0  # median error on true frames from which on the pointer reader proves nothing
TEXT_LIMIT = 0.9  # share of new cells read right on true frames below which the text reader proves nothing
Gathered = dict[tuple[str, int], list[Counts]]
"""(row, scene) -> what was counted, once a seed."""


Watched = dict[tuple[str, int], Tensor]
"""(arm, scene) -> float [F, height, width, 3]: roll-outs with the first seed for a person to look at."""


def gather(
    player: RolloutModel,
    scenes: Sequence[Scene],
    seeds: Sequence[int],
    tools: Instruments,
    watch: Collection[int] = (),
    on_frame: Callable[[], None] = lambda: None,
) -> tuple[Gathered, Watched]:
    """Roll out every arm of every scene with every seed, and count; a few scenes at a time, so that memory is bounded.

    Args:
        watch: numbers of the scenes whose roll-outs are kept.
    """
    found: Gathered = {}
    watched: Watched = {}
    for numbers in few_at_once(scenes):
        some = [scenes[n] for n in numbers]
        decoded = [through_codec(player, scene) for scene in some]
        for n, scene, exact in zip(numbers, some, decoded, strict=True):
            _without_model(found, n, scene, exact, tools)
        donors = [donor_of(scenes, n) for n in numbers]
        for seed in seeds:
            for arm, videos in closed_loop(player, some, donors, ARMS, seed, on_frame).items():
                for n, scene, video in zip(numbers, some, videos, strict=True):
                    counts = measure(scene, video, video, _closed(scene), tools)
                    found.setdefault((arm, n), []).append(counts)
                    if tools.fvd is not None:
                        tools.fvd.take(arm, n, scene, video)
                    if n in watch:
                        watched.setdefault((arm, n), video)
            stepwise, since = open_loop(player, some, seed, on_frame)
            for n, scene, exact, video, last in zip(numbers, some, decoded, stepwise, since, strict=True):
                shown = exact if player.codec.time > 1 else pixels(scene)  # as decode_after leaves given frames
                found.setdefault(("open", n), []).append(measure(scene, video, shown, last, tools))
                if ("open_repeat", n) not in found:
                    truth = pixels(scene)
                    copied = torch.cat([truth[: scene.given], truth[last]])
                    found["open_repeat", n] = [measure(scene, copied, truth, last, tools)]
    return found, watched


def _without_model(found: Gathered, number: int, scene: Scene, decoded: Tensor, tools: Instruments) -> None:
    """The rows that no model has a part in: the last frame again, the codec's ceiling, the readers' own errors."""
    truth, since = pixels(scene), _closed(scene)
    still = truth[scene.given - 1].expand_as(truth)
    found["repeat", number] = [measure(scene, still, still, since, tools)]
    found["codec", number] = [measure(scene, decoded, decoded, since, tools)]
    exact = measure(scene, truth, truth, since, tools)
    found["recorded", number] = [{name: v for name, v in exact.items() if name.startswith(("cursor", "text"))}]
    if tools.fvd is not None:
        for row, video in (("repeat", still), ("codec", decoded), ("recorded", truth)):
            tools.fvd.take(row, number, scene, video)


def _closed(scene: Scene) -> NDArray[np.int64]:
    return np.full(scene.made, scene.given - 1)


def samples_of(found: Gathered, row: str, numbers: Sequence[int], frame: int | None = None) -> dict[str, Sample]:
    """A row's figures over the scenes `numbers`: over all generated frames, or over the one at a horizon."""
    part = slice(None) if frame is None else slice(frame, frame + 1)
    made: dict[str, Sample] = {}
    for name, figure in FIGURES.items():
        source = name if name in ("psnr_after", "ssim_after", "lpips_after") else figure.source or name
        if figure.how is None:
            continue
        clips = [[counts[source][:, part] for counts in found[row, n] if source in counts] for n in numbers]
        if not any(clips) or not any(c[1].any() for clip in clips for c in clip):
            continue
        if figure.how in ("median", "hits"):
            made[name] = Sample(figure.how, values=[[v for c in clip for v in c[0][c[1] > 0]] for clip in clips])
        else:
            sums = [float(sum(c[0].sum() for c in clip)) for clip in clips]
            made[name] = Sample(figure.how, sums, [float(sum(c[1].sum() for c in clip)) for clip in clips])
    return made


def report_of(found: Gathered, scenes: Sequence[Scene], seed: int, fvd: FVD | None = None) -> dict[str, Any]:
    """By kind: figures of every row with 95 % intervals, true against shuffled, readers, curves, and the counts.

    Returns:
        {kind: {"clips", "sessions": [one a clip], "frames", "rows": {row: {figure: value}}, "intervals": {row: {figure:
        [low, high]}}, "obeys": {figure: difference of true and shuffled}, "unproven": {"pointer" | "text": why},
        "by_horizon": {figure: {row: [value]}}, "samples": {row: {figure: counts by clip}}, "fvd": FVD.report, if
        asked}}
    """
    report: dict[str, Any] = {}
    for kind in sorted({scene.kind for scene in scenes}):
        numbers = [n for n, scene in enumerate(scenes) if scene.kind == kind]
        rows = sorted({row for row, n in found if n in numbers}, key=[*_ORDER].index)
        sessions = [scenes[n].clip.session for n in numbers]
        samples = {
            row: {name: replace(s, sessions=sessions) for name, s in samples_of(found, row, numbers).items()}
            for row in rows
        }
        unproven = _refuse(samples)
        told = {row: {name: with_interval(s, seed) for name, s in figures.items()} for row, figures in samples.items()}
        shared = [name for name in samples["true"] if name in samples["shuffled"]]
        differences = {
            name: paired_difference(samples["shuffled"][name], samples["true"][name], seed) for name in shared
        }
        report[kind] = {
            "clips": len(numbers),
            "sessions": sessions,
            "frames": sum(scenes[n].made for n in numbers),
            "rows": {row: {name: v["value"] for name, v in figures.items() if v} for row, figures in told.items()},
            "intervals": {
                row: {name: [v["low"], v["high"]] for name, v in figures.items() if v and v["low"] is not None}
                for row, figures in told.items()
            },
            "obeys": {name: value for name, value in differences.items() if value},
            "unproven": unproven,
            "by_horizon": _by_horizon(found, rows, numbers, min(scenes[n].made for n in numbers), samples),
            "samples": {row: {name: s.to_dict() for name, s in figures.items()} for row, figures in samples.items()},
        }
        if fvd is not None:
            _add_fvd(report[kind], fvd.report(scenes, kind, seed))
    return report


def _add_fvd(report: dict[str, Any], told: dict[str, Any]) -> None:
    """FVD among the other figures of a kind, without intervals."""
    for row, value in told.pop("rows").items():
        report["rows"][row]["fvd"] = value
    difference = report["rows"]["true"]["fvd"] - report["rows"]["shuffled"]["fvd"]
    report["obeys"]["fvd"] = {"value": difference, "low": None, "high": None}
    report["fvd"] = told


_ORDER = ("true", "shuffled", "null", "repeat", "codec", "recorded", "open", "open_repeat")


def _refuse(samples: dict[str, dict[str, Sample]]) -> dict[str, str]:
    """Take out the figures of a reader that cannot read true frames, and say why."""
    why = {}
    cursor = samples["codec"].get("cursor_px")
    if cursor is not None and (off := float(cursor.figure()[0])) > POINTER_LIMIT_PX:
        why["pointer"] = (
            f"the pointer reader itself is {off:.1f} px off on true frames; "
            "train on more clips in which the pointer moves"
        )
    cells = samples["recorded"].get("text_cells")
    if cells is not None and (right := float(cells.figure()[0])) < TEXT_LIMIT:
        why["text"] = (
            f"the text reader itself reads only {100 * right:.0f} % of new characters on true frames right; "
            "train on larger pictures (data.width, data.height) or on more text"
        )
    hidden = tuple({"pointer": "cursor", "text": "text"}[name] for name in why)
    for figures in samples.values():
        for name in [name for name in figures if name.startswith(hidden)] if hidden else []:
            del figures[name]
    return why


def _by_horizon(
    found: Gathered, rows: Sequence[str], numbers: Sequence[int], frames: int, samples: dict[str, dict[str, Sample]]
) -> dict[str, dict[str, list[float | None]]]:
    """Each figure at 1, 2, ... frames after the last given one."""
    curves: dict[str, dict[str, list[float | None]]] = {}
    for row in rows:
        for frame in range(frames):
            here = samples_of(found, row, numbers, frame)
            for name in samples[row]:
                if name.endswith("_after") or name in ("text_chars", "text_whole", "text_lines"):
                    continue
                value = float(here[name].figure()[0]) if name in here else float("nan")
                curves.setdefault(name, {}).setdefault(row, []).append(value if np.isfinite(value) else None)
    return curves
