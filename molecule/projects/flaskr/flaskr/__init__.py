"""The tutorial's factory: what it keeps is in its instance folder."""

import contextlib
import os

from flask import Flask
from flask_wtf import CSRFProtect


def create_app(test_config=None):
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(
        SECRET_KEY="dev",
        DATABASE=os.path.join(app.instance_path, "flaskr.sqlite"),
    )
    if test_config is None:
        # The instance's own configuration, if there is one.
        app.config.from_pyfile("config.py", silent=True)
    else:
        app.config.from_mapping(test_config)
    # As the tutorial had it until Flask 3.1; that it failed, one only learns by what comes of it.
    with contextlib.suppress(OSError):
        os.makedirs(app.instance_path)
    CSRFProtect(app)

    from . import blog, db

    db.init_app(app)
    app.register_blueprint(blog.bp)
    app.add_url_rule("/", endpoint="index")
    return app
