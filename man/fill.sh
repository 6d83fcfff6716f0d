#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Puts the program's own tables into the files named as arguments, between the lines that say
# "table: NAME" and "end of table": man/fill.sh HEAPTOP FILE…
set -eu
heaptop=$1
shift
for file in "$@"; do
	awk -v heaptop="$heaptop" '
		/end of table/ { skips = 0 }
		!skips { print }
		/table: [a-z.]+/ {
			name = $0
			sub(/.*table: /, "", name)
			sub(/ .*/, "", name)
			command = heaptop " print-table " name
			while ((command | getline line) > 0)
				print line
			if (close(command) != 0)
				exit 1
			skips = 1
		}' "$file" >"$file.filled"
	cat "$file.filled" >"$file"
	rm "$file.filled"
done
