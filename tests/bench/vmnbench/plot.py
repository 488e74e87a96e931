# SPDX-License-Identifier: Apache-2.0
"""Lines over logarithmic axes, as an SVG that reads well on light and on dark
pages.  Nothing but Python's own library."""

import math
from xml.sax.saxutils import escape

# Told apart by colour-blind eyes too, on white and on black; and by marks.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
MARKS = ["circle", "square", "triangle", "diamond", "ring", "box"]

STYLE = """
text { font: 12px sans-serif; fill: #24292f; }
.title { font-weight: bold; }
.grid { stroke: #8c959f; stroke-opacity: 0.35; }
.axis { stroke: #57606a; fill: none; }
.line { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .axis { stroke: #9ea7b3; }
}
"""

PLOT_WIDTH, PLOT_HEIGHT = 280, 300
LEFT, TOP, BETWEEN, BOTTOM = 64, 40, 90, 52
LEGEND_HEIGHT = 20


def mark(kind, x, y, colour):
    """A point of a line."""
    r = 4
    if kind in ("circle", "ring"):
        fill = colour if kind == "circle" else "none"
        return ('<circle cx="%.1f" cy="%.1f" r="%d" fill="%s" stroke="%s" '
                'stroke-width="1.5"/>' % (x, y, r, fill, colour))
    corners = {"square": [(-r, -r), (r, -r), (r, r), (-r, r)],
               "box": [(-r, -r), (r, -r), (r, r), (-r, r)],
               "triangle": [(0, -r - 1), (r + 1, r), (-r - 1, r)],
               "diamond": [(0, -r - 1), (r + 1, 0), (0, r + 1),
                           (-r - 1, 0)]}[kind]
    return '<polygon points="%s" fill="%s" stroke="%s" stroke-width="1.5"/>' \
        % (" ".join("%.1f,%.1f" % (x + dx, y + dy) for dx, dy in corners),
           "none" if kind == "box" else colour, colour)


class Panel:
    """One pair of axes.  'lines' is [(name, [(x, y), ...]), ...]."""

    def __init__(self, title, x_name, lines, name_y):
        self.title = title
        self.x_name = x_name
        self.lines = lines
        self.name_y = name_y    # Text of a power of ten on the y axis.
        points = [point for _, line in lines for point in line]
        self.x = self._decades([x for x, _ in points])
        self.y = self._decades([y for _, y in points])

    @staticmethod
    def _decades(values):
        low = math.floor(math.log10(min(values)))
        return low, max(math.ceil(math.log10(max(values))), low + 1)

    def _at(self, x, y):
        def along(value, ends):
            return (math.log10(value) - ends[0]) / (ends[1] - ends[0])
        return (along(x, self.x) * PLOT_WIDTH,
                PLOT_HEIGHT - along(y, self.y) * PLOT_HEIGHT)

    def draw(self, left, top):
        out = ['<g transform="translate(%d,%d)">' % (left, top),
               '<text class="title" x="0" y="-16">%s</text>'
               % escape(self.title)]
        for power in range(self.y[0], self.y[1] + 1):
            y = self._at(10 ** self.x[0], 10 ** power)[1]
            out.append('<path class="grid" d="M0 %.1fH%d"/>'
                       '<text x="-8" y="%.1f" text-anchor="end">%s</text>'
                       % (y, PLOT_WIDTH, y + 4, escape(self.name_y(power))))
        for power in range(self.x[0], self.x[1] + 1):
            x = self._at(10 ** power, 10 ** self.y[0])[0]
            out.append('<path class="grid" d="M%.1f 0V%d"/>'
                       '<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                       % (x, PLOT_HEIGHT, x, PLOT_HEIGHT + 18,
                          "{:,}".format(10 ** power)))
        out.append('<path class="axis" d="M0 0V%dH%d"/>'
                   '<text x="%.1f" y="%d" text-anchor="middle">%s</text>'
                   % (PLOT_HEIGHT, PLOT_WIDTH, PLOT_WIDTH / 2,
                      PLOT_HEIGHT + 38, escape(self.x_name)))
        for i, (_, line) in enumerate(self.lines):
            places = [self._at(*point) for point in line]
            out.append('<path class="line" stroke="%s" d="M%s"/>' % (
                COLOURS[i], "L".join("%.1f %.1f" % place
                                     for place in places)))
            out += [mark(MARKS[i], x, y, COLOURS[i]) for x, y in places]
        return out + ["</g>"]


def svg(panels):
    """'panels' beside each other, with one legend: their lines have the same
    names."""
    names = [name for name, _ in panels[0].lines]
    width = LEFT + len(panels) * PLOT_WIDTH + (len(panels) - 1) * BETWEEN + 24
    columns = 2
    height = (TOP + PLOT_HEIGHT + BOTTOM
              + LEGEND_HEIGHT * math.ceil(len(names) / columns) + 8)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" '
           'width="%d" height="%d">' % (width, height, width, height),
           "<style>%s</style>" % STYLE]
    for i, panel in enumerate(panels):
        out += panel.draw(LEFT + i * (PLOT_WIDTH + BETWEEN), TOP)
    for i, name in enumerate(names):
        x = LEFT + i % columns * (width - LEFT) // columns
        y = TOP + PLOT_HEIGHT + BOTTOM + LEGEND_HEIGHT * (i // columns) + 8
        out.append('<path class="line" stroke="%s" d="M%d %dh28"/>%s'
                   '<text x="%d" y="%d">%s</text>'
                   % (COLOURS[i], x, y, mark(MARKS[i], x + 14, y, COLOURS[i]),
                      x + 36, y + 4, escape(name)))
    return "\n".join(out + ["</svg>", ""])
