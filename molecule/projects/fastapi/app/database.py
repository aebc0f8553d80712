import os

from sqlmodel import Field, Session, SQLModel, create_engine

engine = create_engine(f"sqlite:///{os.environ.get('STATE_DIRECTORY', '.')}/app.db")


class Note(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    text: str


def create_tables():
    SQLModel.metadata.create_all(engine, checkfirst=True)


def get_session():
    with Session(engine) as session:
        yield session
