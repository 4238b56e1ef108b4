"""A torch data loader of clips with aligned actions: python torch_loader.py DATASET"""

import sys

import torch
from torch.utils.data import DataLoader

import goaltrace


def main(dataset: str) -> None:
    windows = goaltrace.windows(dataset, frames=8, fps=5.0, size=(160, 96))
    order = torch.Generator().manual_seed(0)
    loader = DataLoader(windows, batch_size=4, shuffle=True, generator=order)  # type: ignore[arg-type]
    clicks = windows.features.index("press:left")
    for number, batch in enumerate(loader):
        frames = batch.frames.permute(0, 1, 4, 2, 3).float() / 255  # [B, T, 3, height, width] in 0..1
        actions = batch.actions.float()  # [B, T, slots, 182]: actions[:, t] led from frame t - 1 to frame t
        print(f"frames {tuple(frames.shape)}, actions {tuple(actions.shape)}, first goal: {batch.goal[0]}")
        print(f"  left clicks on the way to each frame: {actions[0, :, :, clicks].sum(-1).int().tolist()}")
        if number == 2:
            break
    print(f"{len(windows)} windows")


if __name__ == "__main__":
    main(sys.argv[1])
