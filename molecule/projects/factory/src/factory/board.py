from pathlib import Path

from flask import Blueprint, current_app, redirect, render_template, request

board = Blueprint("board", __name__)


@board.route("/", methods=["GET", "POST"])
def index():
    notes = Path(current_app.config["STATE"], "notes.txt")
    if request.method == "POST":
        with notes.open("a") as file:
            file.write(request.form["text"] + "\n")
        return redirect("/")
    return render_template("board.html", notes=notes.read_text().splitlines() if notes.exists() else [])
