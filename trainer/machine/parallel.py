"""Several processes as one run: who is who, what all agree on, weights in shards (FSDP2), and a rank that dies.

`torchrun` starts the processes and says so in WORLD_SIZE; a single process makes no process group at all.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from manifests.errors import GoaltraceError

BEAT_SECONDS = 1.0
SILENT_SECONDS = 30.0  # from when on a rank that says nothing is dead


@dataclass(frozen=True)
class Ranks:
    """This process among those of the run."""

    rank: int = 0
    world: int = 1
    local: int = 0
    """Place on this machine."""
    here: int = 1
    """Ranks on this machine."""

    @property
    def first(self) -> bool:
        return self.rank == 0

    def table(self, values: Sequence[float]) -> Tensor:
        """The same numbers of every rank, float64 [world, n]: what is decided from them is decided alike."""
        mine = torch.tensor(values, dtype=torch.float64)
        if self.world == 1:
            return mine[None]
        rows = [torch.empty_like(mine) for _ in range(self.world)]
        dist.all_gather(rows, mine)
        return torch.stack(rows)

    def agree(self, value: float) -> float:
        """The first rank's number, once every rank has got here."""
        return float(self.table([value])[0, 0])

    def path(self, mine: Path | None) -> Path:
        """The first rank's path."""
        if self.world == 1:
            assert mine is not None
            return mine
        told: list[Path | None] = [mine]
        dist.broadcast_object_list(told, src=0)
        assert told[0] is not None
        return told[0]

    def copy_from_first(self, module: nn.Module | None) -> None:
        """Give every rank the first one's weights of a module that is not sharded yet."""
        if self.world > 1 and module is not None:
            for value in module.state_dict().values():
                dist.broadcast(value, src=0)


ALONE = Ranks()


def from_environment() -> Ranks:
    """What torchrun says; `GoaltraceError` where that makes no sense."""
    try:
        world = int(os.environ.get("WORLD_SIZE", "1"))
        rank = int(os.environ["RANK"]) if world > 1 else 0
        local = int(os.environ.get("LOCAL_RANK", rank)) if world > 1 else 0
        here = int(os.environ.get("LOCAL_WORLD_SIZE", local + 1)) if world > 1 else 1
    except (ValueError, KeyError):
        raise GoaltraceError("WORLD_SIZE, RANK: not what torchrun sets; unset WORLD_SIZE to train alone") from None
    return Ranks(rank, world, local, here)


def own_device(device: torch.device, ranks: Ranks) -> torch.device:
    """This rank's GPU; a CPU is shared by all."""
    if device.type != "cuda":
        return device
    there = torch.cuda.device_count()
    if ranks.here > there:  # of all ranks, as the first one tells what is wrong
        raise GoaltraceError(
            f"{ranks.here} ranks on this machine, but {there} usable GPUs; start torchrun with --nproc-per-node={there}"
        )
    torch.cuda.set_device(ranks.local)
    return torch.device("cuda", ranks.local)


@contextmanager
def joined(ranks: Ranks, device: torch.device) -> Iterator[None]:
    """The process group of a run; nothing for a single process. A peer that dies inside is one clear line."""
    if ranks.world == 1:
        yield
        return
    # numbers that ranks agree on are on the CPU and go by gloo, so that they never wait for a GPU
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    try:
        store, _, _ = next(rendezvous("env://", timeout=timedelta(minutes=5)))
        dist.init_process_group(
            backend, store=store, rank=ranks.rank, world_size=ranks.world, timeout=timedelta(hours=2)
        )
    except (ValueError, RuntimeError) as error:  # a DistError is one
        raise GoaltraceError(
            f"rank {ranks.rank}: cannot meet the others ({_reason(error)}); start all with torchrun, at a free "
            "--master-port"
        ) from None
    watch = RankWatch(PrefixStore("goaltrace", store.clone()), ranks)
    watch.start()
    try:
        yield
    except BaseException as error:
        watch.stop()  # and say no more: the others will know
        if isinstance(error, Exception) and _lost_contact(error):
            raise GoaltraceError(_gone(ranks, f"another rank ended or cannot be reached ({_reason(error)})")) from None
        raise
    watch.stop(done=True)
    dist.destroy_process_group()


def _lost_contact(error: Exception) -> bool:
    words = ("gloo", "nccl", "connection", "peer", "socket", "tcpstore")
    told = isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)
    return told or isinstance(error, dist.DistError)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _gone(ranks: Ranks, what: str) -> str:
    return f"rank {ranks.rank}: {what}, so this one stops; the last checkpoint is whole: go on with --resume"


class RankWatch(threading.Thread):
    """Ends this process when another has been silent for `SILENT_SECONDS`: collectives would wait for it for ever."""

    def __init__(self, store: Store, ranks: Ranks) -> None:
        super().__init__(name="ranks", daemon=True)
        self._store, self._ranks = store, ranks
        self._end = threading.Event()

    def run(self) -> None:
        others = [rank for rank in range(self._ranks.world) if rank != self._ranks.rank]
        said: dict[int, bytes] = {}
        heard = dict.fromkeys(others, time.monotonic())
        beat = 0
        while not self._end.wait(BEAT_SECONDS):
            beat += 1
            try:
                self._store.set(str(self._ranks.rank), str(beat))
                for rank in others:
                    now = self._store.get(str(rank)) if self._store.check([str(rank)]) else b""
                    if now != said.get(rank) or now == b"done":
                        said[rank], heard[rank] = now, time.monotonic()
            except RuntimeError:
                pass  # the store went with its process: all are silent from now on
            dead = [rank for rank in others if time.monotonic() - heard[rank] > SILENT_SECONDS]
            if dead and not self._end.is_set():
                text = _gone(self._ranks, f"rank {dead[0]} has died")
                print(f"\ngoaltrace train: {text}", file=sys.stderr, flush=True)
                os._exit(1)

    def stop(self, done: bool = False) -> None:
        """done: the others need not wait for this rank any more."""
        self._end.set()
        self.join()
        try:
            if done:
                self._store.set(str(self._ranks.rank), "done")
        except RuntimeError:
            pass  # nobody left to tell


def shard(model: nn.Module, blocks: nn.ModuleList, ranks: Ranks, device: torch.device) -> None:
    """Spread weights, gradients and moments over the ranks, block by block, in place. Arithmetic is autocast's, so
    weights stay fp32.
    """
    if ranks.world == 1:
        return
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

    mesh = init_device_mesh(device.type, (ranks.world,))
    for block in blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    register_fsdp_forward_method(model, "answer")  # what the objective calls
