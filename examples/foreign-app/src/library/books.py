"""The library's own routes: plain FastAPI, one of them guarded."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, status
from pydantic import BaseModel

from parley_auth import Access, Guard

router = APIRouter(prefix="/books", tags=["books"])

Adding = Annotated[Access, Depends(Guard("books:add"))]


class NewBook(BaseModel):
    """A book that is to be added."""

    title: str


class Book(NewBook):
    """A book, and who has added it."""

    added_by: str | None = None


async def _shelf(request: Request) -> list[Book]:
    shelf: list[Book] = request.app.state.shelf
    return shelf


Shelf = Annotated[list[Book], Depends(_shelf)]


@router.get("")
async def list_books(shelf: Shelf) -> list[Book]:
    """Open to anyone, as before."""
    return shelf


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_book(access: Adding, body: NewBook, shelf: Shelf) -> Book:
    """For whoever may do `books:add`."""
    book = Book(title=body.title, added_by=access.principal.id)
    shelf.append(book)
    return book
