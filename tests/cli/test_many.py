"""`nfc check` over folders, patterns and processes, and with a configuration."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import nfc.cli.parallel
from nfc.cli.checking import Job, check_file
from nfc.cli.parallel import check_files
from nfc.cli.programs import Opening
from nfc.discovery import discover
from nfc.limits import Limits
from nfc.settings import Settings
from tests.documents import nfc as run

SPEC = "nf 1\nparam width = 4\nnetwork net {{ input 4; linear width }}\ncheck net {{ params == {} }}\n"


def write(name: str, text: str = SPEC.format(20)) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, "utf-8")
    return name


@pytest.fixture
def tree() -> Path:
    """A folder `specs` with files to find and files to leave out."""
    for name in ("b.nf", "a/z.nf", "a/b/deep.nf", "c.nf", "a.nf", "build/x.nf", "node_modules/m/x.nf"):
        write(f"specs/{name}")
    for name in (".venv/x.nf", ".hidden.nf", "env/lib/x.nf", "notes.txt", "dir.nf/inner.nf"):
        write(f"specs/{name}")
    write("specs/env/pyvenv.cfg", "home = x\n")
    Path("specs/link").symlink_to("a", target_is_directory=True)
    return Path("specs")


FOUND = [
    "specs/a/b/deep.nf",
    "specs/a/z.nf",
    "specs/a.nf",
    "specs/b.nf",
    "specs/c.nf",
    "specs/dir.nf/inner.nf",
]


def names(*arguments: str, settings: Settings | None = None) -> list[str]:
    return [each.name for each in discover(arguments, settings or Settings()).files]


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["specs"], FOUND),
        (["specs/"], FOUND),
        (["specs/**/*.nf"], FOUND),
        (["./specs/**/*.nf"], FOUND),
        (["specs/*.nf"], ["specs/a.nf", "specs/b.nf", "specs/c.nf"]),
        (["specs/[ab].nf"], ["specs/a.nf", "specs/b.nf"]),
        (["specs/c.nf", "specs/a", "specs/a/z.nf"], ["specs/c.nf", "specs/a/b/deep.nf", "specs/a/z.nf"]),
        (["specs/build/x.nf", "specs/.hidden.nf"], ["specs/build/x.nf", "specs/.hidden.nf"]),
        (["specs/build"], ["specs/build/x.nf"]),
        (["specs/.*.nf"], ["specs/.hidden.nf"]),
        (["-", "specs/notes.txt", "missing.nf"], ["-", "specs/notes.txt", "missing.nf"]),
    ],
)
def test_what_is_found(arguments: list[str], expected: list[str]) -> None:
    assert names(*arguments) == expected


@pytest.mark.usefixtures("tree")
def test_a_pattern_that_names_a_file_is_that_file() -> None:
    write("specs/x[1].nf")
    assert names("specs/x[1].nf") == ["specs/x[1].nf"]


def test_include_and_exclude(tree: Path) -> None:
    settings = Settings(folder=str(Path.cwd()), include=("*.nf", "*.txt"), exclude=("specs/a", "c.*"))
    assert names("specs", settings=settings) == [
        "specs/a.nf", "specs/b.nf", "specs/dir.nf/inner.nf", "specs/notes.txt"
    ]  # fmt: skip
    assert names("specs/a/z.nf", settings=settings) == ["specs/a/z.nf"]


@pytest.mark.parametrize("argument", ["void", "void/**/*.nf", "nowhere/*.nf"])
def test_nothing_found_is_an_error(argument: str) -> None:
    Path("void").mkdir()
    done = run(["check", argument])
    assert done.code == 1
    assert "NF702" in done.err


def test_a_link_that_leads_nowhere_hides_no_other_file() -> None:
    write("specs/x.nf")
    Path("specs/loop.nf").symlink_to("loop.nf")
    Path("specs/loop.txt").symlink_to("loop.txt")
    assert names("specs") == ["specs/loop.nf", "specs/x.nf"]
    done = run(["check", "."])
    assert done.code == 1
    assert "specs/x.nf\n" in done.out
    assert "cannot read `specs/loop.nf`: too many levels of symbolic links" in done.err


def test_a_folder_with_the_name_of_a_file_is_a_folder() -> None:
    write("specs/x.nf/inner.nf")
    write("specs/x.nf/inner.nf.lock", "version = 1")
    write("specs/x.nf/readme.md", "prose")
    assert names("specs") == names("specs/x.nf") == ["specs/x.nf/inner.nf"]
    all_of_it = Settings(folder=str(Path.cwd()), include=("x.nf/",))
    assert names("specs", settings=all_of_it) == ["specs/x.nf/inner.nf", "specs/x.nf/readme.md"]


@pytest.mark.parametrize("verb", [["check"], ["fmt"], ["lock"]])
def test_a_link_to_nothing_is_an_error(verb: list[str], tree: Path) -> None:
    Path("specs/gone.nf").symlink_to("elsewhere.nf")
    Path("specs/.#edited.nf").symlink_to("user@host.1234")
    Path("specs/gone.txt").symlink_to("elsewhere.txt")
    done = run([*verb, "specs"])
    assert done.code == 1
    assert "error[NF702]: cannot read `specs/gone.nf`: it is a symbolic link to nothing" in done.err
    assert done.err.count("NF702") == 1


def test_a_folder_that_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    write("specs/x.nf")
    real = os.scandir

    def refuse(folder: str) -> object:
        if folder == "specs":
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr("nfc.discovery.os.scandir", refuse)
    found = discover(["specs"], Settings()).diagnostics
    assert "permission denied" in found[0].message


# --- processes -----------------------------------------------------------------------------------


def mixed() -> list[str]:
    """Files of every fate."""
    texts = {
        "well": SPEC.format(20),
        "fails": SPEC.format(21),
        "wrong": "nf 1\nnetwork net { input 4; linear 4 via nothing }\n",
        "warned": "nf 1\nnetwork net { input 9; linear 4 via diagonal }\n",
        "idle": SPEC.format("20 # nfc: ignore[NF501]\n"),
        "twice": 'nf 1\nuse "warned.nf"\n',
    }
    files = [write(f"mixed/{number}/{name}.nf", text) for number in range(3) for name, text in texts.items()]
    for number in range(3):
        write(f"mixed/{number}/warned.nf", texts["warned"])
    return [*files, "mixed/missing.nf"]


@pytest.mark.parametrize("format", ["text", "json", "github", "sarif", "junit"])
def test_processes_change_nothing(format: str) -> None:
    files = mixed()
    alone = run(["check", *files, "--format", format, "--jobs", "1"])
    assert alone.code == (0 if format == "sarif" else 1)
    together = run(["check", *files, "--format", format, "--jobs", "2"])
    assert (together.code, together.out, together.err) == (alone.code, alone.out, alone.err)


def dying(job: Job) -> object:
    if "dies" in job.file:
        os._exit(9)
    if "faults" in job.file:
        raise RuntimeError("the wheels\ncame off")
    return check_file(job)


def jobs(*files: str) -> list[Job]:
    opening = Opening({}, Limits(), allow_outside=False)
    return [Job(write(file), True, opening, None) for file in files]


def test_a_process_that_dies_takes_no_other_file_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nfc.cli.parallel, "check_file", dying)
    found = check_files(jobs("a.nf", "dies.nf", "b.nf", "faults.nf", "c.nf"), 2)
    faults = [(each.file, each.fault.kind if each.fault else None) for each in found]
    assert faults == [
        ("a.nf", None), ("dies.nf", "ProcessDied"), ("b.nf", None), ("faults.nf", "RuntimeError"), ("c.nf", None)
    ]  # fmt: skip
    assert [len(each.results) for each in found] == [1, 0, 1, 0, 1]


def test_standard_input_is_read_beside_other_processes() -> None:
    files = [write("a.nf"), "-", write("b.nf")]
    done = run(["check", *files, "--jobs", "2", "--format", "json"], SPEC.format(21))
    assert done.code == 1
    assert [each["file"] for each in json.loads(done.out)["checks"]] == ["a.nf", "<stdin>", "b.nf"]


def test_a_fault_stands_in_every_document(monkeypatch: pytest.MonkeyPatch) -> None:
    import nfc.api

    def fail(file: str, *arguments: object, **options: object) -> object:
        if file == "bad.nf":
            raise RuntimeError("the wheels\ncame off")
        return real(file, *arguments, **options)  # type: ignore[arg-type]

    real = nfc.api.read_program
    monkeypatch.setattr(nfc.api, "read_program", fail)
    files = [write("bad.nf"), write("fine.nf")]
    for format in ("text", "json", "github", "sarif", "junit"):
        done = run(["check", *files, "--format", format, "--jobs", "1"])
        assert done.code == 2
        assert "the wheels" in done.err
        if format == "text":
            assert "1 of 1 assertions hold" in done.out
        else:
            assert "RuntimeError: the wheels" in done.out


def test_jobs_is_a_positive_number() -> None:
    assert run(["check", "good.nf", "--jobs", "0"]).code == 2


# --- networks and settings ---------------------------------------------------------------------------


def test_a_network_is_looked_for_in_all_files_of_a_folder() -> None:
    write("specs/a.nf")
    write("specs/b.nf", SPEC.format(20).replace(" net ", " other "))
    done = run(["check", "specs", "--network", "other", "--format", "json"])
    assert done.code == 0
    assert [each["file"] for each in json.loads(done.out)["checks"]] == ["specs/b.nf"]
    assert run(["check", "specs", "--network", "nothing"]).code == 2
    assert run(["check", "specs/a.nf", "--network", "other"]).code == 2


def configured(text: str, *arguments: str) -> tuple[int, str]:
    Path("pyproject.toml").write_text(f"[tool.nfc]\n{text}\n", "utf-8")
    done = run(["check", *arguments])
    return done.code, done.shown


def test_the_configuration_gives_defaults_and_options_win() -> None:
    write("specs/a.nf")
    code, shown = configured('format = "json"', "specs")
    assert (code, json.loads(shown)["version"]) == (0, 1)
    assert configured('format = "json"', "specs", "--format", "github") == (0, "")
    assert "assertions hold" in configured('format = "json"', "specs", "--no-config")[1]
    assert configured("define = { width = 5 }", "specs")[0] == 1
    assert configured("define = { width = 5, elsewhere = 3 }", "specs", "-D", "width=4")[0] == 0
    assert configured("limits = { edges = 5 }", "specs")[0] == 1
    assert configured("limits = { edges = 5 }", "specs", "--max-edges", "1k")[0] == 0
    assert configured('ignore = ["NF501"]\ndefine = { width = 5 }', "specs")[0] == 0
    assert (
        configured('define = { width = 5 }\nper-file-ignores = { "specs/b*" = ["NF501"] }', "specs")[0] == 1
    )
    assert (
        configured('define = { width = 5 }\nper-file-ignores = { "specs/a*" = ["NF501"] }', "specs")[0] == 0
    )
    assert configured('exclude = ["specs/a.nf"]', "specs")[0] == 1
    assert configured('color = "always"', "specs")[1].count("\x1b[") > 0


@pytest.mark.parametrize(
    "verb", [["check", "good.nf"], ["show", "good.nf"], ["compile", "good.nf", "--to", "torch"]]
)
@pytest.mark.parametrize("format", ["text", "json", "github", "sarif", "junit"])
def test_a_wrong_configuration_is_wrong_usage(verb: list[str], format: str) -> None:
    Path("pyproject.toml").write_text('[tool.nfc]\nfromat = "json"\n', "utf-8")
    done = run([*verb, "--format", format])
    assert done.code == 2
    assert "fromat" in done.shown
    assert run([*verb, "--no-config", "--format", "text"]).code == 0


def test_explain_needs_no_configuration() -> None:
    Path("pyproject.toml").write_text("[tool.nfc]\nfromat = 1\n", "utf-8")
    assert run(["explain", "NF761"]).code == 0


def test_config_and_no_config_exclude_each_other() -> None:
    assert run(["check", "good.nf", "--config", "x.toml", "--no-config"]).code == 2
