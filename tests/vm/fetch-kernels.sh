#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fetches Debian's cloud kernels of several releases and unpacks them side by side, to be booted in
# an emulator. Installs nothing: apt works in a state directory of its own, checks the archive's
# signature and every package's checksum, and dpkg-deb only unpacks.
#
#	fetch-kernels.sh DEST [VERSION…]	VERSION: 5.10 6.1 6.12 newest (default: all)
#
# Afterwards DEST/VERSION/vmlinuz is the kernel, DEST/VERSION/modules its modules' directory and
# DEST/VERSION/release what `uname -r` says in it. What is already there is kept. A kernel that the
# archive does not have is left out with the reason. Ends with 1 if none could be had.
set -u

usage() { echo "usage: $0 DEST [5.10|6.1|6.12|newest…]" >&2; exit 2; }
[ $# -ge 1 ] || usage
for tool in apt-get dpkg-deb; do
	command -v $tool >/dev/null || { echo "$0: $tool is needed (Debian or Ubuntu)" >&2; exit 1; }
done

mkdir -p "$1" || exit 1
dest=$(cd "$1" && pwd) || exit 1
shift
[ $# -gt 0 ] || set -- 5.10 6.1 6.12 newest
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
	5.10) suite=bullseye ;;
	6.1) suite=bookworm ;;
	6.12) suite=trixie ;;
	newest) suite=${NEWEST_SUITE:-sid} ;;
	*) return 1 ;;
	esac
	echo "deb $options $site $suite main"
	[ "$1" = newest ] || echo "deb $options $security $suite-security main"
}

# apt with everything it keeps under $work; the machine's own lists stay as they are.
private() {
	tool=$1
	shift
	"$tool" -q -o Dir::State="$work/state" -o Dir::State::status="$work/status" \
		-o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist="$work/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
		-o Dir::Etc::preferencesparts=/dev/null \
		-o APT::Architecture=$arch -o APT::Architectures=$arch -o Acquire::Languages=none \
		-o APT::Sandbox::User= -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

# The package that the suite's own linux-image-cloud-amd64 asks for now.
kernel_package() {
	private apt-cache depends linux-image-cloud-amd64 |
		sed -n 's/^ *Depends: *\(linux-image-[0-9].*-cloud-amd64\)$/\1/p' | head -n 1
}

fetch() {
	version=$1
	work=$dest/.work-$version
	mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs" || return 1
	: >"$work/status"
	sources_for "$version" >"$work/sources.list" || { echo "not a known version"; return 1; }
	private apt-get update >"$work/log" 2>&1 || { tail -n 3 "$work/log"; return 1; }
	package=$(kernel_package)
	[ -n "$package" ] || { echo "$suite has no linux-image-cloud-amd64"; return 1; }
	# Since 6.17 the modules are a package of their own, and the kernel may be one, too.
	wanted=$package
	for part in "linux-modules-${package#linux-image-}" "linux-binary-${package#linux-image-}"; do
		[ -z "$(private apt-cache show "$part" 2>/dev/null)" ] || wanted="$wanted $part"
	done
	# shellcheck disable=SC2086 # a list
	(cd "$work/debs" && private apt-get download $wanted) >>"$work/log" 2>&1 ||
		{ tail -n 3 "$work/log"; return 1; }
	unpack "$version"
}

unpack() {
	tree=$work/tree
	rm -rf "$tree" && mkdir -p "$tree/root" || return 1
	for deb in "$work"/debs/*.deb; do
		dpkg-deb -x "$deb" "$tree/root" || return 1
	done
	# /boot/vmlinuz-RELEASE, or with the modules since 6.17: …/RELEASE/vmlinuz.
	kernel=$(find "$tree/root" -name 'vmlinuz*' | head -n 1)
	case $kernel in
	*/vmlinuz-*) release=${kernel##*/vmlinuz-} ;;
	*/vmlinuz) release=${kernel%/vmlinuz} release=${release##*/} ;;
	*) echo "no vmlinuz in $wanted"; return 1 ;;
	esac
	case $1-$release in
	newest-* | "$1-$1".*) ;;
	*) echo "the archive has $release instead"; return 1 ;;
	esac
	echo "$release" >"$tree/release"
	mv "$kernel" "$tree/vmlinuz" || return 1
	modules=$(find "$tree/root" -path "*/lib/modules/$release" -type d | head -n 1)
	[ -z "$modules" ] || mv "$modules" "$tree/modules" || return 1
	rm -rf "$tree/root" "${dest:?}/$1" && mv "$tree" "$dest/$1" && rm -rf "$work"
}

had=0
for version; do
	if [ -e "$dest/$version/release" ]; then
		echo "$version: $(cat "$dest/$version/release"), already there"
	elif why=$(fetch "$version" 2>&1); then
		echo "$version: $(cat "$dest/$version/release")"
	else
		echo "$version: skipped: $why"
		continue
	fi
	had=1
done
[ "$had" = 1 ]
