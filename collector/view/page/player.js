// Where we are: the frame and the time. A paused page shows frame `now.frame` exactly; playing follows the video's clock.
const video = byId("video");
const now = { frame: 0, t: BEGIN, playing: false, speed: 1 };
const watchers = [];
let hasVideo = false, lastTick = 0;

const announce = () => watchers.forEach((watch) => watch());
const mediaSeconds = (t) => (t - BEGIN) / 1e9;

function loadVideo() {
  if (doc.source === "inline") {
    const text = byId("inline-video").textContent, parts = [];
    for (let at = 0; at < text.length; at += 1 << 20) {   // 2^20 is a multiple of 4: base64 may be cut there
      parts.push(Uint8Array.from(atob(text.slice(at, at + (1 << 20))), (c) => c.charCodeAt(0)));
    }
    byId("inline-video").remove();
    video.src = URL.createObjectURL(new Blob(parts, { type: "video/mp4" }));
  } else if (doc.source) video.src = doc.source;
  hasVideo = Boolean(doc.source);
}

// The middle of the time in which the frame's picture is shown: no rounding reaches its neighbours there.
function seekToPicture(frame) {
  const picture = doc.pictures[frame];
  if (hasVideo) video.currentTime = (doc.pts[picture] + doc.pts[picture + 1]) / 2 / 90000;
}
function showFrame(frame) {
  pause();
  if (!frames) return;
  now.frame = Math.min(frames - 1, Math.max(0, frame));
  now.t = F.t1[now.frame];
  seekToPicture(now.frame);
  announce();
}
function seekTime(t) {
  const playing = now.playing;
  if (frames) showFrame(frameAt(t));
  else { now.t = Math.min(END, Math.max(0, t)); announce(); }
  if (playing) play();
}
function play() {
  if (now.playing) return;
  const last = frames ? F.t1[frames - 1] : END;
  if (now.t >= last) { now.t = BEGIN; now.frame = 0; }
  now.playing = true;
  lastTick = performance.now();
  if (hasVideo) {
    video.currentTime = mediaSeconds(now.t) + 0.0005;
    video.playbackRate = now.speed;
    video.play().catch(() => {});
  }
  requestAnimationFrame(tick);
  announce();
}
function pause() {
  if (!now.playing) return;
  now.playing = false;
  if (hasVideo) { video.pause(); seekToPicture(now.frame); }
  announce();
}
function tick(time) {
  if (!now.playing) return;
  const passed = ((time - lastTick) / 1000) * now.speed;
  lastTick = time;
  const last = frames ? F.t1[frames - 1] : END;
  let t = hasVideo ? BEGIN + video.currentTime * 1e9 : now.t + Math.max(0, passed) * 1e9;
  const span = spanAt("pause", t);
  if (span && span.end < last && span.end - t > 2e8) {     // nothing happens in a pause: go on behind it
    t = span.end;
    if (hasVideo) video.currentTime = mediaSeconds(t);
  }
  now.t = Math.min(t, last);
  now.frame = frames ? frameAt(now.t) : 0;
  if (t >= last || (hasVideo && video.ended)) {
    if (frames) { now.frame = frames - 1; now.t = last; }
    pause();
    return;
  }
  announce();
  requestAnimationFrame(tick);
}
function setSpeed(speed) {
  now.speed = speed;
  if (hasVideo) video.playbackRate = speed;
}
