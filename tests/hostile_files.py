"""Files that no loader may accept: hostile pickles, halves of files, files of something else."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn


class Bomb:
    """What a hostile pickle holds: a call that leaves a trace."""

    def __init__(self, trace: str) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.trace,)


def make(folder: Path) -> list[str]:
    """Write them all; their names. A file that is executed makes the folder ``executed``."""
    trace = str(folder / "executed")
    good = io.BytesIO()
    torch.save({"format": "lispe_torch_model", "spec": {"kind": "linear",
               "sizes": {"in_features": 4, "out_features": 3}},
               "state": nn.Linear(4, 3).state_dict()}, good)  # fmt: skip
    data = good.getvalue()
    (folder / "pickle.pt").write_bytes(pickle.dumps(Bomb(trace)))
    torch.save(Bomb(trace), folder / "zip.pt")
    torch.save(Bomb(trace), folder / "old.pt", _use_new_zipfile_serialization=False)
    torch.save({"state": {"weight": Bomb(trace)}}, folder / "inside.pt")
    with zipfile.ZipFile(folder / "script.pt", "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps(Bomb(trace), protocol=2))
        archive.writestr("a/constants.pkl", b"")
    for name, content in {
        "empty": b"", "text": b"not a model at all", "garbage": bytes(range(200)),
        "half": data[: len(data) // 2], "tail": data[-300:], "start": data[:700], "pk": b"PK\x03\x04",
        "json": b'{"a": 1}', "zeros": bytes(4000),
        "header": struct.pack("<Q", 1 << 60) + b"{}",
        "long": struct.pack("<Q", 50) + b'{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}'
        + b" " * 8,
        "badjson": struct.pack("<Q", 8) + b'{"a": 1 ' + bytes(100),
    }.items():  # fmt: skip
        (folder / f"{name}.pt").write_bytes(content)
    damaged = bytearray(data)
    at = data.find(b"data.pkl") + 60
    damaged[at : at + 40] = bytes(40)
    (folder / "damaged.pt").write_bytes(bytes(damaged))
    return sorted(p.name for p in folder.iterdir())
