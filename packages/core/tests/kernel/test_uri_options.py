"""Options of a MongoDB URI that contradict Parley's promises are refused by name."""

import pytest
from pydantic import SecretStr, ValidationError

from parley_core.kernel.settings import CoreSettings
from parley_core.kernel.uri_options import problems_of


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://db1.example.com",
        "mongodb://db1.example.com,db2.example.com/parley?replicaSet=rs0&authSource=admin&tls=true",
        "mongodb+srv://ada:hunter2@cluster.example.com/?retryWrites=true&w=majority&appName=Cluster0",
        "mongodb://ada:hunter2?w=1@db1.example.com/?JOURNAL=true&readpreference=primary",
    ],
    ids=["none", "others", "hosted", "agreeing"],
)
def test_accepted(uri: str) -> None:
    """What says the same as Parley, or something that Parley leaves to the URI, is no problem."""
    assert list(problems_of(uri)) == []


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("w=1", "the option w must be majority, or be left out"),
        ("w=3", "the option w must be majority, or be left out"),
        ("journal=false", "the option journal must be true, or be left out"),
        ("readPreference=secondary", "the option readPreference must be primary, or be left out"),
        ("readConcernLevel=local", "the option readConcernLevel must be majority, or be left out"),
        ("retryWrites=false", "the option retryWrites must be true, or be left out"),
        ("retryReads=false", "the option retryReads must be true, or be left out"),
        (
            "maxPoolSize=500",
            "the option maxPoolSize must be left out, since Parley has its own value (set PARLEY_MONGODB_POOL_SIZE)",
        ),
        ("wTimeoutMS=10", "the option wTimeoutMS must be left out, since Parley has its own value"),
    ],
)
def test_refused(option: str, problem: str) -> None:
    """Each such option is named, whatever else is there, with either separator."""
    for uri in (f"mongodb://h/?{option}", f"mongodb://h/db?tls=true&{option}", f"mongodb://h/?{option};tls=true"):
        assert list(problems_of(uri)) == [problem]


def test_all_at_once_and_without_the_password() -> None:
    """The settings report every option, and nothing else of the URI."""
    with pytest.raises(ValidationError) as failure:
        CoreSettings(mongodb_uri=SecretStr("mongodb://ada:hunter2@h/?w=1&journal=false&hunter2=hunter2"))
    (error,) = failure.value.errors(include_input=False)
    assert error["msg"] == (
        "Value error, the option w must be majority, or be left out; the option journal must be true, or be left out"
    )
    assert "hunter2" not in str(failure.value)
