#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prints a C file that holds the themes named as arguments: themes/embed.sh FILE.theme…
set -eu
echo '/* Made by themes/embed.sh. */'
echo '#include "tui/theme.h"'
i=0
for file in "$@"; do
	echo "static const unsigned char theme_$i[] = {"
	od -An -v -tu1 "$file" | sed 's/[0-9][0-9]*/&,/g'
	echo '};'
	i=$((i + 1))
done
echo 'const struct theme_builtin theme_builtins[] = {'
i=0
for file in "$@"; do
	echo "	{ \"$(basename "$file" .theme)\", theme_$i, sizeof(theme_$i) },"
	i=$((i + 1))
done
echo '};'
echo 'const size_t theme_builtin_count = sizeof(theme_builtins) / sizeof(theme_builtins[0]);'
