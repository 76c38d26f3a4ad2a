#!/bin/sh
# `sweep …` or `sweep-worker …`, without building anew: the container's node hears its signals itself.
case "$1" in
  sweep) program=main.ts ;;
  sweep-worker) program=worker.ts ;;
  *) echo "expected sweep or sweep-worker, got $1" >&2; exit 2 ;;
esac
shift
exec node --import tsx "benchmarks/sweep/$program" "$@"
