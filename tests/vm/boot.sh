#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Boots one kernel in an emulator with our own static program as /init, and prints the JSON lines that
# it writes to its second serial line.
#
#	boot.sh KERNEL_DIR CPUS JOB…	JOB: limits, steps[:SEED], oom
#
# KERNEL_DIR is what fetch-kernels.sh made. VM_LOG=FILE keeps what the kernel printed; VM_SECONDS is
# the longest it may take (default 300). The machine has 256 MiB, is emulated in software and has no
# way out: nothing of the host is changed. (The CPU is named: with "max" interrupts get lost.)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
kernel=${1:?usage: boot.sh KERNEL_DIR CPUS JOB...}
cpus=${2:?usage: boot.sh KERNEL_DIR CPUS JOB...}
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The program thrice: a process's mappings begin elsewhere in each.
mkdir -p "$work/root/modules" "$work/root/lib64" "$work/root/lib/x86_64-linux-gnu"
build() { ${CC:-cc} -std=gnu17 -D_GNU_SOURCE -O1 -Wall -Wextra "$@" "$here"/guest*.c; }
build -static -o "$work/root/init"
build -static-pie -fPIE -o "$work/root/init-pie"
build -pie -fPIE -o "$work/root/init-dynamic"
cp "$(${CC:-cc} -print-file-name=libc.so.6)" "$work/root/lib/x86_64-linux-gnu/"
cp /lib64/ld-linux-x86-64.so.2 "$work/root/lib64/"
number=0
for module in virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk; do
	file=$(find "$kernel/modules/" -name "$module.ko*" 2>/dev/null | head -n 1)
	[ -n "$file" ] || continue
	to=$(printf '%s/root/modules/%02d.ko' "$work" $number)
	case $file in
	*.xz) xz -dc "$file" >"$to" ;;
	*.zst) zstd -dcq "$file" >"$to" ;;
	*) cp "$file" "$to" ;;
	esac
	number=$((number + 1))
done
(cd "$work/root" && find . | cpio --quiet -o -H newc) >"$work/initramfs"
truncate -s 128M "$work/disk"

timeout "${VM_SECONDS:-300}" qemu-system-x86_64 -accel tcg -cpu Nehalem -m 256 -smp "$cpus" \
	-display none -monitor none -no-reboot -net none \
	-kernel "$kernel/vmlinuz" -initrd "$work/initramfs" \
	-append "console=ttyS0 panic=-1 loglevel=7 printk.devkmsg=on -- $*" \
	-drive "file=$work/disk,format=raw,if=virtio" \
	-serial "file:${VM_LOG:-/dev/null}" -serial "file:$work/results" </dev/null >&2 ||
	echo "boot.sh: the machine did not end by itself" >&2
cat "$work/results"
