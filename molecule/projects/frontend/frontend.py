"""A book of visitors in a database that Flask-Migrate keeps, with a front end that npm builds."""

import os
import pathlib

from flask import Flask, redirect, render_template_string, request
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

PAGE = """<!doctype html>
<link rel="stylesheet" href="/static/style.css">
<script type="module" src="/static/app.js"></script>
<h1>Good day</h1>
<p>Built {{ built }}</p>
<form method="post"><input name="text"></form>
{% for entry in entries %}<p>{{ entry.text }}</p>{% endfor %}
"""

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///" + os.environ["STATE_DIRECTORY"] + "/book.db"
db = SQLAlchemy(app)
Migrate(app, db)


class Entry(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    text = db.Column(db.String(200), nullable=False)


@app.route("/", methods=["GET", "POST"])
def book():
    if request.method == "POST":
        db.session.add(Entry(text=request.form["text"]))
        db.session.commit()
        return redirect("/")
    # A step before the switch writes it, into its copy of the source.
    built = pathlib.Path("built.txt").read_text()
    return render_template_string(PAGE, entries=db.session.scalars(db.select(Entry)), built=built)
