#!/usr/bin/env bash
# The main job, end to end, into ./demo/. Every step is skipped when its result is there already. Where an episode
# aborts it stops before packing and prints the first reason last: the demo's data would be incomplete.
set -euo pipefail
cd "$(dirname "$0")/.."

demo=demo
goaltrace=.venv/bin/goaltrace
say() { printf '\n\033[1m==> %s\033[0m\n' "$*"; }
run() { echo "\$ goaltrace $*"; "$goaltrace" "$@"; }
mkdir -p $demo
episodes=$demo/episodes.log
: > $episodes
SECONDS=0

record() {  # 1: some episodes aborted; they are in the log, and the other recordings go on
  local status=0
  echo "\$ goaltrace record $* --out $demo/sessions"
  PYTHONUNBUFFERED=1 "$goaltrace" record "$@" --out $demo/sessions | tee -a $episodes || status=$?
  [ $status -le 1 ] || exit $status
}

lines() { grep -E "^$1" $episodes || true; }
count() { lines "$1" | wc -l; }
# outcome, seconds, episode, (reason) -> episode: reason
first() { lines "$1" | head -n 1 | sed -E 's/^[a-z]+ +([0-9.]+ s)? *([^ ]+)  \((.*)\)$/\2: \3/'; }

desktop_tasks=(desktop-editor-note desktop-calculator-product desktop-files-rename desktop-files-folder
               desktop-web-order desktop-web-price desktop-viewer-open desktop-terminal-count)
terminal_tasks=(terminal-find-largest-file terminal-busiest-client terminal-git-branch terminal-sqlite-total
                terminal-archive-folder)

if docker info >/dev/null 2>&1; then
  env=docker
  .ci/images.sh demo
  images_s=$SECONDS
  say "recording desktops: 8 goal-directed episodes and 3 random ones, two containers at a time"
  record "${desktop_tasks[@]}" --workers 2
  record "${desktop_tasks[@]:0:3}" --agent random-fast --workers 2
else
  env=local
  images_s=$SECONDS
  say "no Docker here: recording terminals only, on this machine (--env local)"
fi
say "recording terminals: 5 goal-directed episodes and 2 random ones ($env)"
record "${terminal_tasks[@]}" --env $env --workers 2
record "${terminal_tasks[@]:0:2}" --agent random-fast --env $env --workers 2

all=$(count '[a-z]+ .*-[0-9]{4}  \(')
if [ "$(count aborted)" != 0 ]; then
  say "$(count aborted) of $all episodes aborted, so nothing was packed and nothing trained. The first reason:"
  echo "    $(first aborted)"
  echo "    All of them: $episodes. Does the image work? $goaltrace images check"
  echo "    'make demo' again keeps what is complete and records the others anew."
  exit 1
fi

say "packing sessions into Parquet clips"
[ -e $demo/dataset ] || run pack $demo/sessions --out $demo/dataset
say "scoring each clip"
run score $demo/dataset
say "selecting the clips that were done on purpose"
[ -e $demo/curated ] || run select $demo/dataset \
  --where "arm = 'scripted' AND outcome = 'success'" --out $demo/curated
run report $demo/dataset --out $demo/report.html

say "training the tiny model on the clips of both arms"
if [ ! -e $demo/.trained ]; then
  if [ -e $demo/run/config.json ]; then again=(--resume); else again=(); fi
  # Both arms: the random one shows the pointer everywhere, which is what a few minutes can teach.
  run train $demo/dataset --preset tiny --out $demo/run "${again[@]}"
  touch $demo/.trained
fi
[ -e $demo/run/evaluation.json ] || run evaluate $demo/run
[ -e $demo/rollout.gif ] || run rollout $demo/run --out $demo/rollout.mp4

missed=$(count 'failure .*-scripted-')
say "done in $((SECONDS / 60)) min $((SECONDS % 60)) s, of which images $images_s s. Look at:"
printf '    %-22s %s\n' $demo/report.html "the data set: arms, outcomes, scores, frames with their actions" \
  $demo/rollout.gif "the model's frames beside the true ones" \
  $demo/run/evaluation.html "does the model obey its actions: figures with intervals, strips, curves" \
  $demo/sessions/ "the recordings: screen.mkv, actions.jsonl, terminal.cast" \
  $demo/dataset/ "datasets.load_dataset('parquet', data_files='$demo/dataset/events/*.parquet')" \
  $demo/curated/ "what was selected"
echo "    and try the model yourself: .venv/bin/goaltrace play $demo/run"
if [ "$missed" != 0 ]; then
  echo "    $missed scripted episodes did not reach their goal; they are in the data set as failures. The first:"
  echo "    $(first 'failure .*-scripted-')"
fi
