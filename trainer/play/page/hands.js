// What the person's hands do over the picture, with the time of each event, sent once per screen refresh.

const BUTTONS = ["left", "middle", "right"];
const WHEEL_PX = 100;  // of scrolling that are one click of a wheel
const WHEEL_LINES = 3;
const TWICE_MS = 500;  // two Escapes within this release the keyboard

export class Hands {
  // send(events) is given what was done; wanted() says whether anybody wants to know.
  constructor(canvas, send, wanted) {
    this.canvas = canvas;
    this.sendAll = send;
    this.wanted = wanted;
    this.events = [];
    this.keys = new Map();  // code -> key, of those held
    this.buttons = new Set();
    this.wheel = { x: 0, y: 0 };
    this.escaped = -Infinity;
    this.frame = 0;
    const on = (name, handler, options) => canvas.addEventListener(name, handler, options);
    on("pointermove", (event) => this.move(event));
    on("pointerdown", (event) => this.press(event));
    on("pointerup", (event) => this.lift(event));
    on("pointercancel", () => this.letGo());
    on("wheel", (event) => this.scroll(event), { passive: false });
    on("contextmenu", (event) => event.preventDefault());
    on("keydown", (event) => this.keyDown(event));
    on("keyup", (event) => this.keyUp(event));
    on("blur", () => this.letGo());
    window.addEventListener("blur", () => this.letGo());
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    this.x = (event.clientX - box.left) * this.canvas.width / box.width;
    this.y = (event.clientY - box.top) * this.canvas.height / box.height;
    return { x: this.x, y: this.y };
  }

  add(event) {
    if (!this.wanted() && !event.kind.endsWith("_up")) return;  // what was sent as pressed is released in any case
    const last = this.events.at(-1);
    if (event.kind === "move" && last?.kind === "move") this.events.pop();
    this.events.push(event);
    this.frame ||= requestAnimationFrame(() => this.flush());
  }

  flush() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    if (this.events.length) this.sendAll(this.events);
    this.events = [];
  }

  move(event) {
    const place = this.place(event);
    if (event.buttons !== this.pressed && event.pointerType === "mouse") this.changed(event, place);
    this.add({ kind: "move", t: event.timeStamp, ...place });
  }

  // A second button that goes down or up while the first is held comes as a move.
  changed(event, place) {
    for (const [number, bit] of [[0, 1], [1, 4], [2, 2]]) {
      const name = BUTTONS[number];
      const down = Boolean(event.buttons & bit);
      if (down && !this.buttons.has(name) && this.buttons.size) this.button("button_down", name, event.timeStamp, place);
      if (!down && this.buttons.has(name)) this.button("button_up", name, event.timeStamp, place);
    }
    this.pressed = event.buttons;
  }

  press(event) {
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.pressed = event.buttons;
    const name = BUTTONS[event.button];
    if (name) this.button("button_down", name, event.timeStamp, this.place(event));
  }

  lift(event) {
    this.pressed = event.buttons;
    const name = BUTTONS[event.button];
    if (this.buttons.has(name)) this.button("button_up", name, event.timeStamp, this.place(event));
  }

  button(kind, name, t, place) {
    if (kind === "button_down" && !this.wanted()) return;
    this.buttons[kind === "button_down" ? "add" : "delete"](name);
    this.add({ kind, t, button: name, ...place });
  }

  scroll(event) {
    event.preventDefault();
    const unit = event.deltaMode === 0 ? WHEEL_PX : event.deltaMode === 1 ? WHEEL_LINES : 1;
    this.wheel.x += event.deltaX / unit;
    this.wheel.y += event.deltaY / unit;
    const [dx, down] = [Math.trunc(this.wheel.x), Math.trunc(this.wheel.y)];
    this.wheel.x -= dx;
    this.wheel.y -= down;
    if (dx || down) this.add({ kind: "scroll", t: event.timeStamp, dx, dy: -down, ...this.place(event) });
  }

  keyDown(event) {
    event.preventDefault();
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Escape" && !event.repeat) {
      if (event.timeStamp - this.escaped < TWICE_MS) {
        this.canvas.blur();
        return;
      }
      this.escaped = event.timeStamp;
    }
    if (!this.wanted()) return;
    const repeat = this.keys.has(event.code);  // held: the system presses it again
    this.keys.set(event.code, event.key);
    this.key("key_down", event.key, event.code, event.timeStamp, held(event), repeat);
  }

  keyUp(event) {
    event.preventDefault();
    if (!this.keys.delete(event.code)) return;
    this.key("key_up", event.key, event.code, event.timeStamp, held(event));
  }

  key(kind, key, code, t, held, repeat = false) {
    this.add({ kind, t, key, code, held, repeat });
  }

  // Whatever is held is let go: the page will not hear of it any more.
  letGo() {
    const t = performance.now();
    for (const [code, key] of this.keys) this.key("key_up", key, code, t, []);
    this.keys.clear();
    for (const name of [...this.buttons]) this.button("button_up", name, t, { x: this.x, y: this.y });
    this.pressed = 0;
    this.flush();
  }
}

function held(event) {
  const third = event.getModifierState("AltGraph");  // some systems report it as Ctrl and Alt
  return [["shift", event.shiftKey], ["ctrl", event.ctrlKey && !third], ["alt", event.altKey && !third], ["super", event.metaKey]]
    .filter(([, on]) => on).map(([name]) => name);
}
