"""The mark on screens without X (Windows, macOS): a topmost Tk window that looks and behaves the same."""

from __future__ import annotations

import json
import queue
import sys
import threading

from collector.human.mark import HEIGHT, LOOKS, WIDTH

_TICK_MS = 100


def show_mark() -> int:
    """Show the mark until standard input closes. Raises ImportError or TclError where Tk cannot show a window."""
    import tkinter

    root = tkinter.Tk()
    root.title("GoalTrace is recording")
    root.overrideredirect(True)
    root.attributes("-topmost", True)
    left = (root.winfo_screenwidth() - WIDTH) // 2
    root.geometry(f"{WIDTH}x{HEIGHT}+{left}+0")
    label = tkinter.Label(root, fg="white")
    label.pack(fill="both", expand=True)
    states: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(states,), daemon=True).start()

    def tick() -> None:
        while not states.empty():
            state = states.get()
            if state is None:
                root.destroy()
                return
            show(state)
        root.lift()
        root.after(_TICK_MS, tick)

    def show(state: str) -> None:
        if state in LOOKS:
            colour, word = LOOKS[state]
            label.configure(bg=f"#{colour:06x}", text=f"\N{BLACK CIRCLE} {word}")

    show("open")
    root.update()
    print(json.dumps({"box": [left, 0, WIDTH, HEIGHT]}), flush=True)
    tick()
    root.mainloop()
    return 0


def _read(states: queue.SimpleQueue[str | None]) -> None:
    for line in sys.stdin:
        states.put(line.strip())
    states.put(None)
