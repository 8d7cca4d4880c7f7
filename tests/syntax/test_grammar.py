"""The grammar file, and the cache of the tables that are made from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lark import Lark

from nfc.syntax import grammar
from nfc.syntax.layout import LayoutFilter
from nfc.syntax.words import DEFINITIONS, RESERVED
from tests.syntax.trees import parsed, shape, statements

TEXT = "nf 1\nnetwork m { input 4; head: linear 2 via butterfly }\n"


def test_the_grammar_has_no_conflicts_and_its_tokens_do_not_collide() -> None:
    Lark(
        grammar.grammar_text(),
        parser="lalr",
        lexer="contextual",
        start=["file", "alone"],
        postlex=LayoutFilter(),
        strict=True,
    )


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own, and a parser that has not been made yet."""
    monkeypatch.setattr(grammar, "_cache_folder", lambda: tmp_path / "cache")
    grammar.parser.cache_clear()
    yield tmp_path / "cache" / "nfc"
    grammar.parser.cache_clear()


def remade() -> object:
    grammar.parser.cache_clear()
    file, diagnostics = parsed(TEXT)
    assert diagnostics == []
    return shape(file.definitions)


def test_tables_are_kept_and_read_back(cache: Path) -> None:
    first = remade()
    (kept,) = cache.iterdir()
    written = kept.read_bytes()
    assert remade() == first
    assert kept.read_bytes() == written


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04."])
def test_a_spoilt_cache_is_made_anew(cache: Path, content: bytes) -> None:
    first = remade()
    (kept,) = cache.iterdir()
    kept.write_bytes(content)
    assert remade() == first
    assert len(kept.read_bytes()) > 1000


def test_a_truncated_cache_is_made_anew(cache: Path) -> None:
    first = remade()
    (kept,) = cache.iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert remade() == first


def test_a_cache_that_cannot_be_made_is_done_without(
    cache: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    remade()
    assert capfd.readouterr() == ("", "")


def test_a_cache_file_that_cannot_be_written_is_done_without(
    cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    remade()
    (kept,) = cache.iterdir()
    kept.unlink()
    kept.mkdir()
    remade()
    assert capfd.readouterr() == ("", "")


def test_parsing_imports_nothing_heavy() -> None:
    command = (
        "import sys, nfc.files; print(sorted({'numpy', 'scipy', 'onnx', 'torch', 'rich'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


SOFT = (*DEFINITIONS, "init", "allow_empty")


@pytest.mark.parametrize("word", SOFT)
def test_words_of_the_language_are_names_elsewhere(word: str) -> None:
    text = f"""
        nf 1
        let {word} = 2
        topology t({word}=1) = block(count={word})
        mask {word}_m({word})[{word}, i] = {word} == i
        network {word} {{ input 4; {word}: linear {word} {word}={word} via {word}; x: {word} }}
        check {word} {{ {word} <= {word}; each {word} {{ {word}.params == 1 }} }}
    """
    assert parsed(text)[1] == []


@pytest.mark.parametrize("word", SOFT)
def test_words_of_the_language_are_operations(word: str) -> None:
    """A network may have such a name, and another one inlines it."""
    (operation,) = statements(word)
    assert operation.name == word


@pytest.mark.parametrize("word", RESERVED)
def test_reserved_words_are_names_nowhere(word: str) -> None:
    for text in (
        f"let {word} = 2",
        f"network {word} {{ }}",
        f"topology t({word}) = dense",
        f"network n {{ {word}: relu }}",
    ):
        _, diagnostics = parsed(f"nf 1\n{text}\n")
        assert [diagnostic.code for diagnostic in diagnostics] == ["NF107"], text


@pytest.mark.parametrize("word", RESERVED)
def test_a_reserved_word_may_begin_a_name(word: str) -> None:
    (operation,) = statements(f"{word}x {word}_1")
    assert (operation.name, operation.positionals[0].name) == (f"{word}x", f"{word}_1")
