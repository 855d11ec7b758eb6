"""Pictures without a human face: drawn, since a repository should carry no photographs."""

from PIL import Image, ImageDraw, ImageFilter


def house():
    """A line drawing, 320 pixels wide: two windows and a door lie where a face has eyes and a mouth."""
    picture = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(picture)
    draw.rectangle((90, 110, 230, 220), outline="black", width=4)
    draw.polygon((80, 110, 240, 110, 160, 40), outline="black", width=4)
    for x in (110, 180):
        draw.rectangle((x, 130, x + 30, 160), outline="black", width=3)
    draw.rectangle((148, 175, 172, 220), outline="black", width=3)
    return picture


def cat():
    """A cat that looks at the viewer, 300 pixels wide."""
    picture = Image.new("RGB", (300, 300), "#7b9a6d")
    draw = ImageDraw.Draw(picture)
    fur = "#b5763c"
    draw.ellipse((40, 190, 260, 380), fill=fur)
    for outer, inner, tip, middle in ((70, 85, 80, 125), (230, 215, 220, 175)):
        draw.polygon((outer, 150, tip, 40, 150, 100), fill=fur)
        draw.polygon(
            (inner, 120, (tip + inner) // 2 + (8 if outer < 150 else -8), 65, middle, 100), fill="#e3a7a0"
        )
    draw.ellipse((60, 80, 240, 240), fill=fur)
    for x in (110, 190):
        draw.ellipse((x - 24, 125, x + 24, 165), fill="#c9d64f")
        draw.ellipse((x - 6, 125, x + 6, 165), fill="black")
    draw.ellipse((105, 170, 195, 235), fill="#ecd9c0")
    draw.polygon((138, 175, 162, 175, 150, 192), fill="#d37b79")
    draw.line((150, 192, 150, 205), fill="black", width=3)
    draw.arc((125, 190, 150, 215), 10, 150, fill="black", width=3)
    draw.arc((150, 190, 175, 215), 30, 170, fill="black", width=3)
    for y in (-12, 0, 12):
        draw.line((110, 200 + y // 3, 30, 195 + y), fill="white", width=2)
        draw.line((190, 200 + y // 3, 270, 195 + y), fill="white", width=2)
    for x in (130, 150, 170):
        draw.line((x, 85, (x + 150) // 2, 115), fill="#6d4320", width=6)
    return picture.filter(ImageFilter.GaussianBlur(1.2))
