"""Makes a picture and a document of a text, and reads the document by a program of Debian's."""

import ctypes
import io
import subprocess
from pathlib import Path

from flask import Flask, request, url_for
from PIL import Image, ImageDraw
from reportlab.pdfgen.canvas import Canvas

app = Flask(__name__)
LIBRARY = ctypes.CDLL(Path(__file__).parent / "vendor" / "libvendor.so")


@app.get("/")
def form():
    return f"""<link rel="stylesheet" href="{url_for("static", filename="tools.css")}">
        <form method="post"><input name="text"></form>"""


@app.post("/")
def make():
    text = request.form["text"]
    picture = Image.new("RGB", (200, 50))
    ImageDraw.Draw(picture).text((5, 5), text)
    jpeg, pdf = io.BytesIO(), io.BytesIO()
    picture.save(jpeg, "JPEG")
    canvas = Canvas(pdf)
    canvas.drawString(50, 50, text)
    canvas.save()
    read = subprocess.run(["pdftotext", "-", "-"], input=pdf.getvalue(), capture_output=True, check=True).stdout
    opt = subprocess.run(["/opt/tools/bin/shout"], capture_output=True, check=True).stdout
    return f"{len(jpeg.getvalue())} {read.decode()} {opt.decode()} {LIBRARY._name}"
