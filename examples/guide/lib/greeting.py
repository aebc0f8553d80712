"""Found by way of gunicorn's `pythonpath`."""

TEXT = "Hello from lib"
