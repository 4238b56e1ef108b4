// The session as the page was given it, and what follows from it: presses, keys, sub-goals.
const doc = JSON.parse(document.getElementById("document").textContent);
const F = doc.frames, A = doc.actions;
const frames = F.t0.length, actions = A.t.length;
const BEGIN = frames ? F.t1[0] : 0;          // the video's time 0
const END = Math.max(doc.end, 1);
const hiddenFrames = new Set(F.hidden), hiddenActions = new Set(A.redacted), ambiguousActions = new Set(A.ambiguous);
const repeated = new Set(A.repeat);   // presses that the system makes of a held key
const droppedBefore = new Map(F.dropped);
const byId = (id) => document.getElementById(id);
const kindOf = (i) => doc.kinds[A.kind[i]];

// The number of sorted `times` that are <= t.
function countUpTo(times, t) {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= t) low = middle + 1; else high = middle;
  }
  return low;
}
// The frame whose grab had ended at t; frame 0 before that.
const frameAt = (t) => Math.max(0, countUpTo(F.t1, t) - 1);
// The first frame that surely shows what happened at t.
const frameAfter = (t) => Math.min(frames - 1, countUpTo(F.t1, t - 1));

function clockText(ns, digits = 3) {
  const whole = Math.max(0, Math.round(ns / 10 ** (9 - digits)));
  const seconds = Math.floor(whole / 10 ** digits), rest = String(whole % 10 ** digits).padStart(digits, "0");
  const pad = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
  return (hours ? `${hours}:${pad(minutes)}` : `${minutes}`) + `:${pad(seconds % 60)}` + (digits ? `.${rest}` : "");
}

const KEY_NAMES = {
  Return: "Enter", KP_Enter: "Enter", BackSpace: "Backspace", Escape: "Esc", Delete: "Del", space: "Space", Prior: "PgUp",
  Next: "PgDn", Left: "←", Right: "→", Up: "↑", Down: "↓", ISO_Left_Tab: "Tab", Control: "Ctrl",
};
const MODIFIERS = {
  Control_L: "Ctrl", Control_R: "Ctrl", Alt_L: "Alt", Alt_R: "Alt", Meta_L: "Alt", Meta_R: "Alt", Super_L: "Super",
  Super_R: "Super", Shift_L: "Shift", Shift_R: "Shift", ISO_Level3_Shift: "AltGr",
};
const ORDER = ["Ctrl", "Alt", "AltGr", "Super", "Shift"];

function keyLabel(i, held) {
  if (hiddenActions.has(i)) return "•";
  const key = A.key[i], char = A.char[i];
  const printable = char && !/[\u0000-\u0020\u007f]/.test(char);
  const command = held.has("Ctrl") || held.has("Alt") || held.has("Super");
  const name = KEY_NAMES[key] ?? (printable ? char : key ?? (char === null ? "?" : JSON.stringify(char)));
  if (!command) return held.has("Shift") && !printable && key ? `Shift+${name}` : name;
  const base = key && key.length === 1 ? key.toUpperCase() : name;
  return [...ORDER.filter((part) => held.has(part)), base].join("+");
}

const moves = [], presses = [], keys = [], scrolls = [], heldMs = new Map();
function derive() {
  const held = new Map(), down = new Map(), buttons = new Map();
  for (let i = 0; i < actions; i++) {
    const kind = kindOf(i), t = A.t[i];
    if (kind === "move") moves.push(i);
    else if (kind === "scroll") scrolls.push(i);
    else if (kind === "button_down") {
      const press = { i, t, end: END, button: A.button[i] ?? "•", x: A.x[i], y: A.y[i], up: -1, held: [...new Set(held.values())] };
      presses.push(press);
      buttons.set(A.button[i], press);
    } else if (kind === "button_up") {
      const press = buttons.get(A.button[i]);
      if (press) { press.end = t; press.up = i; heldMs.set(press.i, (t - press.t) / 1e6); }
      buttons.delete(A.button[i]);
    } else if (repeated.has(i)) {
      continue;
    } else if (kind === "key_down" || kind === "key") {
      const modifier = MODIFIERS[A.key[i]];
      const label = modifier && !hiddenActions.has(i) ? modifier : keyLabel(i, new Set(held.values()));
      const key = { i, t, end: kind === "key" ? t : END, label, modifier: Boolean(modifier), hidden: hiddenActions.has(i) };
      keys.push(key);
      if (kind === "key_down" && A.key[i]) {
        if (modifier) held.set(A.key[i], modifier);
        down.set(A.key[i], key);
      } else key.end = t;
    } else if (kind === "key_up") {
      const key = down.get(A.key[i]);
      if (key) { key.end = t; heldMs.set(key.i, (t - key.t) / 1e6); }
      down.delete(A.key[i]);
      held.delete(A.key[i]);
    }
  }
}
derive();
const moveTimes = moves.map((i) => A.t[i]), keyTimes = keys.map((key) => key.t);
const pressTimes = presses.map((press) => press.t), scrollTimes = scrolls.map((i) => A.t[i]);

// Sub-goals as spans: steps in a row with the same goal are one, a step without one belongs to the goal before it.
const goals = [];
for (const step of doc.intents) {
  const last = goals[goals.length - 1];
  if (last && (!step.goal || step.goal === last.goal)) { last.end = Math.max(last.end, step.end); last.ok &&= step.ok; }
  else if (step.goal) goals.push({ t: step.t, end: step.end, goal: step.goal, ok: step.ok });
}
const spanAt = (kind, t) => doc.spans.find((span) => span.kind === kind && span.t <= t && t < span.end);
const goalAt = (t) => goals.findLast((goal) => goal.t <= t && t <= goal.end);
