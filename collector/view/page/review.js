// What is kept: asked of the server, which writes it into session.json; shown once it is written.
let kept = doc.keep;
const outsideKept = (t) => kept !== null && (t < kept[0] || t > kept[1]);

function showKept() {
  const seconds = (ns) => `${(ns / 1e9).toFixed(1)} s`;
  byId("kept").textContent = kept
    ? `Kept: ${clockText(kept[0])} to ${clockText(kept[1])} (${seconds(kept[1] - kept[0])} of ${seconds(END)})`
    : `Kept: all of it (${seconds(END)})`;
  byId("keep-all").disabled = !kept;
  drawLanes();
  drawRows();
  drawOverlay();
}
async function ask(what, body) {
  byId("said").textContent = "";
  try {
    const answer = await fetch(what, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const said = await answer.json();
    if (answer.ok) return said;
    byId("said").textContent = `Not done: ${said.problem ?? answer.status}`;
  } catch {
    byId("said").textContent = "Not done: goaltrace does not answer; is it still running?";
  }
  return null;
}
async function keep(span) {
  if (!doc.editable) return;
  const wanted = span && (span[0] > (frames ? F.t0[0] : 0) || span[1] < END) ? span : null;
  if (wanted && wanted[0] >= wanted[1]) {
    byId("said").textContent = "Not done: the kept part would end before it begins";
    return;
  }
  if (await ask("keep", { keep_ns: wanted })) { kept = wanted; showKept(); }
}
// The frame in sight is kept, whichever end it is.
const trimStart = () => frames && keep([F.t0[now.frame], kept ? kept[1] : END]);
const trimEnd = () => frames && keep([kept ? kept[0] : 0, now.frame === frames - 1 ? END : F.t1[now.frame]]);

function askDiscard(asking) {
  byId("trimming").hidden = asking;
  byId("confirm").hidden = !asking;
  if (asking) byId("discard-not").focus();
}
async function discardNow() {
  const links = await ask("discard", {});
  askDiscard(false);
  if (!links) return;
  pause();
  video.removeAttribute("src");
  video.load();
  hasVideo = false;
  doc.editable = false;
  byId("gone-said").textContent = `The folder of ${doc.name} was removed.`;
  link("gone-next", links.next);
  link("gone-list", links.list);
  byId("gone").hidden = false;
}
function link(id, address) {
  byId(id).hidden = !address;
  if (address) byId(id).href = address;
}
for (const [id, act] of [["trim-start", trimStart], ["trim-end", trimEnd], ["keep-all", () => keep(null)],
  ["discard", () => askDiscard(true)], ["discard-not", () => askDiscard(false)], ["discard-now", discardNow]]) {
  byId(id).addEventListener("click", act);
}
