#!/bin/sh
# A program that links libgreen shares one space of names with it: all of libgreen's begin with green_. (llhttp's are
# llhttp's own.) Usage: symbols.sh LIBRARY
others=$(nm -g --defined-only "$1" 2>/dev/null | awk '$2 ~ /^[TDBRCVW]$/ { print $3 }' | grep -v -e '^green_' -e '^llhttp_' | sort -u)
[ -n "$(nm -g --defined-only "$1" 2>/dev/null | grep -w green_spawn)" ] || { echo "no green_spawn in $1"; exit 1; }
[ -z "$others" ] || { echo "names without green_: $others"; exit 1; }
