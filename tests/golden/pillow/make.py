#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Pillow, NumPy, torch and transformers make of pictures, for tests/unit/test-{image,preprocess,film}.c.

    python3 make.py            # writes the .txt and .f32 files and pictures/ beside this script

Inputs are drawn by a formula (pixel() below, the same in the tests), so only results are stored.  Versions are
in the first line of each file.  The HEIC files are made when heif-enc (Debian: libheif-examples) is there; made
with libheif 1.15.1 and x265 3.5.  tests/unit/test-image.c has the drawing they show.
"""
import hashlib
import io
import math
import os
import shutil
import struct
import subprocess
import tempfile
import zlib

import numpy as np
import PIL
import torch
import transformers
from PIL import Image
from transformers.models.qwen2_vl import image_processing_pil_qwen2_vl as reference

HERE = os.path.dirname(os.path.abspath(__file__))
VERSIONS = (f"Pillow {PIL.__version__}, NumPy {np.__version__}, torch {torch.__version__.split('+')[0]}, "
            f"transformers {transformers.__version__}")


def pixels(w, h):
    """Noise on the left half, slopes on the right: [h][w][3] u8."""
    y, x, c = np.meshgrid(np.arange(h, dtype=np.uint64), np.arange(w, dtype=np.uint64),
                          np.arange(3, dtype=np.uint64), indexing="ij")
    mask = np.uint64(0xFFFFFFFF)
    v = (x * 2654435761 + y * 40503 + c * 97 + 12345) & mask
    v ^= v >> 15
    v = (v * 2246822519) & mask
    v ^= v >> 13
    slope = (x * 255 // max(w - 1, 1) + y * 3 + c * 80) & 255
    return np.where(x * 2 < w, v & 255, slope).astype(np.uint8)


def out(name, lines):
    with open(os.path.join(HERE, name), "w") as f:
        f.write(f"# {VERSIONS}\n" + "\n".join(lines) + "\n")


def bicubic(image, w, h):
    """In two steps, which is what Pillow up to 12 does in one.  Pillow 13 takes the vertical pass first for some
    sizes, with last-bit differences; the models saw the old order."""
    return image.resize((w, image.height), Image.BICUBIC).resize((w, h), Image.BICUBIC)


def resize_cases():
    cases = [(70, 42, 84, 56), (70, 42, 56, 28), (100, 75, 28, 28), (28, 28, 100, 75), (1, 1, 28, 28),
             (1, 200, 28, 28), (200, 1, 28, 28), (37, 1, 3, 1), (5, 7, 5, 14), (5, 7, 15, 7), (5, 7, 5, 7),
             (640, 3, 28, 28), (3, 640, 56, 28), (333, 501, 336, 504), (1000, 700, 1008, 700),
             (1023, 767, 112, 84), (97, 89, 1, 1), (2, 2, 1, 1), (9, 9, 4, 4), (512, 512, 511, 513),
             (1400, 7, 1400, 28), (29, 31, 28, 56)]
    lines = ["# src_w src_h dst_w dst_h sha256 first_bytes"]
    for sw, sh, dw, dh in cases:
        raw = bicubic(Image.fromarray(pixels(sw, sh)), dw, dh).tobytes()
        lines.append(f"{sw} {sh} {dw} {dh} {hashlib.sha256(raw).hexdigest()} {raw[:48].hex()}")
    out("resize.txt", lines)


def own_smart_resize(height, width, factor, min_pixels, max_pixels):
    """The rule of qwen-vl-utils: transformers' plus a lower bound of one cell before the limits.  They differ
    for sides of half a cell or less."""
    h_bar = max(factor, round(height / factor) * factor)
    w_bar = max(factor, round(width / factor) * factor)
    if h_bar * w_bar > max_pixels:
        beta = math.sqrt((height * width) / max_pixels)
        h_bar = max(factor, math.floor(height / beta / factor) * factor)
        w_bar = max(factor, math.floor(width / beta / factor) * factor)
    elif h_bar * w_bar < min_pixels:
        beta = math.sqrt(min_pixels / (height * width))
        h_bar = math.ceil(height * beta / factor) * factor
        w_bar = math.ceil(width * beta / factor) * factor
    return h_bar, w_bar


def smart_resize_cases():
    lines = ["# height width factor min max -> height width, of transformers ('*': of qwen-vl-utils' rule, "
             "a side of half a cell or less)"]
    limits = [(28, 3136, 12845056), (28, 3136, 1003520), (32, 65536, 16777216), (28, 100352, 602112)]
    sides = [1, 13, 14, 15, 27, 28, 29, 41, 42, 43, 56, 69, 70, 71, 98, 126, 154, 333, 700, 1000, 1080, 1920, 3024,
             4032, 8000, 12000]
    for factor, lo, hi in limits:
        for h in sides:
            for w in sides:
                if (h * 7 + w * 3) % 5 and max(h, w) != 1000:
                    continue
                if max(h, w) / min(h, w) > 200:
                    continue
                mine = own_smart_resize(h, w, factor, lo, hi)
                star = " *" if min(h, w) <= factor / 2 else ""
                if not star:
                    assert mine == reference.smart_resize(h, w, factor, lo, hi), (h, w, factor)
                lines.append(f"{h} {w} {factor} {lo} {hi} {mine[0]} {mine[1]}{star}")
    out("smart-resize.txt", lines)


def patch_cases():
    lines = ["# width height min max grid_h grid_w sha256 of the f32 patches (little endian)"]
    for i, (w, h, lo, hi) in enumerate([(70, 42, 3136, 1003520), (98, 126, 3136, 1003520), (28, 28, 784, 1003520),
                                        (301, 200, 3136, 20000), (20, 300, 3136, 1003520),
                                        (640, 360, 3136, 1003520)]):
        proc = reference.Qwen2VLImageProcessorPil(min_pixels=lo, max_pixels=hi)
        rh, rw = reference.smart_resize(h, w, 28, lo, hi)
        got = proc(images=[bicubic(Image.fromarray(pixels(w, h)), rw, rh)], do_resize=False, return_tensors="np")
        t, gh, gw = (int(v) for v in got["image_grid_thw"][0])
        assert t == 1
        rows = np.ascontiguousarray(got["pixel_values"], dtype="<f4")
        assert rows.shape == (gh * gw, 1176)
        if i == 0:
            rows.tofile(os.path.join(HERE, "patches.f32"))
        lines.append(f"{w} {h} {lo} {hi} {gh} {gw} {hashlib.sha256(rows.tobytes()).hexdigest()}")
    out("patches.txt", lines)


def frame_choice_cases():
    """qwen-vl-utils' smart_nframes and its linspace, written out (the package needs a video reader)."""
    lines = ["# total video_fps fps max_frames n sha256 of the indices (u32, little endian)"]
    for total in [1, 2, 3, 4, 5, 6, 7, 20, 29, 31, 100, 101, 300, 301, 719, 1440, 3001, 17982, 215784, 1000003]:
        for video_fps in [1.0, 12.5, 24000 / 1001, 25.0, 30000 / 1001, 30.0, 59.94]:
            for fps, max_frames in [(2.0, 768), (1.0, 64), (5.0, 768)]:
                n = total / video_fps * fps
                n = min(max(n, 4), math.floor(min(max_frames, total) / 2) * 2)
                n = math.floor(min(n, total) / 2) * 2
                if n < 2:
                    idx = np.zeros(2, dtype="<u4")
                    n = 2
                else:
                    idx = torch.linspace(0, total - 1, n).round().long().numpy().astype("<u4")
                lines.append(f"{total} {video_fps!r} {fps} {max_frames} {n} "
                             f"{hashlib.sha256(idx.tobytes()).hexdigest()}")
    out("frame-choice.txt", lines)


# ---- pictures/ ----

def drawing():
    """16x12, four unequal fields, so that every turn looks different and lossy coders stay close."""
    a = np.zeros((12, 16, 3), dtype=np.uint8)
    a[:8, :8], a[:8, 8:], a[8:, :8], a[8:, 8:] = (200, 30, 30), (30, 180, 60), (40, 60, 200), (220, 210, 40)
    return a


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, extra=b""):
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
            + extra + png_chunk(b"IDAT", zlib.compress(rows, 9)) + png_chunk(b"IEND", b""))


def turned(a, orientation):
    """What is stored when upright `a` is shot with that EXIF orientation."""
    inverse = {1: lambda v: v, 2: lambda v: v[:, ::-1], 3: lambda v: v[::-1, ::-1], 4: lambda v: v[::-1],
               5: lambda v: v.transpose(1, 0, 2), 6: lambda v: np.rot90(v, 1), 7: lambda v: np.rot90(v.transpose(1, 0, 2), 2),
               8: lambda v: np.rot90(v, -1)}
    return np.ascontiguousarray(inverse[orientation](a))


def heif_enc(image):
    with tempfile.TemporaryDirectory() as tmp:
        source, target = os.path.join(tmp, "a.png"), os.path.join(tmp, "a.heic")
        image.save(source)
        subprocess.run(["heif-enc", "-q", "50", "-o", target, source], check=True, capture_output=True)
        with open(target, "rb") as f:
            return f.read()


def box(kind, *parts, version=None, flags=0):
    data = b"".join(parts)
    if version is not None:
        data = bytes([version]) + flags.to_bytes(3, "big") + data
    return struct.pack(">I", 8 + len(data)) + kind + data


def tiled_heic(stored, quarter_turns):
    """What a phone writes, and heif-enc cannot: a grid of coded tiles with a rotation to apply.  stored: RGB image;
    the last tiles stick out of it, as they do on a phone."""
    side = 64
    columns, rows = -(-stored.width // side), -(-stored.height // side)
    a = np.pad(np.asarray(stored), ((0, rows * side - stored.height), (0, columns * side - stored.width), (0, 0)),
               mode="edge")
    hvcc, items = None, []
    for y in range(rows):
        for x in range(columns):
            coded = heif_enc(Image.fromarray(a[y * side:(y + 1) * side, x * side:(x + 1) * side]))
            at = coded.index(b"hvcC") - 4
            config = coded[at:at + struct.unpack(">I", coded[at:at + 4])[0]]
            assert hvcc in (None, config)
            hvcc = config
            items.append(coded[coded.index(b"mdat") + 4:])
    tiles = len(items)
    grid = tiles + 1
    items.append(struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, stored.width, stored.height))

    def size(w, h):
        return box(b"ispe", struct.pack(">II", w, h), version=0)

    def head(mdat):
        locations, at = b"", mdat
        for i, data in enumerate(items):
            locations += struct.pack(">HHHII", i + 1, 0, 1, at, len(data))
            at += len(data)
        infos = b"".join(box(b"infe", struct.pack(">HH", i + 1, 0), b"hvc1" if i < tiles else b"grid", b"\0", version=2,
                             flags=int(i < tiles)) for i in range(grid))
        uses = b"".join(struct.pack(">HBBB", i + 1, 2, 0x81, 2) for i in range(tiles))
        uses += struct.pack(">HBBB", grid, 2, 3, 0x84)
        return box(b"ftyp", b"heic", b"\0\0\0\0", b"mif1heic") + box(
            b"meta",
            box(b"hdlr", b"\0\0\0\0pict", bytes(13), version=0),
            box(b"pitm", struct.pack(">H", grid), version=0),
            box(b"iloc", b"\x44\0", struct.pack(">H", grid), locations, version=0),
            box(b"iinf", struct.pack(">H", grid), infos, version=0),
            box(b"iref", box(b"dimg", struct.pack(">HH", grid, tiles),
                             b"".join(struct.pack(">H", i + 1) for i in range(tiles))), version=0),
            box(b"iprp", box(b"ipco", hvcc, size(side, side), size(stored.width, stored.height),
                             box(b"irot", bytes([quarter_turns]))),
                box(b"ipma", struct.pack(">I", grid), uses, version=0)),
            version=0)

    return head(len(head(0)) + 8) + box(b"mdat", *items)


def heic_pictures(folder):
    """The drawing, once plain, once half transparent, once as a phone held upright stores it."""
    upright = Image.fromarray(drawing())
    tall = np.asarray(upright.resize((100, 120), Image.NEAREST))
    half = upright.resize((64, 64), Image.NEAREST)
    half.putalpha(128)
    for name, data in [("still.heic", heif_enc(upright.resize((64, 64), Image.NEAREST))),
                       ("alpha.heic", heif_enc(half)),
                       ("tiles.heic", tiled_heic(Image.fromarray(np.rot90(tall, -1)), 1))]:
        assert len(data) < 3072, (name, len(data))
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


def pictures():
    lines = ["# file width height max_mean_difference expected RGB"]
    folder = os.path.join(HERE, "pictures")
    a = drawing()
    upright = Image.fromarray(a)

    def add(name, data, expected, tolerance):
        assert len(data) < 2048, (name, len(data))
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
        h, w, _ = expected.shape
        lines.append(f"{name} {w} {h} {tolerance} {expected.tobytes().hex()}")

    def save(image, fmt, **options):
        f = io.BytesIO()
        image.save(f, fmt, **options)
        return f.getvalue()

    for o in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = o
        stored = Image.fromarray(turned(a, o))
        data = save(stored, "JPEG", quality=95, subsampling=0, exif=exif)
        from PIL import ImageOps
        check = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")).astype(int)
        assert abs(check - a).mean() < 3, o
        add(f"orientation-{o}.jpg", data, a, 3)
    exif = Image.Exif()
    exif[0x112] = 6
    add("orientation-6.png", save(Image.fromarray(turned(a, 6)), "PNG", exif=exif), a, 0)
    add("orientation-6.webp", save(Image.fromarray(turned(a, 6)), "WEBP", lossless=True, exif=exif), a, 0)
    add("orientation-6.tiff", save(Image.fromarray(turned(a, 6)), "TIFF", tiffinfo={274: 6}), a, 0)

    add("progressive.jpg", save(upright, "JPEG", quality=95, progressive=True, subsampling=2), a, 14)
    add("cmyk.jpg", save(upright.convert("CMYK"), "JPEG", quality=95), a, 4)
    grey = upright.convert("L")
    add("grey.jpg", save(grey, "JPEG", quality=95), np.asarray(grey.convert("RGB")), 3)
    add("plain.bmp", save(upright, "BMP"), a, 0)
    add("plain.ppm", save(upright, "PPM"), a, 0)
    add("plain.gif", save(upright.quantize(8), "GIF"), a, 0)
    add("palette.png", save(upright.quantize(8), "PNG"), a, 0)
    add("lossless.webp", save(upright, "WEBP", lossless=True), a, 0)
    add("lossy.webp", save(upright, "WEBP", quality=95), a, 11)
    add("deflate.tiff", save(upright, "TIFF", compression="tiff_deflate"), a, 0)
    add("plain.jp2", save(upright, "JPEG2000", irreversible=False), a, 0)

    rgba = np.dstack([a, (np.arange(12 * 16) * 255 // 191).reshape(12, 16).astype(np.uint8)])
    image = Image.fromarray(rgba)
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.split()[3])
    on_white = np.asarray(white)
    add("alpha.png", save(image, "PNG"), on_white, 0)
    add("alpha.webp", save(image, "WEBP", lossless=True, exact=True), on_white, 0)
    add("alpha.tiff", save(image, "TIFF"), on_white, 0)
    la = image.convert("LA")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(la.convert("RGB"), mask=la.split()[1])
    add("grey-alpha.png", save(la, "PNG"), np.asarray(white), 0)

    deep = (a.astype(np.uint16) << 8 | 0x55).astype(">u2")
    rows = b"".join(b"\0" + deep[y].tobytes() for y in range(12))
    add("16-bit.png", png(16, 12, 16, 2, rows), a, 0)

    other = Image.fromarray(np.full_like(a, 9))
    add("moving.webp", save(upright, "WEBP", save_all=True, append_images=[other], lossless=True, duration=100), a, 0)
    add("moving.gif", save(upright.quantize(8), "GIF", save_all=True, append_images=[other, upright, other],
                           duration=100), a, 0)
    add("moving.png", save(upright, "PNG", save_all=True, append_images=[other, upright, other], duration=100), a, 0)

    add("still.avif", save(upright, "AVIF", quality=95, subsampling="4:4:4"), a, 6)
    if shutil.which("heif-enc"):
        heic_pictures(folder)
    out("pictures.txt", lines)


resize_cases()
smart_resize_cases()
patch_cases()
frame_choice_cases()
pictures()
