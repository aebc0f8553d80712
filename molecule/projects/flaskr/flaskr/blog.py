from flask import Blueprint, redirect, render_template, request, url_for

from flaskr.db import get_db

bp = Blueprint("blog", __name__)


@bp.route("/", methods=("GET", "POST"))
def index():
    db = get_db()
    if request.method == "POST":
        db.execute("INSERT INTO post (body) VALUES (?)", (request.form["text"],))
        db.commit()
        return redirect(url_for("blog.index"))
    posts = db.execute("SELECT body FROM post ORDER BY id DESC LIMIT 20").fetchall()
    return render_template("blog/index.html", posts=posts)
