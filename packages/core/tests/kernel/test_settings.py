"""Settings: what is wrong is reported all at once, and never with a value."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from parley_core import Parley, Settings, StartupError
from parley_core.declarations import Declared
from parley_core.kernel.settings import CoreSettings, PluginSettings, load_settings
from parley_core.testing import a_plugin


def _long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 12:
        raise ValueError("is too short")
    return secret


class NoteSettings(Settings):
    """Settings of an imaginary package."""

    note_secret: Annotated[SecretStr, AfterValidator(_long)]
    note_count: int = Field(3, ge=1)
    note_names: list[str] = Field(default_factory=list)


def read(*classes: type[BaseSettings], given: tuple[BaseSettings, ...] = ()) -> dict[type[BaseSettings], BaseSettings]:
    return load_settings([Declared(cls.__name__.lower(), cls) for cls in classes], given)


def refusal(*classes: type[BaseSettings]) -> str:
    with pytest.raises(StartupError) as failure:
        read(*classes)
    return str(failure.value)


class TestReading:
    def test_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Field `x` is read from PARLEY_X."""
        monkeypatch.setenv("PARLEY_NOTE_SECRET", "correct horse")
        monkeypatch.setenv("PARLEY_NOTE_COUNT", "7")
        settings = read(NoteSettings)[NoteSettings]
        assert isinstance(settings, NoteSettings)
        assert (settings.note_secret.get_secret_value(), settings.note_count) == ("correct horse", 7)

    def test_given_instance(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A given instance replaces what the environment says of its class."""
        monkeypatch.setenv("PARLEY_NOTE_COUNT", "not looked at")
        given = NoteSettings(note_secret=SecretStr("correct horse"), note_count=5)
        assert read(NoteSettings, given=(given,))[NoteSettings] is given

    def test_empty_is_unset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An empty variable counts as none, so that an empty secret is a missing one."""
        monkeypatch.setenv("PARLEY_NOTE_SECRET", "")
        monkeypatch.setenv("PARLEY_NOTE_COUNT", "")
        assert refusal(NoteSettings) == "settings: PARLEY_NOTE_SECRET: Field required"

    def test_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A list of words is written with commas."""
        monkeypatch.setenv("PARLEY_PLUGINS", " auth ,interviews,")
        assert PluginSettings().plugins == ("auth", "interviews")


class TestFiles:
    def test_secret_from_a_file(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """PARLEY_X_FILE names the file with the value; the line's end isn't part of it."""
        (tmp_path / "secret").write_text("correct horse\n")
        monkeypatch.setenv("PARLEY_NOTE_SECRET_FILE", str(tmp_path / "secret"))
        settings = read(NoteSettings)[NoteSettings]
        assert isinstance(settings, NoteSettings)
        assert settings.note_secret.get_secret_value() == "correct horse"

    @pytest.mark.parametrize("name", [*CoreSettings.model_fields, "note_secret", "note_count"])
    def test_both_forms(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
        """A variable and its file are never set both: neither silently counts, and neither value is shown."""
        (tmp_path / "value").write_text("hunter2")
        plain, named = f"PARLEY_{name.upper()}", f"PARLEY_{name.upper()}_FILE"
        monkeypatch.setenv(plain, "hunter3")
        monkeypatch.setenv(named, str(tmp_path / "value"))
        message = refusal(CoreSettings, NoteSettings)
        assert f"{plain}: {plain} and {named} are both set: unset one of them" in message
        assert "hunter" not in message

    @pytest.mark.parametrize("suffix", ["", "_FILE"])
    def test_an_empty_form_is_unset(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str) -> None:
        """A template that sets both and fills one is fine."""
        (tmp_path / "count").write_text("9\n")
        filled = {"": str(tmp_path / "count"), "_FILE": "9"}
        monkeypatch.setenv(f"PARLEY_NOTE_COUNT{suffix}", "")
        monkeypatch.setenv("PARLEY_NOTE_COUNT" + ("_FILE" if suffix == "" else ""), filled[suffix])
        assert NoteSettings(note_secret=SecretStr("correct horse")).note_count == 9

    def test_either_case(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Names are read in either case, with and without a file."""
        (tmp_path / "count").write_text("9")
        monkeypatch.setenv("parley_note_count_file", str(tmp_path / "count"))
        monkeypatch.setenv("Parley_Note_Secret", "correct horse")
        settings = read(NoteSettings)[NoteSettings]
        assert isinstance(settings, NoteSettings)
        assert (settings.note_secret.get_secret_value(), settings.note_count) == ("correct horse", 9)

    def test_only_the_end_of_the_line_is_left_out(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """What `echo` and Windows end a line with goes, and nothing else does."""
        (tmp_path / "secret").write_bytes(b" correct\nhorse \r\n\n")
        monkeypatch.setenv("PARLEY_NOTE_SECRET_FILE", str(tmp_path / "secret"))
        settings = read(NoteSettings)[NoteSettings]
        assert isinstance(settings, NoteSettings)
        assert settings.note_secret.get_secret_value() == " correct\nhorse "

    def test_a_folder(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """A folder, as a volume mounted in the wrong place, is named."""
        monkeypatch.setenv("PARLEY_NOTE_SECRET_FILE", str(tmp_path))
        reason = f"PARLEY_NOTE_SECRET_FILE names {tmp_path}, which can't be read (Is a directory)"
        assert refusal(NoteSettings) == f"settings: PARLEY_NOTE_SECRET: {reason}"

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            pytest.param(None, "which can't be read (No such file or directory)", id="missing"),
            pytest.param(b"\n", "which is empty", id="empty"),
            pytest.param(b" \t\r\n", "which is empty", id="blank"),
            pytest.param(b"\xff\xfe", "which is not text", id="binary"),
        ],
    )
    def test_file_without_a_value(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, reason: str
    ) -> None:
        """A file that gives no value is named, together with everything else that is wrong."""
        path = tmp_path / "secret"
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setenv("PARLEY_NOTE_SECRET_FILE", str(path))
        monkeypatch.setenv("PARLEY_NOTE_COUNT", "0")
        assert refusal(NoteSettings) == (
            f"settings: PARLEY_NOTE_SECRET: PARLEY_NOTE_SECRET_FILE names {path}, {reason}; "
            "PARLEY_NOTE_COUNT: Input should be greater than or equal to 1"
        )


class TestRefusals:
    def test_all_at_once_and_without_values(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every class's problems come together, and none with the value that caused it."""
        wrong = {
            "PARLEY_NOTE_SECRET": "hunter2",
            "PARLEY_NOTE_COUNT": "hunter3",
            "PARLEY_MONGODB_URI": "postgres://u:hunter4@db",
            "PARLEY_MONGODB_POOL_SIZE": "501",
        }
        for name, value in wrong.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(StartupError) as failure:
            Parley(plugins=[a_plugin("notes", parley_settings=[NoteSettings])])
        message = str(failure.value)
        assert all(name in message for name in wrong)
        assert "hunter" not in message
        assert "\n" not in message
        assert "hunter" not in repr(failure.value.__cause__) + repr(failure.value.__context__)

    def test_not_json(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What should be JSON and isn't is a problem like any other."""
        monkeypatch.setenv("PARLEY_NOTE_NAMES", "hunter2")
        message = refusal(NoteSettings)
        assert "note_names" in message
        assert "hunter" not in message

    def test_two_plugins_with_one_setting(self) -> None:
        """One variable can't mean two things."""

        class OtherSettings(Settings):
            note_count: int = 1

        with pytest.raises(StartupError) as failure:
            Parley(
                [NoteSettings(note_secret=SecretStr("correct horse"))],
                plugins=[
                    a_plugin("one", parley_settings=[NoteSettings]),
                    a_plugin("two", parley_settings=[OtherSettings]),
                ],
            )
        assert (
            str(failure.value)
            == "settings: setting 'PARLEY_NOTE_COUNT' is declared by plugin 'one' and by plugin 'two'"
        )

    def test_foreign_class(self) -> None:
        """Another base class would read other variables than messages and warnings name."""

        class Foreign(BaseSettings):
            colour: str = "red"

        assert refusal(Foreign) == "plugin 'foreign': settings class Foreign must derive from parley_core.Settings"

    @pytest.mark.parametrize("name", ["my db", "a.b", "", "x" * 39], ids=["space", "dot", "empty", "long"])
    def test_database_name(self, name: str) -> None:
        """A database's name is one that MongoDB takes."""
        with pytest.raises(ValueError, match="mongodb_database"):
            CoreSettings(mongodb_database=name)
