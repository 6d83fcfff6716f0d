/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/eyes.h"

#include <math.h>

const char *const eye_names[EYE_COUNT] = {
	[EYE_USUAL] = "usual eyes",
	[EYE_PROTAN] = "protanopia",
	[EYE_DEUTAN] = "deuteranopia",
	[EYE_TRITAN] = "tritanopia",
};

static double linear(unsigned channel)
{
	double v = channel / 255.0;

	return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static struct light light_of(unsigned rgb)
{
	return (struct light){ linear(rgb >> 16 & 0xff), linear(rgb >> 8 & 0xff),
		               linear(rgb & 0xff) };
}

/* xterm's own first sixteen; users change them, which no test can know. */
static unsigned rgb_of_index(unsigned index)
{
	static const unsigned first[16] = {
		0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
		0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
	};
	unsigned cube = index - 16, rgb = 0;

	if (index < 16)
		return first[index];
	if (index > 231)
		return (8 + 10 * (index - 232)) * 0x010101u;
	for (unsigned div = 36; div; div /= 6)
		rgb = rgb << 8 | (cube / div % 6 ? 55 + 40 * (cube / div % 6) : 0);
	return rgb;
}

struct light eye_light(enum colour_depth depth, int number, unsigned default_rgb)
{
	if (number < 0)
		return light_of(default_rgb);
	if (depth == DEPTH_DIRECT && number > 7)
		return light_of((unsigned)number);
	return light_of(rgb_of_index((unsigned)number));
}

double eye_contrast(struct light a, struct light b)
{
	double la = 0.2126 * a.red + 0.7152 * a.green + 0.0722 * a.blue + 0.05;
	double lb = 0.2126 * b.red + 0.7152 * b.green + 0.0722 * b.blue + 0.05;

	return la > lb ? la / lb : lb / la;
}

/* G. M. Machado, M. M. Oliveira, L. A. F. Fernandes 2009, full severity. */
static const double eyes[EYE_COUNT][3][3] = {
	[EYE_USUAL] = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
	[EYE_PROTAN] = { { 0.152286, 1.052583, -0.204868 },
	                 { 0.114503, 0.786281, 0.099216 },
	                 { -0.003882, -0.048116, 1.051998 } },
	[EYE_DEUTAN] = { { 0.367322, 0.860646, -0.227968 },
	                 { 0.280085, 0.672501, 0.047413 },
	                 { -0.011820, 0.042940, 0.968881 } },
	[EYE_TRITAN] = { { 1.255528, -0.076749, -0.178779 },
	                 { -0.078411, 0.930809, 0.147602 },
	                 { 0.004733, 0.691367, 0.303900 } },
};

static double fold(double t)
{
	return t > 0.008856 ? cbrt(t) : 7.787 * t + 16.0 / 116.0;
}

static void lab_of(enum eye eye, struct light light, double lab[3])
{
	const double in[3] = { light.red, light.green, light.blue };
	double seen[3], x, y, z;

	for (int i = 0; i < 3; i++) {
		seen[i] = 0;
		for (int k = 0; k < 3; k++)
			seen[i] += eyes[eye][i][k] * in[k];
		seen[i] = fmin(fmax(seen[i], 0), 1);
	}
	x = fold((0.4124 * seen[0] + 0.3576 * seen[1] + 0.1805 * seen[2]) / 0.9505);
	y = fold(0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2]);
	z = fold((0.0193 * seen[0] + 0.1192 * seen[1] + 0.9505 * seen[2]) / 1.0890);
	lab[0] = 116 * y - 16;
	lab[1] = 500 * (x - y);
	lab[2] = 200 * (y - z);
}

double eye_distance(enum eye eye, struct light a, struct light b)
{
	double x[3], y[3];

	lab_of(eye, a, x);
	lab_of(eye, b, y);
	return sqrt(pow(x[0] - y[0], 2) + pow(x[1] - y[1], 2) + pow(x[2] - y[2], 2));
}

struct shown eye_shown(const struct theme *theme, enum role role, enum colour_depth depth)
{
	struct style style = theme_style(theme, role, depth);
	struct colour_palette palette;
	struct shown shown = { .attrs = style.attrs };
	struct light swap;

	colour_palette_init(&palette, depth);
	shown.fg_number = colour_number(&palette, style.fg);
	shown.bg_number = colour_number(&palette, style.bg);
	shown.fg = eye_light(depth, shown.fg_number, theme->is_light ? 0x000000 : 0xd0d0d0);
	/*
	 * A dark terminal need not be black, nor a light one white; those with few colours mostly
	 * are.
	 */
	shown.bg = eye_light(depth, shown.bg_number,
	                     theme->is_light     ? 0xf4f4f4
	                     : depth <= DEPTH_16 ? 0x000000
	                                         : 0x1a1a1a);
	if (style.attrs & STYLE_REVERSE) {
		swap = shown.fg;
		shown.fg = shown.bg;
		shown.bg = swap;
	}
	return shown;
}
