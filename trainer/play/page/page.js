// The page of `goaltrace play`. It holds no state of the model: it draws what comes and sends what is done.

import { Hands } from "./hands.js";

const BUSY = 4002;
const ENDED = 4003;
const RETRY_MS = 1500;
const ACTIONS_SHOWN = 24;  // of the last things done, shown
const $ = (id) => document.getElementById(id);
const put = (id, text) => { $(id).textContent = text; };
const canvas = $("canvas");

let socket = null;
let state = null;
let stepping = false;  // frames are made one by one, and what is done waits for the next
let clips = [];
let drawing = Promise.resolve();
let noticeTimer = 0;
export const seen = { frames: 0, number: -1, latency: null };  // for tests: frames drawn

const hands = new Hands(
  canvas,
  (events) => {
    const now = performance.now();
    send({ do: "input", now, events: events.map((event) => ({ ...event, t: Math.min(event.t, now) })) });
  },
  () => state !== null && !state.replay && (state.playing || stepping),
);

function connect() {
  const address = new URL("play", location.href);
  address.protocol = "ws:";
  socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => send({ do: "visible", on: !document.hidden });
  socket.onmessage = (message) => receive(message.data);
  socket.onclose = (event) => {
    if (event.code === BUSY) {
      away("Somebody is playing this run", "A model answers one page at a time. Close the other page, then try again.", true);
    } else if (event.code === ENDED) {
      away("goaltrace play has ended", "The command in the terminal was stopped. This page can be closed.");
    } else {
      away("The connection was lost", "If the command in the terminal still runs, this page comes back by itself.");
      setTimeout(connect, RETRY_MS);
    }
  };
}

function send(command) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
}

function receive(data) {
  const length = new DataView(data).getUint32(0, true);
  const message = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  if (message.type === "state") draw(message);
  if (message.type === "notice") notice(message.text, message.bad);
  if (message.type === "saved") notice(`Saved in ${message.folder}: ${message.files.join(", ")}`);
  if (message.type !== "frame") return;
  let start = 4 + length;
  const pictures = message.sizes.map((size) => {
    const picture = new Blob([new Uint8Array(data, start, size)], { type: "image/png" });
    start += size;
    return createImageBitmap(picture);
  });
  const due = performance.now() + message.after_ms;
  drawing = drawing.then(async () => {
    const images = await Promise.all(pictures);
    const wait = due - performance.now();
    if (wait > 1) await new Promise((done) => setTimeout(done, wait));
    show(message, images);
  });
}

function show(message, images) {
  for (const [target, image] of [[canvas, images[0]], [$("recorded"), images[1]]]) {
    if (image) target.getContext("2d").drawImage(image, 0, 0);
    image?.close();
  }
  seen.frames += 1;
  seen.number = message.number;
  put("made-name", message.given ? "recorded; the model goes on from here" : state.replay ? "the model, given the same actions" : "the model");
  if (message.given) return;
  if (message.oldest !== null) {
    seen.latency = performance.now() - message.oldest;
    put("latency", seen.latency.toFixed(0));
  }
  put("rate", message.rate === null ? "–" : message.rate.toFixed(1));
  $("rate").classList.toggle("slow", message.rate !== null && message.rate < 0.9 * state.fps);
  put("making", message.making_ms.toFixed(0));
  put("count", message.made);
  put("dropped", message.dropped);
  $("dropped").classList.toggle("slow", message.dropped > 0);
  const list = $("done");
  for (const text of message.done) list.append(make("li", text));
  while (list.childElementCount > ACTIONS_SHOWN) list.firstElementChild.remove();
  list.scrollLeft = list.scrollWidth;
}

function draw(next) {
  const before = state;
  state = next;
  const fresh = !before || before.clip !== state.clip || before.replay !== state.replay;
  $("table").hidden = false;
  $("away").hidden = true;
  if (state.playing) stepping = false;
  for (const target of [canvas, $("recorded")]) {
    if (target.width !== state.width) target.width = state.width;
    if (target.height !== state.height) target.height = state.height;
  }
  document.body.dataset.kind = state.kind;
  document.body.dataset.input = state.replay ? "none" : "live";
  document.body.dataset.mode = !state.playing ? "paused" : state.replay ? "replay" : "live";
  put("mode", state.ended ? "End of the recording" : !state.playing ? (stepping ? "Frame by frame" : "Paused") : state.replay ? "Replay" : "Live");
  put("run", `${state.run} · ${state.kind}`);
  put("clip-id", state.clip_id);
  put("rate-of", `of ${state.fps}`);
  put("play", state.playing ? "Pause" : "Play");
  $("play").disabled = $("step").disabled = state.ended;
  $("replay").checked = state.replay;
  $("beside").hidden = !state.replay;
  if (fresh || document.activeElement !== $("goal")) $("goal").value = state.goal;
  put("goal-note", state.takes_text ? "" : "this model takes no goal");
  $("goal").readOnly = !state.takes_text;
  $("aim").hidden = !state.takes_text;
  $("aim").disabled = $("goal").value.trim() === state.goal;
  put("clip-of", `${state.clip + 1} of ${state.clips}`);
  for (const [number, one] of [...$("clips").children].entries()) one.setAttribute("aria-current", number === state.clip);
  $("begin").classList.toggle("aside", state.made > 0 && !state.ended);
  $("begin").hidden = state.playing || stepping;
  put("begin-word", state.ended ? "Start again" : state.made ? "▶ Go on" : state.replay ? "▶ Replay" : "▶ Play");
  put("begin-note", state.ended ? "the recording ends here" : state.replay || state.made ? "" : state.kind === "terminal" ? "then type" : "then move, click and type");
  keyboard();
  fit();
}

function keyboard() {
  const held = document.activeElement === canvas && !state?.replay;
  $("keyboard").classList.toggle("held", held);
  const note = $("keyboard-note");
  if (held) {
    const escape = () => make("kbd", "Esc");
    note.replaceChildren("Your keys go to the model · ", escape(), " ", escape(), " releases them");
  } else if (state?.replay) {
    note.textContent = "The recorded actions are replayed, not yours.";
  } else if (stepping) {
    note.textContent = "What you do now goes into the next frame.";
  } else {
    note.textContent = state?.kind === "terminal" ? "Click into the picture to type; it takes keys only." : "Click into the picture to type there.";
  }
}

// The largest whole multiple that fits; smaller than the picture only where there is no room.
function fit() {
  if (!state) return;
  const room = $("room");
  const count = state.replay ? 2 : 1;
  const style = getComputedStyle(room);
  const wide = (room.clientWidth - 2 * parseFloat(style.paddingLeft) - 22 * (count - 1)) / count;
  const high = room.clientHeight - 2 * parseFloat(style.paddingTop) - 30;
  let scale = Math.min(wide / state.width, high / state.height);
  if (scale >= 2) scale = Math.floor(scale * 2) / 2;
  for (const target of [canvas, $("recorded")]) {
    target.style.width = `${Math.max(120, state.width * scale)}px`;
    target.style.height = "auto";
    target.classList.toggle("crisp", scale >= 2);
  }
}

function begin() {
  for (const id of ["latency", "rate", "making"]) put(id, "–");
  put("count", 0);
  put("dropped", 0);
  $("done").replaceChildren();
  stepping = false;
}

function command(name, more = {}) {
  if (["restart", "replay", "clip"].includes(name)) begin();
  send({ do: name, ...more });
}

function notice(text, bad = false) {
  const box = $("notice");
  box.textContent = text;
  box.hidden = false;
  box.classList.toggle("bad", Boolean(bad));
  box.scrollIntoView({ block: "nearest" });
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { box.hidden = true; }, 20_000);
}

function away(title, note, again = false) {
  state = null;
  document.body.dataset.mode = "away";
  put("mode", "Not connected");
  put("away-title", title);
  put("away-note", note);
  $("again").hidden = !again;
  $("table").hidden = true;
  $("away").hidden = false;
}

function make(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

async function listClips() {
  clips = await (await fetch("clips")).json();
  $("clips").replaceChildren(...clips.map((clip, number) => {
    const card = make("button", "");
    card.className = "clip";
    card.title = clip.goal;
    const picture = new Image();
    picture.loading = "lazy";
    picture.alt = "";
    picture.src = `thumb/${number}.png`;
    card.append(picture, make("span", clip.goal), make("small", `${number + 1} · ${clip.kind} · ${clip.seconds} s`));
    card.setAttribute("aria-current", state?.clip === number);
    card.onclick = () => command("clip", { number });
    return card;
  }));
}

$("begin").onclick = () => {
  if (state.ended) command("restart");
  command("play");
  state.playing = true;  // as the server will confirm: what is done from here on counts
  if (!state.replay) canvas.focus({ preventScroll: true });
};
$("play").onclick = () => command(state.playing ? "pause" : "play");
$("step").onclick = () => {
  stepping = true;
  command("step");
};
$("restart").onclick = () => command("restart");
$("replay").onchange = (event) => command("replay", { on: event.target.checked });
$("goal").oninput = () => { $("aim").disabled = $("goal").value.trim() === state.goal; };
$("aim").onclick = () => command("goal", { text: $("goal").value });
$("save").onclick = () => command("save");
$("again").onclick = connect;
canvas.addEventListener("focus", keyboard);
canvas.addEventListener("blur", keyboard);
document.addEventListener("pointerdown", (event) => {
  if (event.target !== canvas && !event.target.closest("button, label, textarea")) canvas.blur();
});
document.addEventListener("visibilitychange", () => send({ do: "visible", on: !document.hidden }));
window.addEventListener("pagehide", () => hands.letGo());
new ResizeObserver(fit).observe($("room"));

connect();
listClips();
