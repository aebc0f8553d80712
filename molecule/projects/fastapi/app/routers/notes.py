from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from sqlmodel import Session, select

from ..database import Note, get_session

router = APIRouter()
templates = Jinja2Templates(directory="app/templates")
SessionDep = Annotated[Session, Depends(get_session)]


@router.get("/", response_class=HTMLResponse)
def read(request: Request, session: SessionDep):
    return templates.TemplateResponse(request, "notes.html", {"notes": session.exec(select(Note)).all()})


@router.post("/")
def write(text: Annotated[str, Form()], session: SessionDep):
    session.add(Note(text=text))
    session.commit()
    return RedirectResponse("/", status_code=303)
