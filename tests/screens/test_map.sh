#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The heap map: from a whole heap to single chunks, their list, their bytes, along a pointer and back.
. "$(dirname "$0")/lib.sh"

open_shell 120 36
run_line "$app_demo"
wait_for 'LIVE'

shows() { # KEY TEXT
	keys "$1" && wait_for "$2"
}

opens() {
	shows 3 '▌3 Heap map▐' && wait_for '132.0 MiB' && wait_for '1 cell = 64 KiB' &&
		wait_for 'chunks     77 begin here'
}

layers() {
	shows r '▶[r]esident' && wait_for 's swapped out' && shows b '▶[b]in' && wait_for 'f fastbin' &&
		shows p '▶[p]age' && wait_for 'malloc_trim(0)' && shows u '▶[u]se'
}

moves() {
	shows Right '55d0c1a4e000-55d0c1a5e000' && shows Down '55d0c20be000-' && shows h '55d0c20ae000-' &&
		shows G 'top 65,536 B' && shows g '55d0c1a3e000-55d0c1a4e000'
}

zooms() {
	shows z '1 cell = 16 KiB' && shows z '1 cell = 4 KiB' && shows z '1 cell = 16 B' && wait_for '▐' &&
		wait_for '880 B, in use' && shows z 'the smallest cell' && shows Z '1 cell = 4 KiB' &&
		shows Z '1 cell = 16 KiB' && shows Z '1 cell = 64 KiB' && shows Z 'the whole heap'
}

sizes() {
	shows Tab 'size classes of the heap' && shows Tab 'cell under the cursor'
}

other_heaps() {
	shows '>' 'arena #1' && shows '<' 'arena main' && shows '<' 'mmapped chunk 11 of 11' &&
		shows '>' 'arena main'
}

lists_chunks() {
	shows Enter 'chunks · arena main' && wait_for '▶ 55d0c1a3e000' && wait_for 'in use 1,376 B' &&
		shows Down '▶ 55d0c1a3e370' && shows G 'top' && shows g '▶ 55d0c1a3e000'
}

shows_bytes() {
	shows Enter 'chunk 55d0c1a3e000 · 880 B · in use' && wait_for 'size 880 B | PREV_INUSE' &&
		wait_for 'ledger' && shows Down 'byte 8 of the chunk, in its header'
}

explains_a_word() {
	shows Enter 'leads into no chunk' && keys Escape && wait_gone 'leads into no chunk'
}

follows_a_pointer() {
	keys Down Down Down Down Down && wait_for 'byte 48 of the chunk' && shows Enter 'followed 1' &&
		wait_gone '880 B · in use' && shows Escape '880 B · in use' && wait_for 'byte 48 of the chunk'
}

goes_back() {
	shows Escape 'chunks · arena main' && shows Escape '1 cell = 64 KiB' && shows Escape '▌1 Overview▐'
}

from_an_arena() {
	shows 2 '▌2 Arenas▐' && keys Down Down && wait_for '▶ #2' && shows h '▌3 Heap map▐' &&
		wait_for 'arena #2 · 7f2a2c000000' && shows Escape '▌2 Arenas▐'
}

# as the terminal reports it: column and row from 1
# Whatever depth the map was left at, coming from elsewhere shows cells.
comes_back_to_cells() {
	shows 3 '▌3 Heap map▐' && shows Enter 'chunks · arena #2' && shows Enter 'word under the cursor' &&
		shows 2 '▌2 Arenas▐' && shows h 'cell under the cursor' && has 'arena #2'
}

clicks_a_cell() {
	shows 3 '▌3 Heap map▐' && keys '<' '<' && wait_for 'arena main' && keys g &&
		tm send-keys -t t -H 1b 5b 4d 20 34 25 1b 5b 4d 23 34 25 && wait_for '55d0c20ee000-55d0c20fe000'
}

finds_an_address() {
	keys / && tm send-keys -t t -l '7f2a34100000' && keys Enter && wait_for 'arena #1' &&
		wait_for '7f2a34100000-' && keys / C-u && tm send-keys -t t -l 'chunk' && keys Enter &&
		wait_for 'an address is searched for' && keys / C-u && tm send-keys -t t -l '1234' &&
		keys Enter && wait_for 'no heap of malloc'
}

from_a_mapping() {
	shows 4 '▌4 VMAs▐' && keys / && tm send-keys -t t -l 'stack' && keys Enter && shows h "no heap of malloc" &&
		keys / C-u && tm send-keys -t t -l '[heap]' && keys Enter && shows h '▌3 Heap map▐' && wait_for 'arena main'
}

check "3 shows the first heap" opens
check "u r b p change the layer" layers
check "arrows, letters and G move the cursor" moves
check "z and Z zoom from the whole heap to chunks" zooms
check "Tab shows the size classes" sizes
check "< and > show other heaps and mmapped chunks" other_heaps
check "Enter lists chunks" lists_chunks
check "Enter on a chunk shows its bytes" shows_bytes
check "Enter on a word without a chunk says so" explains_a_word
check "Enter follows a pointer and Escape comes back" follows_a_pointer
check "Escape goes back step by step" goes_back
check "h in the arenas shows that arena's heap" from_an_arena
check "h shows cells whatever was shown before" comes_back_to_cells
check "a click moves the cursor" clicks_a_cell
check "/ finds an address" finds_an_address
check "h in the mappings shows the heap in one" from_a_mapping
finish
