#!/bin/sh
# Unpacks Debian's node-llhttp package into DIR (usr/share/llhttp, usr/share/include/llhttp) without
# installing it. Quick when that was done before. usage: unpack-llhttp.sh DIR
set -eu
dir=$1
[ -f "$dir/usr/share/llhttp/llhttp.c" ] && exit 0
mkdir -p "$dir"
cd "$dir"
echo "fetching the package node-llhttp (sources of the HTTP parser)" >&2
apt-get download -q node-llhttp >&2
dpkg-deb -x node-llhttp_*.deb .
rm -f node-llhttp_*.deb
