/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/term.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "tui/term_private.h"

#include <term.h>

static struct {
	SCREEN *screen;
	enum symbols symbols;
	enum colour_depth depth;
	bool is_gone;   /* the terminal hung up */
	bool shows_all; /* nothing on the screen can be relied on */
	struct canvas shown;
	struct term_look looks[ROLE_COUNT];
} term;

/* --- opening and closing ---------------------------------------------------------------------- */

static bool refuse(struct err *reterr, const char *why)
{
	const char *name = getenv("TERM");
	char clean[32];

	text_clean(clean, sizeof(clean), name ? name : "", name ? strlen(name) : 0);
	err_setf(reterr, ERR_USAGE, "terminal", "%s (TERM is \"%s\")", why, clean);
	err_remedy(reterr,
	           "`heaptop snapshot PID` and `heaptop snapshot PID --json` need no terminal");
	return false;
}

/* Finds the entry to use; false for terminals that can't place the cursor. */
static bool probe(enum colour_choice choice, enum colour_depth *ret_depth, char *ret_entry,
                  size_t size, struct err *reterr)
{
	const char *name = getenv("TERM");
	int status = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return refuse(reterr, "standard input or output is none");
	if (!name || setupterm(name, STDOUT_FILENO, &status) != OK)
		return refuse(reterr, "nothing is known of this kind");
	if (!cursor_address || !clear_screen)
		return refuse(reterr, "this kind can't place the cursor");
	*ret_depth = term_colour_probe(name, choice, ret_entry, size);
	return true;
}

static enum symbols best_symbols(void)
{
	const char *name = getenv("TERM");

	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		return SYMBOLS_ASCII;
	return name && !strcmp(name, "linux") ? SYMBOLS_HALF : SYMBOLS_BRAILLE;
}

static void set_modes(void)
{
	raw(); /* Ctrl-C, Ctrl-Z and Ctrl-\ are keys; Ctrl-S stops nothing */
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	typeahead(-1);
	curs_set(0);
}

bool term_open(const struct term_options *options, struct err *reterr)
{
	enum colour_depth depth = DEPTH_MONO;
	char entry[64] = "";

	/* Characters only: numbers are printed the same way everywhere. */
	setlocale(LC_CTYPE, "");
	if (!probe(options->colour, &depth, entry, sizeof(entry), reterr))
		return false;
	term.symbols = best_symbols();
	term.depth = depth;
	term_crash_prepare();
	del_curterm(cur_term);
	use_env(FALSE);
	use_tioctl(TRUE);
	set_escdelay(25);
	term.screen = newterm(entry, stdout, stdin);
	if (!term.screen)
		return refuse(reterr, "it can't be opened");
	set_modes();
	term_colour_start(depth);
	term_input_start(options->no_mouse);
	if (!term_signals_start(reterr)) {
		endwin();
		delscreen(term.screen);
		term.screen = NULL;
		return false;
	}
	term_stderr_hide();
	term.is_gone = false;
	term.shows_all = true;
	return true;
}

void term_close(void)
{
	if (!term.screen)
		return;
	endwin();
	term_stderr_show();
	term_signals_stop();
	delscreen(term.screen);
	term.screen = NULL;
	canvas_fini(&term.shown);
}

/* --- size and suspension ---------------------------------------------------------------------- */

void term_size(int *ret_width, int *ret_height)
{
	getmaxyx(stdscr, *ret_height, *ret_width);
}

enum symbols term_symbols(void)
{
	return term.symbols;
}

enum colour_depth term_depth(void)
{
	return term.depth;
}

/* The size is asked for, not told: any thread may have had the signal, and several may be one. */
static void take_size(void)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	term.shows_all = true;
}

void term_redraw(void)
{
	clearok(curscr, TRUE);
	term.shows_all = true;
}

void term_suspend(bool whole_group)
{
	endwin();
	term_stderr_show();
	term_signals_suspend(whole_group);
	term_stderr_hide();
	set_modes();
	take_size();
	term_redraw();
	refresh(); /* takes the terminal back; the next term_show() fills it */
}

/* --- events ----------------------------------------------------------------------------------- */

bool term_wait(int fd, int timeout_ms)
{
	struct pollfd wait[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = term_signal_fd(), .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};

	if (poll(wait, sizeof(wait) / sizeof(wait[0]), timeout_ms) <= 0)
		return false;
	/* the window was closed, the line was cut: nobody will ever type again */
	if (wait[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		term.is_gone = true;
	return wait[2].revents != 0;
}

static struct event signal_event(int signal)
{
	switch (signal) {
	case SIGWINCH:
		take_size();
		return (struct event){ .kind = EVENT_RESIZE };
	case SIGCONT: /* stopped by SIGSTOP: someone else may have had the screen */
		set_modes();
		take_size();
		term_redraw();
		return (struct event){ .kind = EVENT_RESIZE };
	case SIGTSTP:
		return (struct event){ .kind = EVENT_SUSPEND };
	default:
		return (struct event){ .kind = EVENT_LEAVE, .signal = signal };
	}
}

struct event term_event(void)
{
	int signal = term_signal_next();

	if (signal)
		return signal_event(signal);
	if (term.is_gone)
		return (struct event){ .kind = EVENT_LEAVE, .signal = SIGHUP };
	return term_input_next();
}

/* --- showing ---------------------------------------------------------------------------------- */

void term_use_theme(const struct theme *theme)
{
	term_colour_looks(theme, term.looks);
	term.shows_all = true;
}

/*
 * A cell as curses wants it. What this locale can't show, or would show in another width than the
 * canvas reckoned with, becomes question marks: a row must never shift.
 */
static void to_curses(const struct cell *cell, cchar_t *ret)
{
	const struct term_look *look =
	        &term.looks[cell->role < ROLE_COUNT ? cell->role : ROLE_TEXT];
	wchar_t wide[CCHARW_MAX + 1] = { L'?' };
	int pair = look->pair;

	if ((unsigned char)cell->utf8[0] < 0x80 && !cell->utf8[1]) {
		wide[0] = (wchar_t)cell->utf8[0];
	} else {
		size_t len = mbstowcs(wide, cell->utf8, CCHARW_MAX);

		if (len == (size_t)-1 || len >= CCHARW_MAX || wcswidth(wide, len) != cell->width) {
			wide[0] = L'?';
			len = 1;
		}
		wide[len] = L'\0';
	}
	setcchar(ret, wide, look->attrs, 0, &pair);
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
	return a->role == b->role && a->width == b->width && !strcmp(a->utf8, b->utf8);
}

static void show_cell(const struct cell *cell, int x, int y)
{
	cchar_t out;
	bool is_narrowed;

	to_curses(cell, &out);
	is_narrowed = cell->width == 2 && out.chars[0] == L'?';
	mvadd_wchnstr(y, x, &out, 1);
	if (is_narrowed)
		mvadd_wchnstr(y, x + 1, &out, 1);
}

static void show_row(const struct cell *new, const struct cell *old, int width, int y)
{
	for (int x = 0; x < width; x++) {
		if (new[x].width == 0 || (!term.shows_all && same_cell(&new[x], &old[x])))
			continue;
		show_cell(&new[x], x, y);
	}
}

/* Makes the memory of what is shown as large as the canvas; false when there is no memory. */
static bool remember_size(const struct canvas *canvas)
{
	if (term.shown.cells && term.shown.width == canvas->width &&
	    term.shown.height == canvas->height)
		return true;
	canvas_fini(&term.shown);
	term.shows_all = true;
	return canvas_init(&term.shown, canvas->width, canvas->height);
}

void term_show(const struct canvas *canvas, int cursor_x, int cursor_y)
{
	int width, height;
	bool remembers = remember_size(canvas);

	term_size(&width, &height);
	if (term.shows_all)
		werase(stdscr);
	if (width > canvas->width)
		width = canvas->width;
	for (int y = 0; y < height && y < canvas->height; y++) {
		size_t at = (size_t)y * (size_t)canvas->width;

		show_row(canvas->cells + at, remembers ? term.shown.cells + at : canvas->cells + at,
		         width, y);
	}
	if (remembers)
		memcpy(term.shown.cells, canvas->cells,
		       (size_t)canvas->width * (size_t)canvas->height * sizeof(*canvas->cells));
	term.shows_all = !remembers;
	if (cursor_x >= 0 && cursor_y >= 0)
		move(cursor_y, cursor_x);
	curs_set(cursor_x >= 0 && cursor_y >= 0);
	refresh();
}
