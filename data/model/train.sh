#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Train, watch and bring back the default model.  From anywhere:
#   train.sh smoke [OUT]                     90 seconds: does it compile, how fast is it, does the loss fall
#   train.sh full --minutes N [--gpus N] [--detach] [--out OUT] [train.py's options]
#   train.sh status [OUT]                    the newest log line, readable
#   train.sh watch SECONDS [OUT]             print log lines as they come, until the run ends or the time is over
#   train.sh stop [OUT]                      stop a detached run; the last checkpoint stays
#   train.sh weights DIR [OUT]               the newest bf16 weights in parts of 15 MB (train.py --init goes on from them)
#   train.sh collect DIR [OUT]               evaluate and export the newest checkpoint into DIR
# Long rows come from the generators of lw eval: build/app/eval/liblw-generators.so, or LW_GENERATORS (app/eval/export.h says
# how to build it alone).  train.py --init data/model/longwave-mini.gguf begins from the shipped weights.
# OUT is longwave-mini in the folder for temporary files unless said otherwise.  A stopped run goes on when started again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
py=${PYTHON:-python3}
export OMP_NUM_THREADS=1 RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false PYTHONUNBUFFERED=1
export PYTORCH_CUDA_ALLOC_CONF=${PYTORCH_CUDA_ALLOC_CONF:-expandable_segments:True}
default=${TMPDIR:-/tmp}/longwave-mini
mode=${1:-help}
[ $# -gt 0 ] && shift
case $mode in
smoke)
    out=${1:-$default-smoke}
    rm -rf "$out"
    mkdir -p "$out"
    "$py" "$here/train.py" --out "$out" --minutes 1.5 --log-every 15 --save-every 1000
    ;;
full)
    out=$default minutes=20 detach=0 gpus=1
    rest=
    while [ $# -gt 0 ]; do
        case $1 in
        --out) out=$2; shift 2 ;;
        --minutes) minutes=$2; shift 2 ;;
        --gpus) gpus=$2; shift 2 ;;
        --detach) detach=1; shift ;;
        *) rest="$rest $1"; shift ;;
        esac
    done
    mkdir -p "$out"
    if [ "$gpus" -gt 1 ]; then
        py="$py -m torch.distributed.run --standalone --nproc-per-node $gpus"
    fi
    if [ "$detach" = 1 ]; then
        # shellcheck disable=SC2086
        setsid nohup $py "$here/train.py" --out "$out" --minutes "$minutes" $rest >>"$out/train.out" 2>&1 </dev/null &
        echo $! >"$out/pid"
        echo "training in the background, process $!, log $out/train.out"
    else
        # shellcheck disable=SC2086
        $py "$here/train.py" --out "$out" --minutes "$minutes" $rest
    fi
    ;;
status)
    out=${1:-$default}
    if [ -f "$out/pid" ] && kill -0 "$(cat "$out/pid")" 2>/dev/null; then echo running; else echo "not running"; fi
    "$py" - "$out/log.jsonl" <<'PY'
import json, sys
try:
    lines = [json.loads(x) for x in open(sys.argv[1])]
except OSError:
    sys.exit("no log yet")
logs = [x for x in lines if x["event"] == "log"]
for x in logs[-12:]:
    print("step %(step)6d  %(minutes)6.2f min  rate %(rate).2f  %(tokens_per_s)d tokens/s  %(pictures_per_s)d pictures/s  "
          "waiting %(waiting).2f" % x, x["loss"])
if logs:
    print("  ".join("%s %.3f" % (k, v[0]) for k, v in logs[-1]["accuracy"].items()))
PY
    [ -f "$out/train.out" ] && grep -v '^{' "$out/train.out" | tail -n 15 || true
    ;;
watch)
    seconds=${1:?seconds} out=${2:-$default}
    end=$(($(date +%s) + seconds))
    shown=$(wc -l <"$out/log.jsonl" 2>/dev/null || echo 0)
    while [ "$(date +%s)" -lt "$end" ] && kill -0 "$(cat "$out/pid")" 2>/dev/null; do
        sleep 5
        now=$(wc -l <"$out/log.jsonl" 2>/dev/null || echo 0)
        if [ "$now" -gt "$shown" ]; then tail -n +$((shown + 1)) "$out/log.jsonl"; shown=$now; fi
    done
    "$0" status "$out"
    ;;
stop)
    out=${1:-$default}
    kill "$(cat "$out/pid")"
    ;;
weights)
    to=${1:?where to}
    out=${2:-$default}
    mkdir -p "$to"
    split -b 15m "$out/weights.pt" "$to/weights.pt.part"
    ls -l "$to"
    ;;
collect)
    to=${1:?where to}
    out=${2:-$default}
    mkdir -p "$to"
    ckpt=$out/state.pt
    [ -f "$ckpt" ] || ckpt=$out/weights.pt
    "$py" "$here/export.py" "$ckpt" "$to" --split 15
    cp "$out/log.jsonl" "$to/"
    "$py" "$here/eval_draw.py" "$ckpt" --out "$to/eval.json" || echo "evaluation failed" >&2
    ls -l "$to"
    ;;
*)
    sed -n '3,14s/^# \{0,1\}//p' "$0"
    ;;
esac
