#!/bin/sh
# `sweep …`, `sweep-worker …` or `workers …`, without building anew: the container's node hears its signals itself.
case "$1" in
  sweep) program=benchmarks/sweep/main.ts ;;
  sweep-worker) program=benchmarks/sweep/worker.ts ;;
  workers) program=examples/many-workers/src/main.ts ;;
  *) echo "expected sweep, sweep-worker or workers, got $1" >&2; exit 2 ;;
esac
shift
exec node --import tsx "$program" "$@"
