#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Draws what `tmux capture-pane -p -e -N` printed as a picture.

	ansi2png.py IN.ansi OUT.png [FONT_PX]

Needs Pillow and DejaVu Sans Mono (python3-pil, fonts-dejavu-core). That font has no braille, and
its blocks leave seams, so both are drawn here, as terminals do.
"""
import re
import sys
import unicodedata

from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono"
FOREGROUND, BACKGROUND = (0xD0, 0xD4, 0xD8), (0x10, 0x14, 0x18)
ANSI = [
    (0, 0, 0), (205, 49, 49), (13, 188, 121), (229, 229, 16),
    (36, 114, 200), (188, 63, 188), (17, 168, 205), (204, 204, 204),
    (102, 102, 102), (241, 76, 76), (35, 209, 139), (245, 245, 67),
    (59, 142, 234), (214, 112, 214), (41, 184, 219), (255, 255, 255),
]
LINES = str.maketrans("jklmnqtuvwxa`~", "┘┐┌└┼─├┤┴┬│▒◆·")
TOKEN = re.compile(r"\x1b\[([\d;:]*)m|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|([\x0e\x0f])|([^\x1b])")
ATTRIBUTES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse"}
# the dots of a braille cell by bit: column, row
DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))


def palette(index):
    if index < 16:
        return ANSI[index]
    if index > 231:
        return (8 + 10 * (index - 232),) * 3
    index -= 16
    return tuple(55 + 40 * step if step else 0 for step in (index // 36, index // 6 % 6, index % 6))


class Pen:
    """What the escape sequences so far have set."""

    def __init__(self):
        self.foreground = self.background = None
        self.attributes = frozenset()

    def look(self):
        return self.foreground, self.background, self.attributes

    def take(self, sequence):
        codes = [int(code or 0) for code in re.split("[;:]", sequence)]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.__init__()
            elif code in ATTRIBUTES:
                self.attributes |= {ATTRIBUTES[code]}
            elif code == 22:
                self.attributes -= {"bold", "dim"}
            elif code - 20 in ATTRIBUTES:
                self.attributes -= {ATTRIBUTES[code - 20]}
            elif code in (38, 48):
                colour = self.extended(codes)
                if code == 38:
                    self.foreground = colour
                else:
                    self.background = colour
            elif 30 <= code <= 37 or 90 <= code <= 97:
                self.foreground = ANSI[code - 30 if code < 90 else code - 82]
            elif 40 <= code <= 47 or 100 <= code <= 107:
                self.background = ANSI[code - 40 if code < 100 else code - 92]
            elif code == 39:
                self.foreground = None
            elif code == 49:
                self.background = None

    @staticmethod
    def extended(codes):
        if codes.pop(0) == 5:
            return palette(codes.pop(0))
        colour = tuple(codes[:3])
        del codes[:3]
        return colour


def read_rows(text):
    """Rows of [character, look]; a wide character is followed by an empty one."""
    pen, rows = Pen(), []
    for line in text.rstrip("\n").split("\n"):
        row, is_graphic = [], False
        for match in TOKEN.finditer(line):
            sequence, shift, char = match.groups()
            if sequence is not None:
                pen.take(sequence)
            elif shift:
                is_graphic = shift == "\x0e"
            elif char and unicodedata.combining(char) and row:
                row[-1][0] += char
            elif char:
                row.append([char.translate(LINES) if is_graphic else char, pen.look()])
                if unicodedata.east_asian_width(char) in "WF":
                    row.append(["", pen.look()])
        rows.append(row)
    return rows


class Painter:
    def __init__(self, pixels):
        self.regular = ImageFont.truetype(FONT + ".ttf", pixels)
        self.bold = ImageFont.truetype(FONT + "-Bold.ttf", pixels)
        self.ascent, descent = self.regular.getmetrics()
        self.height = self.ascent + descent
        self.width = round(self.regular.getlength("M"))

    def paint(self, rows):
        columns = max(len(row) for row in rows)
        image = Image.new("RGB", (self.width * columns, self.height * len(rows)), BACKGROUND)
        self.draw = ImageDraw.Draw(image)
        for y, row in enumerate(rows):
            for x, (char, look) in enumerate(row):
                self.cell(x * self.width, y * self.height, char, look)
        return image

    def cell(self, x, y, char, look):
        foreground, background, attributes = look
        foreground, background = foreground or FOREGROUND, background or BACKGROUND
        if "reverse" in attributes:
            foreground, background = background, foreground
        if "dim" in attributes:
            foreground = tuple((a + b) // 2 for a, b in zip(foreground, background))
        if background != BACKGROUND:
            self.draw.rectangle((x, y, x + self.width - 1, y + self.height - 1), background)
        if char.strip() and not self.block(x, y, ord(char[0]), foreground):
            self.draw.text((x, y), char, foreground, self.bold if "bold" in attributes else self.regular)
        if "underline" in attributes:
            bottom = y + self.ascent + 2
            self.draw.line((x, bottom, x + self.width - 1, bottom), foreground)

    def block(self, x, y, code, colour):
        """Braille and block elements; false for any other character."""
        right, bottom = x + self.width - 1, y + self.height - 1
        if 0x2800 <= code <= 0x28FF:
            for bit, (column, row) in enumerate(DOTS):
                if code >> bit & 1:
                    dot_x = x + self.width * (2 * column + 1) / 4
                    dot_y = y + self.height * (2 * row + 1) / 8
                    self.draw.ellipse((dot_x - 1.3, dot_y - 1.3, dot_x + 1.3, dot_y + 1.3), colour)
        elif 0x2581 <= code <= 0x2588:
            top = y + self.height - round(self.height * (code - 0x2580) / 8)
            self.draw.rectangle((x, top, right, bottom), colour)
        elif 0x2589 <= code <= 0x258F:
            end = x + round(self.width * (0x2590 - code) / 8) - 1
            self.draw.rectangle((x, y, end, bottom), colour)
        elif code == 0x2580:
            self.draw.rectangle((x, y, right, y + self.height // 2 - 1), colour)
        elif code == 0x2590:
            self.draw.rectangle((x + self.width // 2, y, right, bottom), colour)
        else:
            return False
        return True


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as source:
        rows = read_rows(source.read())
    Painter(int(sys.argv[3]) if len(sys.argv) > 3 else 16).paint(rows).save(sys.argv[2])


if __name__ == "__main__":
    main()
