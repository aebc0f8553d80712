from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from .database import create_tables
from .routers import notes

app = FastAPI(on_startup=[create_tables])
app.mount("/static", StaticFiles(directory="app/static"), name="static")
app.include_router(notes.router)
