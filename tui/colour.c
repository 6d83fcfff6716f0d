/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/colour.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct rgb {
	uint8_t red, green, blue;
};

/* xterm's defaults: the best guess of what the first 16 look like. */
static const struct rgb ansi[16] = {
	{ 0, 0, 0 },       { 205, 0, 0 },   { 0, 205, 0 },   { 205, 205, 0 },
	{ 0, 0, 238 },     { 205, 0, 205 }, { 0, 205, 205 }, { 229, 229, 229 },
	{ 127, 127, 127 }, { 255, 0, 0 },   { 0, 255, 0 },   { 255, 255, 0 },
	{ 92, 92, 255 },   { 255, 0, 255 }, { 0, 255, 255 }, { 255, 255, 255 },
};

static const char *const ansi_names[8] = {
	"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
};

/* The 6 × 6 × 6 cube from 16 on, then 24 greys, as xterm and all that followed have them. */
static struct rgb rgb_of_index(unsigned index)
{
	static const uint8_t steps[6] = { 0, 95, 135, 175, 215, 255 };
	unsigned cube = index - 16;
	uint8_t grey;

	if (index < 16)
		return ansi[index];
	if (index < 232)
		return (struct rgb){ steps[cube / 36], steps[cube / 6 % 6], steps[cube % 6] };
	grey = (uint8_t)(8 + 10 * (index - 232));
	return (struct rgb){ grey, grey, grey };
}

static bool parse_hex(const char *word, struct colour *ret)
{
	unsigned long value;
	char *end;

	if (strlen(word) != 7 || strspn(word + 1, "0123456789abcdefABCDEF") != 6)
		return false;
	value = strtoul(word + 1, &end, 16);
	*ret = (struct colour){ .kind = COLOUR_RGB,
		                .red = (uint8_t)(value >> 16),
		                .green = (uint8_t)(value >> 8),
		                .blue = (uint8_t)value };
	return true;
}

static bool parse_index(const char *word, struct colour *ret)
{
	unsigned long value;
	size_t digits = strspn(word, "0123456789");

	if (!digits || digits > 3 || word[digits])
		return false;
	value = strtoul(word, NULL, 10);
	if (value > 255)
		return false;
	*ret = (struct colour){ .kind = COLOUR_INDEX, .index = (uint8_t)value };
	return true;
}

bool colour_parse(const char *word, struct colour *ret)
{
	static const char bright[] = "bright-";
	bool is_bright = !strncmp(word, bright, sizeof(bright) - 1);
	const char *name = is_bright ? word + sizeof(bright) - 1 : word;

	if (*word == '#')
		return parse_hex(word, ret);
	if (parse_index(word, ret))
		return true;
	if (!strcmp(word, "default")) {
		*ret = (struct colour){ .kind = COLOUR_DEFAULT };
		return true;
	}
	for (unsigned i = 0; i < 8; i++) {
		if (!strcmp(name, ansi_names[i])) {
			*ret = (struct colour){ .kind = COLOUR_INDEX,
				                .index = (uint8_t)(i + (is_bright ? 8 : 0)) };
			return true;
		}
	}
	return false;
}

bool colour_choice_parse(const char *word, enum colour_choice *ret)
{
	static const char *const words[] = {
		[COLOUR_AUTO] = "auto", [COLOUR_NEVER] = "never", [COLOUR_USE_8] = "8",
		[COLOUR_USE_16] = "16", [COLOUR_USE_256] = "256", [COLOUR_USE_DIRECT] = "direct",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(word, words[i])) {
			*ret = (enum colour_choice)i;
			return true;
		}
	}
	return false;
}

/* The most that a terminal can do. */
static enum colour_depth depth_of(const struct colour_terminal *terminal)
{
	if (terminal->is_direct || terminal->has_direct_sibling)
		return DEPTH_DIRECT;
	if (terminal->colours >= 256)
		return DEPTH_256;
	if (terminal->colours >= 16)
		return DEPTH_16;
	return terminal->colours >= 8 ? DEPTH_8 : DEPTH_MONO;
}

enum colour_depth colour_decide(enum colour_choice choice, const struct colour_terminal *terminal)
{
	static const enum colour_depth chosen[] = {
		[COLOUR_NEVER] = DEPTH_MONO,        [COLOUR_USE_8] = DEPTH_8,
		[COLOUR_USE_16] = DEPTH_16,         [COLOUR_USE_256] = DEPTH_256,
		[COLOUR_USE_DIRECT] = DEPTH_DIRECT,
	};
	struct colour_terminal plain = *terminal;
	bool says_direct = terminal->colorterm && (!strcmp(terminal->colorterm, "truecolor") ||
	                                           !strcmp(terminal->colorterm, "24bit"));

	if (choice != COLOUR_AUTO) {
		enum colour_depth most = depth_of(terminal);

		return chosen[choice] < most ? chosen[choice] : most;
	}
	if (terminal->no_color && *terminal->no_color)
		return DEPTH_MONO;
	plain.has_direct_sibling &= says_direct;
	return depth_of(&plain);
}

static float linear(uint8_t channel)
{
	float value = (float)channel / 255.0f;

	return value <= 0.04045f ? value / 12.92f : powf((value + 0.055f) / 1.055f, 2.4f);
}

struct lab {
	float l, a, b;
};

/* sRGB to OKLab (B. Ottosson 2020): equal distances look about equally different. */
static struct lab lab_of(struct rgb rgb)
{
	float r = linear(rgb.red), g = linear(rgb.green), b = linear(rgb.blue);
	float l = cbrtf(0.4122214708f * r + 0.5363325363f * g + 0.0514459929f * b);
	float m = cbrtf(0.2119034982f * r + 0.6806995451f * g + 0.1073969566f * b);
	float s = cbrtf(0.0883024619f * r + 0.2817188376f * g + 0.6299787005f * b);

	return (struct lab){
		.l = 0.2104542553f * l + 0.7936177850f * m - 0.0040720468f * s,
		.a = 1.9779984951f * l - 2.4285922050f * m + 0.4505937099f * s,
		.b = 0.0259040371f * l + 0.7827717662f * m - 0.8086757660f * s,
	};
}

void colour_palette_init(struct colour_palette *palette, enum colour_depth depth)
{
	palette->depth = depth;
	for (unsigned i = 0; i < 256; i++) {
		struct lab lab = lab_of(rgb_of_index(i));

		palette->at[i].l = lab.l;
		palette->at[i].a = lab.a;
		palette->at[i].b = lab.b;
	}
}

static int nearest(const struct colour_palette *palette, struct rgb rgb)
{
	/* With 256 the first 16 are left alone: users redefine them. */
	int first = palette->depth == DEPTH_256 ? 16 : 0, best = first;
	int end = palette->depth == DEPTH_256 ? 256 : palette->depth == DEPTH_16 ? 16 : 8;
	float least = INFINITY;
	struct lab want = lab_of(rgb);

	for (int i = first; i < end; i++) {
		float l = palette->at[i].l - want.l, a = palette->at[i].a - want.a,
		      b = palette->at[i].b - want.b, distance = l * l + a * a + b * b;

		if (distance < least) {
			least = distance;
			best = i;
		}
	}
	return best;
}

int colour_number(const struct colour_palette *palette, struct colour colour)
{
	static const int known[DEPTH_COUNT] = {
		[DEPTH_MONO] = 0,  [DEPTH_8] = 8,      [DEPTH_16] = 16,
		[DEPTH_256] = 256, [DEPTH_DIRECT] = 8,
	};
	struct rgb rgb = { colour.red, colour.green, colour.blue };

	if (colour.kind == COLOUR_DEFAULT || palette->depth == DEPTH_MONO)
		return -1;
	if (colour.kind == COLOUR_INDEX) {
		if (colour.index < known[palette->depth])
			return colour.index;
		rgb = rgb_of_index(colour.index);
	}
	if (palette->depth == DEPTH_DIRECT) {
		int number = rgb.red << 16 | rgb.green << 8 | rgb.blue;

		/* 0 … 7 would be the ANSI colours: the nearest blue that is none of them */
		return number < 8 ? (number < 4 ? 0 : 8) : number;
	}
	return nearest(palette, rgb);
}
