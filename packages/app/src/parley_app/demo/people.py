"""Who is in the demo; nobody of them exists."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """A person with an account.

    Args:
        name: their full name.
        role: what their account is.
        job: what they apply for; "" for the team.
        has_joined: whether they have set a password; else they are invited.
    """

    name: str
    role: str
    job: str = ""
    has_joined: bool = True

    @property
    def first_name(self) -> str:
        """What others call them."""
        return self.name.split()[0]

    @property
    def email(self) -> str:
        """Where they get no mail."""
        return f"{self.first_name.lower()}@example.com"


ADMIN = Person("Mara Lindqvist", "admin")
INTERVIEWERS = (
    Person("Jonas Okafor", "interviewer"),
    Person("Priya Raman", "interviewer"),
    Person("Tomas Herrera", "interviewer"),
    Person("Yuki Sato", "interviewer"),
)
CANDIDATES = (
    Person("Amelie Laurent", "candidate", "Backend engineer"),
    Person("Daniel Weiss", "candidate", "Product designer"),
    Person("Leila Haddad", "candidate", "Backend engineer"),
    Person("Nkechi Obi", "candidate", "Data analyst"),
    Person("Oskar Nowak", "candidate", "Product designer"),
    Person("Sofia Rossi", "candidate", "Data analyst"),
    Person("Chen Wei", "candidate", "Backend engineer", has_joined=False),
)
EVERYBODY = (ADMIN, *INTERVIEWERS, *CANDIDATES)
