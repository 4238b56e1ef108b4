// The page put together: what is said about the session and the frame, and which key does what.
function fillPage() {
  byId("goal").textContent = doc.goal || doc.name;
  byId("name").textContent = doc.goal ? doc.name : "";
  byId("outcome").textContent = doc.outcome;
  byId("outcome").classList.add(doc.outcome);
  for (const id of ["list", "previous", "next"]) link(id, doc.links[id]);
  const wrong = [...doc.problems, ...doc.invalid.map((reason) => `not valid: ${reason}`)];
  byId("problems").textContent = wrong.join("; ");
  byId("problems").hidden = !wrong.length;
  for (const [label, value] of doc.facts) {
    const name = document.createElement("dt"), text = document.createElement("dd");
    name.textContent = label;
    text.textContent = value;
    byId("facts").append(name, text);
  }
  if (!doc.editable) for (const part of document.querySelectorAll(".editing")) part.hidden = true;
  for (const id of ["back", "forward", "trim-start", "trim-end"]) byId(id).disabled = !frames;
}
function showFacts() {
  const n = now.frame, parts = [];
  byId("play").textContent = now.playing ? "Pause" : "Play";
  byId("clock").textContent = `${clockText(now.t)} / ${clockText(END)}`;
  if (frames) {
    parts.push(["frame", `${F.index[n]}`], ["time", `${clockText(F.t0[n])} to ${clockText(F.t1[n])}`], ["picture", `${doc.pictures[n]}`]);
    parts.push(["grab", `${((F.t1[n] - F.t0[n]) / 1e6).toFixed(2)} ms`], ["changed", `${(F.changed[n] * 100).toFixed(F.changed[n] < 0.1 ? 2 : 0)} %`]);
    if (F.x[n] >= 0) parts.push(["pointer", `${F.x[n]}, ${F.y[n]}`]);
    if (droppedBefore.has(n)) parts.push(["dropped before", `${droppedBefore.get(n)}`]);
  }
  byId("readout").replaceChildren(...parts.map(([label, value]) => {
    const part = document.createElement("span"), bold = document.createElement("b");
    bold.textContent = value;
    part.append(`${label} `, bold);
    return part;
  }));
}

const KEYS = {
  " ": () => (now.playing ? pause() : play()), ArrowLeft: () => showFrame(now.frame - 1), ArrowRight: () => showFrame(now.frame + 1),
  ",": () => showFrame(now.frame - 1), ".": () => showFrame(now.frame + 1), p: () => jump(-1), n: () => jump(1),
  "[": trimStart, "]": trimEnd, Home: () => showFrame(0), End: () => showFrame(frames - 1),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !byId("gone").hidden) return;
  const on = event.target.closest("button, select, input, a");
  if (on && [" ", "Enter"].includes(event.key)) return;
  if (on?.tagName === "SELECT") return;
  if (!(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});
for (const [id, key] of [["play", " "], ["back", ","], ["forward", "."], ["before", "p"], ["after", "n"]]) {
  byId(id).addEventListener("click", KEYS[key]);
}
byId("speed").addEventListener("change", (event) => setSpeed(Number(event.target.value)));
for (const id of ["show-pointer", "show-keys", "show-targets"]) byId(id).addEventListener("change", drawOverlay);
video.addEventListener("loadedmetadata", () => {
  if (video.videoWidth) { screenWidth = video.videoWidth; screenHeight = video.videoHeight; fitScreen(); }
});
video.addEventListener("error", () => {
  if (!hasVideo) return;
  hasVideo = false;
  byId("problems").textContent = [byId("problems").textContent, "this browser cannot play the video"].filter(Boolean).join("; ");
  byId("problems").hidden = false;
});

fillPage();
makeRows();
loadVideo();
watchers.push(showFacts, drawOverlay, follow, drawTimeline, syncRows);
new ResizeObserver(fitScreen).observe(stage);
new ResizeObserver(() => { fitTimeline(); drawRows(); }).observe(timeline);
fitScreen();
fitTimeline();
showKept();
showFrame(0);
