"""Says what kind of text it is given, as libmagic knows it."""

import ctypes.util

import magic
import psycopg
from flask import Flask, request, url_for

app = Flask(__name__)


@app.route("/", methods=["GET", "POST"])
def index():
    said = magic.from_buffer(request.form.get("text", "")) if request.method == "POST" else ""
    said += f" libpq {psycopg.pq.version()} {ctypes.util.find_library('c')}"
    return f"""<link rel="stylesheet" href="{url_for("static", filename="app.css")}">
        <form method="post"><input name="text"></form><p>{said} {request.form.get("text", "")}</p>"""
