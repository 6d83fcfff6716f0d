/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first row: program, target, C library, kernel; then state, rate, sample and time. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "model/base/text.h"
#include "tui/app_private.h"
#include "tui/view_parts.h"

enum { PIECES = 8, PIECE_ROOM = 96 };

/* One piece of the row; those of the lowest rank go first when there is no room for all. */
struct piece {
	char text[PIECE_ROOM];
	enum role role;
	int rank;
	bool is_right, is_left_out;
};

struct header {
	struct piece pieces[PIECES];
	int count;
};

static struct piece *add(struct header *header, int rank, enum role role, bool is_right)
{
	struct piece *piece = &header->pieces[header->count++];

	piece->text[0] = '\0';
	piece->rank = rank;
	piece->role = role;
	piece->is_right = is_right;
	piece->is_left_out = false;
	return piece;
}

static void add_process(struct header *header, const struct process_facts *process)
{
	struct piece *piece = add(header, 9, ROLE_TEXT_STRONG, false);
	char comm[40];

	text_clean(comm, sizeof(comm), process->comm,
	           strnlen(process->comm, sizeof(process->comm)));
	(void)snprintf(piece->text, PIECE_ROOM, "%s (%d)", comm, process->id.pid);
	piece = add(header, 3, ROLE_TEXT, false);
	(void)snprintf(piece->text, PIECE_ROOM, "%d thr", process->thread_count);
}

static void add_libc(struct header *header, const struct heap_facts *heap)
{
	struct piece *piece = add(header, 6, ROLE_TEXT, false);

	libc_words(heap, piece->text, PIECE_ROOM);
}

static void add_state(struct header *header, const struct app *app)
{
	static const struct {
		const char *word;
		enum role role;
	} words[] = {
		[APP_WAITING] = { "WAITING", ROLE_STATUS_INFO },
		[APP_LIVE] = { "LIVE ●", ROLE_STATUS_OK },
		[APP_PAUSED] = { "PAUSED ‖", ROLE_STATUS_PAUSED },
		[APP_FROZEN] = { "FROZEN ‖", ROLE_STATUS_PAUSED },
		[APP_STALE] = { "STALE !", ROLE_STATUS_WARN },
		[APP_EXITED] = { "EXITED ✕", ROLE_STATUS_EXITED },
	};
	enum app_state state = app_state(app);
	struct piece *piece = add(header, 10, words[state].role, true);
	uint32_t ms = app->interval_ms;

	if (state == APP_EXITED || state == APP_WAITING)
		(void)snprintf(piece->text, PIECE_ROOM, "%s", words[state].word);
	else if (ms > 1000)
		(void)snprintf(piece->text, PIECE_ROOM, "%s %g s", words[state].word, ms / 1000.0);
	else
		(void)snprintf(piece->text, PIECE_ROOM, "%s %g Hz", words[state].word, 1000.0 / ms);
}

/* When the sample was taken, in local time; tenths where samples are that close. */
static void add_time(struct header *header, const struct app *app,
                     const struct sample_facts *sample)
{
	struct piece *piece = add(header, 4, ROLE_TEXT, true);
	time_t seconds = (time_t)(sample->time_ns / 1000000000u);
	struct tm local;
	char clock[16];

	if (!localtime_r(&seconds, &local))
		return;
	(void)strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	if (app->interval_ms < 1000)
		(void)snprintf(piece->text, PIECE_ROOM, "%s.%u", clock,
		               (unsigned)(sample->time_ns % 1000000000u / 100000000u));
	else
		(void)snprintf(piece->text, PIECE_ROOM, "%s", clock);
}

static void fill(struct header *header, const struct app *app)
{
	const struct snapshot *snap = app->shown;
	const struct process_facts *process = snapshot_process(snap);
	const struct heap_facts *heap = snapshot_heap(snap);
	const struct system_facts *system = snapshot_system(snap);
	char number[TEXT_NUMBER];
	struct piece *piece;

	piece = add(header, 5, ROLE_FRAME_TITLE, false);
	(void)snprintf(piece->text, PIECE_ROOM, "heaptop");
	if (process)
		add_process(header, process);
	if (heap)
		add_libc(header, heap);
	if (system && system->kernel_major) {
		piece = add(header, 2, ROLE_TEXT, false);
		(void)snprintf(piece->text, PIECE_ROOM, "Linux %d.%d", system->kernel_major,
		               system->kernel_minor);
	}
	add_state(header, app);
	piece = add(header, 1, ROLE_TEXT, true);
	(void)snprintf(piece->text, PIECE_ROOM, "#%s", text_count(number, snap->sample.seq));
	add_time(header, app, &snap->sample);
}

/* "─ text " each, between the corners, and a line to end with. */
static int columns_of(const struct header *header)
{
	int columns = 3;

	for (int i = 0; i < header->count; i++) {
		if (!header->pieces[i].is_left_out)
			columns += text_columns(header->pieces[i].text) + 3;
	}
	return columns;
}

static struct piece *least(struct header *header)
{
	struct piece *found = NULL;

	for (int i = 0; i < header->count; i++) {
		struct piece *piece = &header->pieces[i];

		if (!piece->is_left_out && (!found || piece->rank < found->rank))
			found = piece;
	}
	return found;
}

static int draw_piece(struct area area, int x, const struct piece *piece)
{
	draw_fill(area, x + 1, 0, 1, ROLE_FRAME, " ");
	x += 2 + draw_text(area, x + 2, 0, piece->role, piece->text);
	draw_fill(area, x, 0, 1, ROLE_FRAME, " ");
	return x + 1;
}

void app_draw_header(struct app *app, struct area screen)
{
	struct header header = { .count = 0 };
	int left = 1, right = screen.width - 2;

	fill(&header, app);
	while (columns_of(&header) > screen.width) {
		struct piece *piece = least(&header);

		/* even the target's name is too long: it is cut, the state stays */
		if (!piece || piece->rank >= 9)
			break;
		piece->is_left_out = true;
	}
	for (int i = 0; i < header.count; i++) {
		const struct piece *piece = &header.pieces[i];

		if (piece->is_right && !piece->is_left_out)
			right -= text_columns(piece->text) + 3;
	}
	for (int i = 0; i < header.count; i++) {
		const struct piece *piece = &header.pieces[i];

		if (piece->is_left_out)
			continue;
		if (piece->is_right)
			right = draw_piece(screen, right, piece);
		else
			left = draw_piece(area_part(screen, 0, 0, right, 1), left, piece);
	}
}
