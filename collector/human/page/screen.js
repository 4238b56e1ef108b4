// The desktop in the page: noVNC on a web socket that leads into the container. It connects again when it is cut off.

const RETRY_MS = 1000;
const frame = document.getElementById("frame");
const stage = document.getElementById("stage");
const target = document.getElementById("screen");

let wanted = null;  // {width, height, password}: the desktop to show; without a password there is none yet
let rfb = null;
let acts = false;  // whether mouse and keys go to the desktop
let unrecorded = false;  // before Start: what is sent to the desktop leaves no trace in a session
let onLink = () => {};

export function showScreen(screen, mayAct, beforeStart, link) {
  acts = mayAct;
  unrecorded = beforeStart;
  onLink = link;
  if (JSON.stringify(screen) !== JSON.stringify(wanted)) {
    wanted = screen;
    hangUp();
    fit();
    if (wanted?.password) connect();
  }
  if (rfb) rfb.viewOnly = !acts;
}

export function focusScreen() { rfb?.focus(); }

// One pixel of the desktop is one of the page where there is room; else the whole of it is made smaller.
function fit() {
  if (!wanted) return;
  const border = 4;
  const room = stage.getBoundingClientRect();
  const scale = Math.min(1, (room.width - border) / wanted.width, (room.height - border) / wanted.height);
  frame.style.width = `${Math.floor(wanted.width * scale)}px`;
  frame.style.height = `${Math.floor(wanted.height * scale)}px`;
  if (rfb) rfb.scaleViewport = scale < 1;
}
addEventListener("resize", fit);  // before noVNC's own listener, which measures what this one sets

// TigerVNC sets its keyboard up at the first key it gets, and loses that key if its layout lacks it ("ö").
function warmUp(link) {
  const SHIFT = 0xffe1;
  link.viewOnly = false;
  link.sendKey(SHIFT, "ShiftLeft");
  link.viewOnly = true;
}

function hangUp() {
  const old = rfb;
  rfb = null;
  old?.disconnect();
  target.replaceChildren();
}

async function connect() {
  const screen = wanted;
  onLink("Connecting to the desktop…");
  let RFB;
  try {
    RFB = (await import("./novnc/core/rfb.js")).default;
  } catch (error) {
    onLink(`The desktop cannot be shown: ${error.message}`);
    return;
  }
  if (screen !== wanted) return;
  const address = new URL("screen", location.href);
  address.protocol = "ws:";
  const link = new RFB(target, address.href, { shared: true, credentials: { password: screen.password } });
  rfb = link;
  link.viewOnly = !acts;
  link.qualityLevel = 9;
  link.compressionLevel = 1;  // the way is short
  link.resizeSession = false;
  link.background = "transparent";
  fit();
  // The clipboard stays where it is: noVNC sends nothing unasked, what the desktop offers is not listened to here,
  // and the server inside the container takes and gives none.
  link.addEventListener("connect", () => {
    const canvas = target.querySelector("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("aria-label", "The desktop; keys go there while it has the focus");
    // noVNC lets go of held keys when the window loses the focus, and must when the desktop alone loses it
    canvas.addEventListener("blur", () => dispatchEvent(new Event("blur")));
    onLink("");
    if (unrecorded) warmUp(link);
    if (acts) link.focus();
  });
  link.addEventListener("disconnect", () => {
    if (rfb !== link) return;
    rfb = null;
    target.replaceChildren();
    onLink("The connection to the desktop was lost. Connecting again…");
    setTimeout(() => { if (screen === wanted && !rfb) connect(); }, RETRY_MS);
  });
}
