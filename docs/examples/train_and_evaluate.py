"""Train a model for a minute, measure it and roll it out: python train_and_evaluate.py DATASET RUN [KEY=VALUE ...]"""

import sys

import goaltrace


def told(progress: goaltrace.Progress) -> None:
    """What a program may do with progress: here, print some of it."""
    if progress.message:
        print(progress.message)
    elif isinstance(progress, goaltrace.TrainingProgress) and progress.done and progress.step % 20 == 0:
        print(f"step {progress.step}: loss {progress.loss:.4f}, {progress.tokens_per_second:,.0f} tokens/s")


def main(dataset: str, run: str, settings: list[str]) -> None:
    # settings override the preset's, those of the command line come last; docs/training.md lists them
    settings = ["train.max_seconds=60", *settings]
    print(goaltrace.plan_training(dataset, out=run, preset="tiny", settings=settings).text)
    trained = goaltrace.train(dataset, out=run, preset="tiny", settings=settings, on_progress=told)
    print(f"step {trained.step}, loss {trained.loss:.4f}")

    measured = goaltrace.evaluate(run, clips=2)
    for kind, rows in measured.figures.items():
        true, other = rows["true"]["psnr"], rows["shuffled"]["psnr"]
        print(f"{kind}: PSNR {true:.1f} dB with true actions, {other:.1f} dB with others")
    print(f"the page: {measured.page}")

    for path in goaltrace.rollout(run, frames=4).files:
        print(path)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
