// The page beside a person's desktop. It holds no state of its own: it draws what goaltrace says and sends commands back.

import { focusScreen, showScreen } from "./screen.js";

const RETRY_MS = 1000;
const OPENED_ELSEWHERE = 4001;
const $ = (id) => document.getElementById(id);
const show = (id, on) => { $(id).hidden = !on; };

let state = null;
let socket = null;
let holding = false;
let asking = false;  // "Discard: sure?" is open

// The connection to goaltrace. It is lost when the command in the terminal ends.
function connect() {
  const address = new URL("control", location.href);
  address.protocol = "ws:";
  socket = new WebSocket(address);
  socket.onmessage = (message) => {
    const before = state?.phase;
    state = JSON.parse(message.data);
    draw();
    if (state.phase !== before) entered(state.phase);
  };
  socket.onclose = (event) => {
    if (state?.phase === "finished") return;
    if (event.code === OPENED_ELSEWHERE) {
      away("This page is open in another tab", "Go on there. To go on here instead, reload this page.");
      return;
    }
    away("The connection to goaltrace was lost",
      "A running recording is paused, or has ended. If the command in the terminal has ended, close this page.");
    setTimeout(connect, RETRY_MS);
  };
}

function send(command) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ do: command }));
}

// What the mark says, by the state that the recorder itself reported.
const MARKS = {
  consent: ["Not recording", ""],
  opening: ["Not recording", "The desktop is starting…"],
  ready: ["Not recording", "Nothing is recorded before you press Start."],
  starting: ["Recording starts", "The task is being prepared…"],
  ending: ["Recording ends", "The result is being checked…"],
  ended: ["Not recording", ""],
  finished: ["Not recording", ""],
  recording: ["Recording", ""],
  paused: ["Paused", "Neither pictures nor keys are kept."],
  hidden: ["Hidden", "Pictures are blank, keys have no names."],
};
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

function draw() {
  const { phase, view, task } = state;
  const recording = phase === "recording";
  const mark = recording && view !== "open" ? view : phase;
  const [word, note] = MARKS[mark];
  document.body.dataset.mark = mark;
  put("mark-word", word);
  put("mark-time", recording ? clock(state.seconds) : "");
  put("mark-note", note);
  put("which", task.of > 1 && task.number ? `task ${task.number} of ${task.of}` : "");
  const title = recording ? `${view === "open" ? "●" : "❚❚"} ${word} ${clock(state.seconds)}` : word;
  document.title = `${title} · GoalTrace`;

  const atDesktop = ["opening", "ready", "starting", "recording", "ending"].includes(phase);
  show("studio", atDesktop);
  show("sheet", !atDesktop);
  show("away", false);
  show("consent", phase === "consent");
  show("result", phase === "ended" || phase === "finished");
  drawConsent();
  drawCard();
  drawResult();
  showScreen(atDesktop ? state.screen : null, recording, phase === "ready", veil);
  if (phase === "opening") veil("The desktop is starting…");
}

function drawConsent() {
  const { text, version, id } = state.consent;
  if (state.phase !== "consent" || $("consent-text").childElementCount) return;
  for (const paragraph of text.split("\n\n")) {
    const end = paragraph.indexOf(":") + 1;
    const lead = document.createElement("strong");
    lead.textContent = paragraph.slice(0, end);
    const whole = document.createElement("p");
    whole.append(lead, paragraph.slice(end));
    $("consent-text").append(whole);
  }
  put("consent-version", version);
  put("consent-id", id);
}

function drawCard() {
  const { phase, view } = state;
  put("goal", state.task.goal);
  show("at-ready", ["opening", "ready", "starting"].includes(phase));
  show("at-recording", ["recording", "ending"].includes(phase));
  $("start").disabled = $("leave").disabled = phase !== "ready";
  for (const id of ["pause", "hide", "done", "give-up", "discard"]) $(id).disabled = phase !== "recording";
  put("pause", view === "paused" ? "Resume" : "Pause");
  $("pause").classList.toggle("primary", view === "paused");
  $("done").classList.toggle("primary", view !== "paused");
  $("hide").classList.toggle("held", holding);
  if (phase !== "recording") asking = false;
  show("sure", asking);
  show("discard", !asking);
  put("warning", state.warning);
  $("notes").replaceChildren(...state.notes.map((note) => {
    const line = document.createElement("p");
    line.textContent = note;
    return line;
  }));
  put("hint", {
    ready: "Look around before you start: the desktop does not react yet.",
    recording: "Hold “Hide this” while you type something private; you can go on typing in the desktop. Pause for longer.",
  }[phase] ?? "");
}

const RESULTS = {
  success: ["Success", "The task is done"],
  failure: ["Not reached", "The task is not done"],
  unverified: ["Recorded", "The recording has ended"],
  aborted: ["Ended early", "The recording ended before the task did"],
  discarded: ["Discarded", "The recording was thrown away"],
  left: ["Nothing recorded", "Nothing was recorded"],
};

function drawResult() {
  const { end, phase, task } = state;
  const [word, title] = RESULTS[end.outcome] ?? ["Over", "Nothing was recorded"];
  put("result-word", word);
  $("result-word").dataset.outcome = end.outcome ?? "";
  put("result-title", title);
  put("result-goal", task.number ? task.goal : "");
  put("result-why", ["success", "failure"].includes(end.outcome) ? "What was found" : "Why");
  put("result-detail", end.detail ?? "");
  show("result-facts", Boolean(end.detail));
  put("result-folder", end.folder ?? "");
  put("result-view", end.view ?? "");
  for (const kept of document.querySelectorAll(".kept")) kept.hidden = !end.folder;
  show("result-next", phase === "ended");
  show("result-over", phase === "finished");
}

function entered(phase) {
  if (phase === "recording") focusScreen();
  if (phase === "ended") $("next").focus();
}

function veil(note) {
  put("veil-note", note);
  show("veil", Boolean(note));
}

function away(title, note) {
  holding = false;
  showScreen(null, false, false, veil);
  document.body.dataset.mark = "away";
  document.title = "GoalTrace";
  put("mark-word", "Not connected");
  put("mark-time", "");
  put("mark-note", "");
  put("away-title", title);
  put("away-note", note);
  for (const id of ["studio", "consent", "result"]) show(id, false);
  show("sheet", true);
  show("away", true);
}

// Only what changes is written, so that a screen reader hears the mark once.
function put(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

// Buttons beside the desktop do not take the keys away from it.
$("card").addEventListener("mousedown", (event) => { if (event.target.closest("button")) event.preventDefault(); });
for (const id of ["start", "leave", "done", "give-up", "next", "finish"]) $(id).onclick = () => send(id);
$("agree").onchange = () => { $("consent-go").disabled = !$("agree").checked; };
$("consent-go").onclick = () => send("consent");
$("pause").onclick = () => send(state.view === "paused" ? "resume" : "pause");
$("discard").onclick = () => { asking = true; draw(); };
$("discard-no").onclick = () => { asking = false; draw(); };
$("discard-yes").onclick = () => send("discard");

// "Hide this" works while held: by mouse, by touch, or by the space bar when the button has the focus.
function hold(on) {
  if (holding === on || (on && state.phase !== "recording")) return;
  holding = on;
  send(on ? "hide" : "show");
  draw();
}
$("hide").addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  $("hide").setPointerCapture(event.pointerId);
  hold(true);
});
for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) $("hide").addEventListener(name, () => hold(false));
$("hide").addEventListener("keydown", (event) => { if (event.key === " " || event.key === "Enter") hold(true); });
for (const name of ["keyup", "blur"]) $("hide").addEventListener(name, () => hold(false));
addEventListener("blur", () => hold(false));
$("hide").addEventListener("contextmenu", (event) => event.preventDefault());

addEventListener("beforeunload", (event) => { if (state?.phase === "recording") event.preventDefault(); });
connect();
