import os

from flask import Flask
from flask_wtf import CSRFProtect

csrf = CSRFProtect()


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_prefixed_env()
    app.config["STATE"] = os.environ.get("STATE_DIRECTORY", ".")
    app.config.update(config or {})
    csrf.init_app(app)

    from factory.board import board

    app.register_blueprint(board)
    return app
