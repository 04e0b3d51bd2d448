#!/bin/sh
# install_once.sh FILE TO: copies FILE unless there is something already, which may have been changed there.
set -eu
to=${DESTDIR:-}$2
[ -e "$to" ] || install -D -m 0644 "$1" "$to"
