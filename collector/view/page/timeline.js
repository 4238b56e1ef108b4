// The whole session in lanes. The lanes are drawn once a view (as many marks as there are pixels), the time over them.
const timeline = byId("timeline");
const GUTTER = 84, RIGHT = 12;
const LANES = [["", 20], ["sub-goals", 26], ["change", 36], ["mouse", 26], ["keys", 26], ["recording", 26]];
const still = document.createElement("canvas");
const view = { from: 0, to: END };
const ambiguousTimes = A.ambiguous.map((i) => A.t[i]), droppedTimes = F.dropped.map(([n]) => F.t0[n]);
let lanesWidth = 1, hover = null;

const xOf = (t) => GUTTER + ((t - view.from) / (view.to - view.from)) * lanesWidth;
const tOf = (x) => view.from + ((x - GUTTER) / lanesWidth) * (view.to - view.from);

function laneTops() {
  let y = 0;
  return LANES.map(([, height]) => { const top = y; y += height; return top; });
}
function fitTimeline() {
  const dense = window.devicePixelRatio || 1, width = timeline.clientWidth, height = timeline.clientHeight;
  lanesWidth = Math.max(10, width - GUTTER - RIGHT);
  for (const canvas of [timeline, still]) {
    canvas.width = width * dense;
    canvas.height = height * dense;
    canvas.getContext("2d").setTransform(dense, 0, 0, dense, 0, 0);
  }
  drawLanes();
}

// For each pixel from `from` to `to`, what `take` makes of the first entry and the number of those that fall in it.
function eachPixel(times, take) {
  let n = countUpTo(times, view.from - 1);
  while (n < times.length && times[n] <= view.to) {
    const x = Math.floor(xOf(times[n])), first = n;
    const end = tOf(x + 1);
    n = Math.max(n + 1, countUpTo(times, end - 1));
    take(x, first, n);
  }
}

function drawLanes() {
  const g = still.getContext("2d"), width = timeline.clientWidth, height = timeline.clientHeight;
  const tops = laneTops();
  g.clearRect(0, 0, width, height);
  g.save();
  g.beginPath();
  g.rect(GUTTER, 0, lanesWidth, height);
  g.clip();
  drawRuler(g, height);
  drawGoals(g, tops[1]);
  drawChange(g, tops[2]);
  drawMouse(g, tops[3]);
  drawKeyLane(g, tops[4]);
  drawRecording(g, tops[5]);
  dimTrimmed(g, height);
  g.restore();
  g.textAlign = "right";
  g.textBaseline = "middle";
  g.font = "12px system-ui, sans-serif";
  LANES.forEach(([label, tall], n) => {
    g.fillStyle = "#657080";
    g.fillText(label, GUTTER - 10, tops[n] + tall / 2);
    g.fillStyle = "#eceff3";
    if (n) g.fillRect(0, tops[n], width, 1);
  });
  drawTimeline();
}
function drawRuler(g, height) {
  const span = (view.to - view.from) / 1e9, wanted = (span * 90) / lanesWidth;
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
  const step = (steps.find((s) => s >= wanted) ?? 7200) * 1e9;
  g.textAlign = "left";
  g.textBaseline = "middle";
  g.font = "11px system-ui, sans-serif";
  for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
    const x = Math.round(xOf(t));
    g.fillStyle = "#eceff3";
    g.fillRect(x, 0, 1, height);
    g.fillStyle = "#657080";
    g.fillText(clockText(t, step >= 1e9 ? 0 : step >= 1e8 ? 1 : 2), x + 4, 11);
  }
}
function drawGoals(g, top) {
  g.font = "12px system-ui, sans-serif";
  g.textAlign = "left";
  g.textBaseline = "middle";
  goals.forEach((goal, n) => {
    const next = goals[n + 1]?.t ?? Infinity;
    const x = xOf(goal.t), width = Math.max(2, xOf(Math.min(goal.end, next)) - x - 1);
    if (x > GUTTER + lanesWidth || x + width < GUTTER) return;
    g.fillStyle = goal.ok ? "#dbe7fb" : "#fbe1e1";
    g.beginPath();
    g.roundRect(x, top + 4, width, 19, 3);
    g.fill();
    const left = Math.max(x, GUTTER) + 5, room = Math.min(x + width, GUTTER + lanesWidth) - left - 3;
    g.fillStyle = goal.ok ? "#1f4b99" : "#9c1f1f";
    if (room > 14) g.fillText(fitText(g, goal.goal, room), left, top + 14);
  });
}
function fitText(g, text, room) {
  if (g.measureText(text).width <= room) return text;
  let low = 0, high = Math.min(text.length, 400);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (g.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle; else high = middle - 1;
  }
  return low ? `${text.slice(0, low)}…` : "";
}
function drawChange(g, top) {
  const tall = LANES[2][1] - 8;
  g.fillStyle = "#7f8fa6";
  eachPixel(F.t1, (x, first, end) => {
    let most = 0;
    for (let n = first; n < end; n++) if (F.changed[n] > most) most = F.changed[n];
    if (!most) return;
    const high = Math.max(2, Math.sqrt(most) * tall);   // a typed letter must show beside a new window
    g.fillRect(x, top + 5 + tall - high, Math.max(1, Math.min(6, frameWidth() - 1)), high);
  });
}
const frameWidth = () => (frames > 1 ? (lanesWidth / (view.to - view.from)) * ((F.t1[frames - 1] - F.t1[0]) / (frames - 1)) : 2);
function drawMouse(g, top) {
  g.fillStyle = "#bcd0f2";
  eachPixel(moveTimes, (x, first, end) => { const tall = Math.min(16, 5 + 2 * (end - first)); g.fillRect(x, top + 14 - tall / 2, 1.5, tall); });
  for (const press of presses) {
    if (press.end < view.from || press.t > view.to) continue;
    g.fillStyle = hiddenActions.has(press.i) ? "#868e96" : "rgb(232 89 12 / 35%)";
    g.fillRect(xOf(press.t), top + 9, Math.max(1, xOf(press.end) - xOf(press.t)), 9);
  }
  g.fillStyle = ORANGE;
  eachPixel(pressTimes, (x) => { g.beginPath(); g.arc(x + 1, top + 13.5, 3.5, 0, 2 * Math.PI); g.fill(); });
  g.fillStyle = "#0b7a4b";
  eachPixel(scrollTimes, (x, first) => { g.fillRect(x - 1, top + (A.dy[scrolls[first]] < 0 ? 14 : 5), 3, 8); });
}
function drawKeyLane(g, top) {
  g.font = "11px system-ui, sans-serif";
  g.textAlign = "left";
  g.textBaseline = "middle";
  const room = (lanesWidth / (view.to - view.from)) * 1e9 > 80;
  let free = -Infinity;
  eachPixel(keyTimes, (x, first, end) => {
    const hidden = keys[first].hidden, label = keys[first].label;
    g.fillStyle = hidden ? "#868e96" : "#7048e8";
    g.fillRect(x, top + 5, end - first > 1 ? 2 : 1.5, 17);
    const width = g.measureText(label).width;
    const after = keys[end] ? xOf(keys[end].t) : Infinity;
    if (room && end - first === 1 && x + 4 >= free && x + 5 + width < after) { g.fillText(label, x + 4, top + 14); free = x + 6 + width; }
  });
}
function drawRecording(g, top) {
  for (const span of doc.spans) {
    g.fillStyle = span.kind === "pause" ? "#ced4da" : "#495057";
    const x = xOf(span.t), width = Math.max(2, xOf(span.end) - x);
    g.fillRect(x, top + 5, width, 17);
    g.font = "11px system-ui, sans-serif";
    g.textAlign = "left";
    g.textBaseline = "middle";
    const left = Math.max(x, GUTTER) + 4, words = `${span.kind === "pause" ? "paused" : "hidden"}${span.reason ? `: ${span.reason}` : ""}`;
    const text = fitText(g, words, Math.min(x + width, GUTTER + lanesWidth) - left - 2);
    g.fillStyle = span.kind === "pause" ? "#343a40" : "#fff";
    if (text.length > 2) g.fillText(text, left, top + 14);
  }
  g.fillStyle = "#f08c00";
  eachPixel(ambiguousTimes, (x) => g.fillRect(x, top + 16, 2, 7));
  g.fillStyle = "#e03131";
  eachPixel(droppedTimes, (x) => g.fillRect(x - 1, top + 4, 3, 10));
  g.fillStyle = "#862e9c";
  for (const mark of doc.marks) { const x = xOf(mark.t); g.beginPath(); g.moveTo(x, top + 4); g.lineTo(x + 5, top + 13); g.lineTo(x - 5, top + 13); g.fill(); }
}
function dimTrimmed(g, height) {
  if (!kept) return;
  g.fillStyle = "rgb(225 229 235 / 78%)";
  const from = xOf(kept[0]), to = xOf(kept[1]);
  if (from > GUTTER) g.fillRect(GUTTER, 0, from - GUTTER, height);
  if (to < GUTTER + lanesWidth) g.fillRect(to, 0, GUTTER + lanesWidth - to, height);
  g.fillStyle = "#17663a";
  g.fillRect(from - 1, 0, 2, height);
  g.fillRect(to - 1, 0, 2, height);
}
function drawTimeline() {
  const g = timeline.getContext("2d"), width = timeline.clientWidth, height = timeline.clientHeight;
  g.clearRect(0, 0, width, height);
  g.drawImage(still, 0, 0, width, height);
  const x = xOf(now.t);
  if (x >= GUTTER - 1 && x <= GUTTER + lanesWidth + 1) {
    g.fillStyle = "#c92a2a";
    g.fillRect(x - 0.75, 0, 1.5, height);
    g.beginPath();
    g.moveTo(x - 5, 0); g.lineTo(x + 5, 0); g.lineTo(x, 7);
    g.fill();
  }
  if (hover === null) return;
  g.fillStyle = "rgb(28 36 48 / 35%)";
  g.fillRect(hover, 0, 1, height);
  const words = describe(tOf(hover));
  g.font = "12px system-ui, sans-serif";
  const size = Math.min(g.measureText(words).width + 12, width - 8), left = Math.min(Math.max(4, hover + 8), width - size - 4);
  g.fillStyle = "rgb(28 36 48 / 92%)";
  g.beginPath();
  g.roundRect(left, 0, size, 20, 4);
  g.fill();
  g.fillStyle = "#fff";
  g.textAlign = "left";
  g.textBaseline = "middle";
  g.fillText(fitText(g, words, size - 10), left + 6, 10.5);
}
function describe(t) {
  const near = ((view.to - view.from) / lanesWidth) * 4, parts = [clockText(t)];
  if (frames) parts.push(`frame ${F.index[frameAt(t)]}`);
  const goal = goalAt(t), key = keys[countUpTo(keyTimes, t + near) - 1], press = presses[countUpTo(pressTimes, t + near) - 1];
  if (goal) parts.push(goal.goal);
  if (key && Math.abs(key.t - t) < near) parts.push(key.label);
  if (press && Math.abs(press.t - t) < near) parts.push(`${press.button} button`);
  for (const span of doc.spans) if (span.t <= t && t < span.end) parts.push(`${span.kind === "pause" ? "paused" : "hidden"} (${span.reason})`);
  for (const mark of doc.marks) if (Math.abs(mark.t - t) < near) parts.push(mark.kind === "sleep" ? `slept ${(mark.gap / 1e9).toFixed(1)} s` : `stopped: ${mark.reason}`);
  if (ambiguousTimes.some((at) => Math.abs(at - t) < near)) parts.push("an action during a grab (≈)");
  for (const [n, count] of F.dropped) if (Math.abs(F.t0[n] - t) < near) { parts.push(`${count} dropped`); break; }
  return parts.join("  ·  ");
}

function zoom(x, factor) {
  const centre = tOf(x), span = Math.min(END, Math.max(5e7, (view.to - view.from) * factor));
  view.from = Math.max(0, Math.min(END - span, centre - (span * (x - GUTTER)) / lanesWidth));
  view.to = view.from + span;
  drawLanes();
}
function pan(share) {
  const span = view.to - view.from;
  view.from = Math.max(0, Math.min(END - span, view.from + share * span));
  view.to = view.from + span;
  drawLanes();
}
// Keep the present in sight when zoomed in.
function follow() {
  if (now.t >= view.from && now.t <= view.to) return;
  const span = view.to - view.from;
  view.from = Math.max(0, Math.min(END - span, now.t - span * 0.1));
  view.to = view.from + span;
  drawLanes();
}

const xIn = (event) => event.clientX - timeline.getBoundingClientRect().left;
timeline.addEventListener("pointerdown", (event) => {
  timeline.setPointerCapture(event.pointerId);
  seekTime(tOf(xIn(event)));
});
timeline.addEventListener("pointermove", (event) => {
  hover = xIn(event) >= GUTTER ? xIn(event) : null;
  if (event.buttons & 1) seekTime(tOf(xIn(event))); else drawTimeline();
});
timeline.addEventListener("pointerleave", () => { hover = null; drawTimeline(); });
timeline.addEventListener("wheel", (event) => {
  event.preventDefault();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 1000);
  else zoom(Math.max(GUTTER, xIn(event)), Math.exp(Math.max(-200, Math.min(200, event.deltaY)) / 400));
}, { passive: false });
timeline.addEventListener("dblclick", () => { view.from = 0; view.to = END; drawLanes(); });
