"""The library's own routes: plain FastAPI, one of them guarded."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, status
from pydantic import BaseModel

from parley_auth import Access, Guard

router = APIRouter(prefix="/books", tags=["books"])

Adding = Annotated[Access, Depends(Guard("books:add"))]


class NewBook(BaseModel):
    """A book to add."""

    title: str


class Book(NewBook):
    """A book, and the id of the account that added it."""

    added_by: str | None = None


async def _shelf(request: Request) -> list[Book]:
    shelf: list[Book] = request.app.state.shelf
    return shelf


Shelf = Annotated[list[Book], Depends(_shelf)]


@router.get("")
async def list_books(shelf: Shelf) -> list[Book]:
    """Return all books. The route is public, as before."""
    return shelf


@router.post("", status_code=status.HTTP_201_CREATED)
async def add_book(access: Adding, body: NewBook, shelf: Shelf) -> Book:
    """Add a book; the policy rules of `books:add` say who may."""
    book = Book(title=body.title, added_by=access.principal.id)
    shelf.append(book)
    return book
