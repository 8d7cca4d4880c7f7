"""Files of a git revision, read by object, without a checkout.

git runs no code of the repository here: objects are read by their ids (no attributes, so neither
text conversion nor filters), no hooks are reached, nothing is fetched, and neither a revision nor
a path can be taken for an option.
"""

from __future__ import annotations

import io
import os
import posixpath
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from nfc.diagnostics import Diagnostic, NfcError
from nfc.opening import unreadable

PREFIX = "git:"

SECONDS = 60
"""After which a call of git is given up."""

_OPTIONS = (
    "--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "protocol.allow=never",
)  # fmt: skip
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}
_REGULAR = ("100644", "100755", "100664")
_LINK = "120000"


@dataclass(frozen=True)
class Revision:
    """The files of a revision, as a `nfc.opening.Storage`.

    Names are `git:REV:path`, paths from the top of the repository. A file is where its path says:
    symbolic links are not followed, they lead out of the revision.

    Attributes:
        written: the revision as it was asked for.
        tree: the id of its tree.
    """

    written: str
    tree: str

    def named(self, path: str) -> str:
        return f"{PREFIX}{self.written}:{path}"

    def real(self, name: str) -> str:
        return posixpath.join("/", self._path(name))

    def beside(self, user: str, path: str) -> str:
        folder = posixpath.dirname(self._path(user))
        return self.named(posixpath.normpath(posixpath.join(folder, path)))

    @contextmanager
    def opened(
        self,
        path: str,
        shown: str,
        missing_hints: Callable[[str], tuple[str, ...]],
        irregular_hints: tuple[str, ...] = (),
    ) -> Iterator[tuple[BinaryIO, int]]:
        """A file of the revision and its size. Raises NfcError, NF702 where there is none, NF723 where git fails."""
        data = _git(shown, "cat-file", "blob", self._blob(path, shown))
        yield io.BytesIO(data), len(data)

    def _path(self, name: str) -> str:
        return name.removeprefix(self.named(""))

    def _blob(self, path: str, shown: str) -> str:
        """The id of the file at a path from `/`."""
        relative = path.lstrip("/")
        if relative.startswith("../") or relative == "..":
            raise unreadable(shown, "it lies outside of the repository")
        listing = _git(shown, "ls-tree", "--full-tree", "-z", self.tree, "--", relative)
        entry = listing.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        about, _, found = entry.partition("\t")
        if found != relative:
            raise unreadable(shown, "the revision holds no such file")
        mode, kind, blob = about.split(" ")
        if mode == _LINK:
            raise unreadable(shown, "it is a symbolic link, which is not followed in a revision")
        if mode not in _REGULAR or kind != "blob":
            raise unreadable(shown, "it is no file" if kind != "tree" else "it is a folder")
        return blob


@dataclass(frozen=True)
class RevisionFile:
    """A file of a revision, by its name `git:REV:path`."""

    revision: Revision
    name: str


def is_revision(file: str) -> bool:
    """Whether a name asks for a file of a git revision."""
    return file.startswith(PREFIX)


def revision_file(name: str) -> RevisionFile:
    """The file that `git:REV:path` names; a path that starts with `./` is seen from the working directory.

    Raises:
        NfcError: NF723 where it is malformed, git is missing, there is no repository, or no such revision.
    """
    written, colon, path = name.removeprefix(PREFIX).partition(":")
    for what, text in (("a revision", written), ("a path", path)):
        if text.startswith("-"):
            raise _failed(name, f"{what} does not start with `-`")
    if not (written and colon and path) or "\0" in name:
        raise _failed(name, "the form is `git:REV:path`", "`git:main:net.nf` is the file `net.nf` of `main`")
    prefix = _git(name, "rev-parse", "--show-prefix").decode("utf-8", "surrogateescape").rstrip("\n")
    try:
        found = _git(name, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{written}^{{tree}}")
    except NfcError:
        hint = (
            "`git rev-parse` says what git understands by it; a shallow clone holds the newest commit alone"
        )
        raise _failed(name, f"the repository has no revision `{written}`", hint) from None
    revision = Revision(written, found.decode("ascii", "replace").strip())
    from_here = path.startswith(("./", "../"))
    whole = posixpath.normpath(posixpath.join(prefix, path) if from_here else path)
    return RevisionFile(revision, revision.named(whole))


def _git(name: str, *arguments: str) -> bytes:
    """What a git command writes; `name` is the file that it is about.

    Raises:
        NfcError: NF723.
    """
    program = shutil.which("git")
    if program is None:
        raise _failed(name, "git is not installed")
    try:
        done = subprocess.run(
            [program, *_OPTIONS, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, **_ENVIRONMENT},
            timeout=SECONDS,
            check=False,
        )
    except (OSError, ValueError) as error:
        raise _failed(name, f"git does not start ({error})") from None
    except subprocess.TimeoutExpired:
        raise _failed(name, f"git took longer than {SECONDS} seconds") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _failed(name, said[0].removeprefix("fatal: ") if said else f"git ended with {done.returncode}")
    return done.stdout


def _failed(name: str, why: str, *hints: str) -> NfcError:
    return NfcError([Diagnostic("NF723", f"cannot read `{name}`: {why}", None, hints=hints, file=name)])
