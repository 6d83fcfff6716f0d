#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fetches Debian's glibc packages of several releases and unpacks them side by side, to run test
# programs under each. Installs nothing: apt works in a state directory of its own, checks the
# archive's signature and every package's checksum, and dpkg-deb only unpacks.
#
#	fetch-glibc.sh DEST [VERSION…]		VERSION: 2.31 2.36 2.41 2.43 (default: all)
#
# Afterwards DEST/2.NN/root is the unpacked tree; its loader and library directory are the links
# DEST/2.NN/ld.so and DEST/2.NN/lib, so that
#
#	DEST/2.36/ld.so --library-path DEST/2.36/lib PROGRAM
#
# runs a program under that glibc. DEST/2.NN/version holds the package version. What is already
# there is kept. EXTRA_PACKAGES="libc6-dbg libc6-dev" unpacks those of the same release as well.
# Ends with 1 if a version could not be had.
set -u

usage() { echo "usage: $0 DEST [2.31|2.36|2.41|2.43…]" >&2; exit 2; }
[ $# -ge 1 ] || usage
for tool in apt-get dpkg-deb; do
	command -v $tool >/dev/null || { echo "$0: $tool is needed (Debian or Ubuntu)" >&2; exit 1; }
done

mkdir -p "$1" || exit 1
dest=$(cd "$1" && pwd) || exit 1
shift
[ $# -gt 0 ] || set -- 2.31 2.36 2.41 2.43
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
arch=amd64

# The archive this machine's apt uses, if it is a Debian one; otherwise Debian's own name for it.
site=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 '/debian/$')
site=${site:-http://deb.debian.org/debian/}
security=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 '/debian-security/$')
security=${security:-http://deb.debian.org/debian-security/}

sources_for() {
	options="[arch=$arch signed-by=$keyring]"
	case $1 in
	2.31) suites="bullseye"; fixes="bullseye-security" ;;
	2.36) suites="bookworm"; fixes="bookworm-security" ;;
	2.41) suites="trixie"; fixes="trixie-security" ;;
	2.43) suites="${NEWEST_SUITE:-sid}"; fixes="" ;;
	*) return 1 ;;
	esac
	for suite in $suites; do echo "deb $options $site $suite main"; done
	for suite in $fixes; do echo "deb $options $security $suite main"; done
}

# apt with everything it keeps under $work; the machine's own lists stay as they are.
apt_private() {
	apt-get -q -o Dir::State="$work/state" -o Dir::State::status="$work/status" \
		-o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist="$work/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null \
		-o APT::Architecture=$arch -o APT::Architectures=$arch -o Acquire::Languages=none \
		-o APT::Sandbox::User= -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

fetch() {
	version=$1
	work=$dest/.work-$version
	mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs" || return 1
	: >"$work/status"
	sources_for "$version" >"$work/sources.list" || { echo "$version: not a known version"; return 1; }
	apt_private update >"$work/log" 2>&1 || { tail -n 3 "$work/log"; return 1; }
	# shellcheck disable=SC2086 # a list
	(cd "$work/debs" && apt_private download libc6 ${EXTRA_PACKAGES-}) >>"$work/log" 2>&1 ||
		{ tail -n 3 "$work/log"; return 1; }
	unpack "$version"
}

unpack() {
	tree=$work/tree
	rm -rf "$tree" && mkdir -p "$tree/root" || return 1
	for deb in "$work"/debs/*.deb; do
		dpkg-deb -x "$deb" "$tree/root" || return 1
	done
	package=$(dpkg-deb -f "$(ls "$work"/debs/libc6_*.deb)" Version)
	case $package in
	"$1"-*) ;;
	*) echo "$1: the archive has $package instead"; return 1 ;;
	esac
	echo "$package" >"$tree/version"
	library=$(cd "$tree" && find root -name 'libc.so.6' -path '*x86_64-linux-gnu/*' | head -n 1)
	loader=${library%/*}/ld-linux-x86-64.so.2
	[ -e "$tree/$loader" ] || loader=$(cd "$tree" && find root -name 'ld-*.so*' | head -n 1)
	[ -n "$library" ] && [ -n "$loader" ] || { echo "$1: no libc.so.6 in the package"; return 1; }
	ln -s "${library%/*}" "$tree/lib" && ln -s "$loader" "$tree/ld.so" || return 1
	rm -rf "${dest:?}/$1" && mv "$tree" "$dest/$1" && rm -rf "$work"
}

failed=0
for version; do
	if [ -x "$dest/$version/ld.so" ]; then
		echo "$version: $(cat "$dest/$version/version"), already there"
	elif why=$(fetch "$version" 2>&1); then
		echo "$version: $(cat "$dest/$version/version")"
	else
		echo "$version: failed: $why"
		failed=1
	fi
done
exit $failed
