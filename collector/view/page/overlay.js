// What was done, drawn over what was seen: pointer, presses, drags, wheel, keys, and the steps' targets.
const overlay = byId("overlay"), screenBox = byId("screen"), stage = byId("stage");
const BLUE = "#2f6fde", ORANGE = "#e8590c", RECENT = 0.7e9, KEYS_STAY = 2.2e9;
let [screenWidth, screenHeight] = doc.size, scale = 1;

function fitScreen() {
  scale = Math.min(stage.clientWidth / screenWidth, stage.clientHeight / screenHeight);
  const width = Math.floor(screenWidth * scale), height = Math.floor(screenHeight * scale), dense = window.devicePixelRatio || 1;
  screenBox.style.width = `${width}px`;
  screenBox.style.height = `${height}px`;
  screenBox.style.left = `${Math.floor((stage.clientWidth - width) / 2)}px`;
  screenBox.style.top = `${Math.floor((stage.clientHeight - height) / 2)}px`;
  screenBox.classList.toggle("tiny", scale > 2);
  overlay.width = Math.max(1, width * dense);
  overlay.height = Math.max(1, height * dense);
  overlay.getContext("2d").setTransform(dense, 0, 0, dense, 0, 0);
  drawOverlay();
}

function drawOverlay() {
  const g = overlay.getContext("2d"), t = now.t;
  const width = screenWidth * scale, height = screenHeight * scale;
  g.clearRect(0, 0, width + 2, height + 2);
  if (byId("show-targets").checked) drawTargets(g, t);
  if (byId("show-pointer").checked) { drawPresses(g, t); drawScrolls(g, t); drawPointer(g); }
  if (byId("show-keys").checked) drawKeys(g, t, width, height);
  if (spanAt("pause", t)) banner(g, "recording paused", width);
  else if (frames && hiddenFrames.has(now.frame)) banner(g, "hidden on purpose", width);
  else if (outsideKept(t)) banner(g, "trimmed away", width);
}

function ring(g, x, y, radius, colour, line = 2) {
  for (const [stroke, more] of [["rgb(255 255 255 / 85%)", 2], [colour, 0]]) {   // seen on dark and on light
    g.beginPath();
    g.arc(x * scale, y * scale, radius, 0, 2 * Math.PI);
    g.strokeStyle = stroke;
    g.lineWidth = line + more;
    g.stroke();
  }
}
function drawPointer(g) {
  if (frames && F.x[now.frame] >= 0) ring(g, F.x[now.frame], F.y[now.frame], 13, BLUE, 1.5);
}
function drawPresses(g, t) {
  for (let n = countUpTo(pressTimes, t) - 1; n >= 0 && n >= countUpTo(pressTimes, t) - 20; n--) {
    const press = presses[n];
    if (press.x === null || t > press.end + RECENT) continue;
    const old = Math.max(0, t - press.end) / RECENT;
    g.globalAlpha = 1 - old;
    drag(g, press, Math.min(t, press.end));
    if (t <= press.end) {
      g.beginPath();
      g.arc(press.x * scale, press.y * scale, 9, 0, 2 * Math.PI);
      g.fillStyle = "rgb(232 89 12 / 45%)";
      g.fill();
    }
    ring(g, press.x, press.y, 9 + 15 * Math.min(1, (t - press.t) / RECENT), ORANGE);
    if (t > press.end && press.up >= 0) ring(g, A.x[press.up] ?? press.x, A.y[press.up] ?? press.y, 5, ORANGE, 1.5);
    const words = [...press.held, ...(press.button === "left" ? [] : [press.button])].join("+");
    if (words) tag(g, words, press.x * scale + 18, press.y * scale - 22);
    g.globalAlpha = 1;
  }
}
function drag(g, press, until) {
  const first = countUpTo(moveTimes, press.t), end = countUpTo(moveTimes, until);
  if (end <= first) return;
  g.beginPath();
  g.moveTo(press.x * scale, press.y * scale);
  const step = Math.max(1, Math.floor((end - first) / 2000));
  for (let n = first; n < end; n += step) g.lineTo(A.x[moves[n]] * scale, A.y[moves[n]] * scale);
  g.strokeStyle = ORANGE;
  g.lineWidth = 2;
  g.stroke();
}
function drawScrolls(g, t) {
  let up = 0, right = 0, at = -1;
  for (let n = countUpTo(scrollTimes, t) - 1; n >= 0 && scrollTimes[n] > t - RECENT; n--) {
    if (at < 0) at = scrolls[n];
    up += A.dy[scrolls[n]];
    right += A.dx[scrolls[n]];
  }
  if (at < 0 || (!up && !right)) return;
  const x = A.x[at] ?? (frames ? F.x[now.frame] : 0), y = A.y[at] ?? (frames ? F.y[now.frame] : 0);
  if (x < 0) return;
  const words = [up && `${up > 0 ? "↑" : "↓"} ${Math.abs(up)}`, right && `${right > 0 ? "→" : "←"} ${Math.abs(right)}`];
  tag(g, `wheel ${words.filter(Boolean).join(" ")}`, x * scale + 18, y * scale + 4);
}
function drawTargets(g, t) {
  for (const step of doc.intents) {
    if (!step.box || t < step.t || t > step.end) continue;
    const [x, y, w, h] = step.box;
    g.setLineDash([6, 4]);
    g.strokeStyle = "#0b7a4b";
    g.lineWidth = 2;
    g.strokeRect(x * scale, y * scale, w * scale, h * scale);
    g.setLineDash([]);
    tag(g, step.verb, x * scale, Math.max(0, y * scale - 24));
  }
}
function drawKeys(g, t, width, height) {
  g.font = "600 15px system-ui, sans-serif";
  const caps = [];
  let used = 0;
  for (let n = countUpTo(keyTimes, t) - 1; n >= 0 && caps.length < 40; n--) {
    const key = keys[n], held = t <= key.end && key.end > key.t;
    if (t - key.t > 60e9) break;
    if (!held && t - Math.max(key.t, Math.min(key.end, t)) > KEYS_STAY) { if (t - key.t > 10e9) break; continue; }
    if (key.modifier && !held) continue;
    const size = Math.max(26, g.measureText(key.label.slice(0, 24)).width + 16);
    if (used + size > width - 32) break;
    used += size + 4;
    caps.unshift([key, size, held]);
  }
  let x = (width - used) / 2;
  const y = height - 44;
  if (!caps.length) return;
  g.textAlign = "center";
  g.textBaseline = "middle";
  for (const [key, size, held] of caps) {
    g.globalAlpha = held ? 1 : Math.max(0.25, 1 - (t - key.t) / (KEYS_STAY * 1.3));
    g.fillStyle = held ? BLUE : "rgb(28 36 48 / 88%)";
    g.strokeStyle = "rgb(255 255 255 / 70%)";
    g.lineWidth = 1;
    g.beginPath();
    g.roundRect(x, y, size, 30, 5);
    g.fill();
    g.stroke();
    g.fillStyle = "#fff";
    g.fillText(key.label.slice(0, 24), x + size / 2, y + 15.5);
    x += size + 4;
  }
  g.globalAlpha = 1;
}
function tag(g, words, x, y) {
  g.font = "600 12px system-ui, sans-serif";
  g.textAlign = "left";
  g.textBaseline = "middle";
  const size = g.measureText(words).width + 12;
  x = Math.max(2, Math.min(x, screenWidth * scale - size - 2));
  y = Math.max(2, Math.min(y, screenHeight * scale - 22));
  g.fillStyle = "rgb(28 36 48 / 88%)";
  g.beginPath();
  g.roundRect(x, y, size, 20, 4);
  g.fill();
  g.fillStyle = "#fff";
  g.fillText(words, x + 6, y + 10.5);
}
function banner(g, words, width) {
  g.font = "600 12px system-ui, sans-serif";
  tag(g, words, (width - g.measureText(words).width - 12) / 2, 10);
}
