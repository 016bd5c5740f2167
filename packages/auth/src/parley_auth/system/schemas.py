"""What goes over the wire about the system."""

from pydantic import BaseModel, ConfigDict, Field


class Package(BaseModel):
    """An installed distribution."""

    name: str
    version: str


class SystemRoute(BaseModel):
    """A route with what guards it."""

    method: str
    path: str
    action: str | None = Field(
        description="The action of its guard, or several with commas between; null where there is no guard."
    )
    public: bool = Field(description="Whether anyone may call it.")


class Plugin(BaseModel):
    """A plugin with what it brings."""

    name: str
    package: str
    version: str
    hooks: list[str]
    routes: list[SystemRoute]


class SystemWarning(BaseModel):
    """Something that is badly set."""

    code: str
    message: str = Field(description="What is wrong and what to do.")


class System(BaseModel):
    """What runs here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Parley",
                    "version": "0.2.0",
                    "python": "3.11.7",
                    "mongodb": "6.0.5",
                    "packages": [{"name": "parley-auth", "version": "0.2.0"}],
                    "plugins": [
                        {
                            "name": "auth",
                            "package": "parley-auth",
                            "version": "0.2.0",
                            "hooks": ["parley_routers"],
                            "routes": [
                                {"method": "GET", "path": "/v1/system", "action": "system:read", "public": False}
                            ],
                        }
                    ],
                    "warnings": [
                        {
                            "code": "registration_open",
                            "message": "Anyone may register: PARLEY_AUTH_REGISTRATION=closed leaves that to you.",
                        }
                    ],
                }
            ]
        }
    )

    name: str
    version: str = Field(description="The version of the application.")
    python: str
    mongodb: str
    packages: list[Package]
    plugins: list[Plugin]
    warnings: list[SystemWarning]


class SystemRule(BaseModel):
    """A rule of the policy; several of one action add up."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "action": "users:list",
                    "scope": None,
                    "roles": ["admin"],
                    "relations": None,
                    "states": None,
                    "keys": True,
                }
            ]
        }
    )

    action: str
    scope: str | None = Field(description="The kind of resource that the action is on; null where it is on none.")
    roles: list[str] | None = Field(description="The roles that may do it; null for every one.")
    relations: list[str] | None = Field(
        description="As what they must stand to the resource; null where there is none."
    )
    states: list[str] | None = Field(description="The states of the resource in which they may; null for all.")
    keys: bool = Field(description="Whether an API key may have the action.")


class Policy(BaseModel):
    """The policy of all packages."""

    items: list[SystemRule]
