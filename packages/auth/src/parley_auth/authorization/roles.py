"""The roles that accounts of one application can have: all packages declare theirs, checked as a whole at the start."""

from collections.abc import Iterable

from parley_auth.models import ADMIN, Role
from parley_core.declarations import Declared
from parley_core.errors import FieldError, ValidationError
from parley_core.ownership import single_owner

PLAIN = Role("user", "Whoever registers, where no other plugin brings roles.", registers=True)
_OWN = "auth"


class RoleRegistry:
    """The roles of all packages; auth's own `user` stands where no other plugin declares any.

    Raises:
        StartupError: two plugins declare one role, or two roles are the one of those who register.
    """

    def __init__(self, declared: Iterable[Declared[Role]]) -> None:
        roles = list(declared)
        if all(declaration.value.name == ADMIN for declaration in roles):
            roles.append(Declared(_OWN, PLAIN))
        self.by_name = {n: d.value for n, d in single_owner(roles, lambda role: [role.name], what="role").items()}
        # Roles without the mark take no name, so that only marked ones clash.
        registering = single_owner(roles, lambda role: ["registers"] if role.registers else [], what="role that")
        self.registering = next((declaration.value.name for declaration in registering.values()), None)
        """The role of those who register by themselves; None where nobody may."""

    def known_names(self) -> dict[str, Iterable[str]]:
        """Return the names of the roles, for OpenAPI."""
        return {"role": self.by_name}

    def require(self, name: str, pointer: str = "#/role") -> str:
        """Return the name of a declared role; raise `ValidationError` (400) at `pointer` for any other word."""
        if name not in self.by_name:
            message = f"Must be one of: {', '.join(sorted(self.by_name))}"
            raise ValidationError(errors=[FieldError(pointer, "enum", message)])
        return name
