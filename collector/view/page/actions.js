// The list of what was done. Only the rows in sight exist, so that a hundred thousand cost nothing.
const ROW = 24, list = byId("actions"), rowsBox = byId("rows");
const rows = [];
let currentRow = -1, overList = false;

function makeRows() {
  const labels = new Map(keys.map((key) => [key.i, key.label]));
  for (let i = 0; i < actions; i++) {
    const kind = kindOf(i), last = rows[rows.length - 1];
    if (kind === "move" && last?.moves && !last.ended) { last.moves++; last.i = i; continue; }
    if ((kind === "key_up" && A.key[i]) || repeated.has(i)) continue;   // its key's row says how long it was held
    rows.push({ t: A.t[i], i, moves: kind === "move" ? 1 : 0, label: labels.get(i) });
  }
  for (const goal of goals) rows.push({ t: goal.t, i: -1, goal });
  for (const mark of doc.marks) rows.push({ t: mark.t, i: -1, note: mark.kind === "sleep" ? `slept ${(mark.gap / 1e9).toFixed(1)} s` : `stopped: ${mark.reason}` });
  for (const span of doc.spans) rows.push({ t: span.t, i: -1, note: `${span.kind === "pause" ? "paused" : "hidden"} for ${((span.end - span.t) / 1e9).toFixed(1)} s: ${span.reason}` });
  rows.sort((a, b) => a.t - b.t || a.i - b.i);
  byId("count").textContent = `${actions.toLocaleString("en")} recorded`;
  rowsBox.style.height = `${rows.length * ROW}px`;
}
function rowText(row) {
  if (row.goal) return `${row.goal.goal}${row.goal.ok ? "" : " (failed)"}`;
  if (row.note) return row.note;
  const i = row.i, kind = kindOf(i), hidden = hiddenActions.has(i);
  const place = A.x[i] === null ? "" : ` at ${A.x[i]}, ${A.y[i]}`;
  const held = heldMs.has(i) ? `, ${heldMs.get(i).toFixed(0)} ms` : "";
  if (row.moves) return hidden ? `${row.moves} moves` : `move to ${A.x[i]}, ${A.y[i]}${row.moves > 1 ? ` (${row.moves} steps)` : ""}`;
  if (kind === "button_down") return `press ${A.button[i] ?? "•"}${place}${held}`;
  if (kind === "button_up") return `release ${A.button[i] ?? "•"}${place}`;
  if (kind === "scroll") return `wheel ${A.dy[i] ? `${A.dy[i] > 0 ? "up" : "down"} ${Math.abs(A.dy[i])}` : ""}${A.dx[i] ? ` ${A.dx[i] > 0 ? "right" : "left"} ${Math.abs(A.dx[i])}` : ""}`;
  if (kind === "key_down" || kind === "key") return `key ${row.label}${held}`;
  if (kind === "key_up") return "key released •";
  return `${kind}${A.char[i] ? `: ${A.char[i]}` : place}`;
}
function drawRows() {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5), end = Math.min(rows.length, first + Math.ceil(list.clientHeight / ROW) + 10);
  rowsBox.replaceChildren(...rows.slice(first, end).map((row, offset) => {
    const n = first + offset, line = document.createElement("div"), time = document.createElement("time"), text = document.createElement("span");
    line.className = `row${row.goal ? " goal" : ""}${row.note ? " note" : ""}${n === currentRow ? " now" : ""}${outsideKept(row.t) ? " outside" : ""}`;
    line.style.top = `${n * ROW}px`;
    line.dataset.row = n;
    time.textContent = clockText(row.t);
    text.textContent = rowText(row);
    text.title = text.textContent;
    line.append(time, text);
    if (row.i >= 0 && ambiguousActions.has(row.i)) {
      const mark = document.createElement("em");
      mark.textContent = "≈";
      mark.title = "during a grab: the frame may or may not show its effect";
      line.append(mark);
    }
    return line;
  }));
}
function syncRows() {
  let low = 0, high = rows.length;
  while (low < high) { const middle = (low + high) >> 1; if (rows[middle].t <= now.t) low = middle + 1; else high = middle; }
  if (low - 1 === currentRow) return;
  currentRow = low - 1;
  const top = Math.max(0, currentRow) * ROW;
  if (!overList && (top < list.scrollTop + ROW || top > list.scrollTop + list.clientHeight - 3 * ROW)) list.scrollTop = top - list.clientHeight / 3;
  drawRows();
}
const goToTime = (t) => (frames ? showFrame(frameAfter(t)) : seekTime(t));
// To the first frame that shows the next row, or the row before: a frame further at least.
function jump(direction) {
  const here = frames ? now.frame : -1;
  for (let n = currentRow + (direction > 0 ? 1 : 0); n >= 0 && n < rows.length; n += direction) {
    const target = frames ? frameAfter(rows[n].t) : rows[n].t;
    if (frames ? (target - here) * direction > 0 : (target - now.t) * direction > 0) { goToTime(rows[n].t); return; }
  }
}
list.addEventListener("scroll", drawRows);
list.addEventListener("pointerenter", () => { overList = true; });
list.addEventListener("pointerleave", () => { overList = false; });
list.addEventListener("click", (event) => {
  const line = event.target.closest(".row");
  if (line) goToTime(rows[Number(line.dataset.row)].t);
});
