"""A parse by hand: Lark's parser and the layout in front of it, a token at a time."""

from __future__ import annotations

from typing import Any

from lark import Token, Tree

from nfc.syntax.grammar import parser
from nfc.syntax.layout import Layout


class Driver:
    """Feeds the tokens of a text to the parser.

    Lark's interactive parser has no types; this is the only place that leans on its inside.

    Attributes:
        tokens: the layout that the tokens come from.
        states: the parser's stack of states.
        values: the parser's stack of tokens and trees.
    """

    def __init__(self, text: str, start: str, nesting: int) -> None:
        self._end = len(text)
        interactive: Any = parser().parse_interactive(text, start=start)
        self._interactive = interactive
        self._state = interactive.parser_state
        self._lexer = interactive.lexer_thread
        self.tokens: Layout = self._lexer.lex(self._state)
        self.tokens.nesting = nesting
        self.states: list[Any] = self._state.state_stack
        self.values: list[Any] = self._state.value_stack

    def feed(self, token: Token) -> None:
        """Raises UnexpectedToken where the grammar has no place for the token."""
        self._interactive.feed_token(token)

    def finish(self) -> Tree[Token]:
        """The tree of all that was fed. Raises UnexpectedToken where the text cannot end."""
        tree: Tree[Token] = self._interactive.feed_token(Token("$END", "", self._end, end_pos=self._end))
        return tree

    def accepted(self) -> frozenset[str]:
        """The terminals that could come next."""
        return frozenset(self._interactive.accepts())

    def shifts(self, terminal: str) -> bool:
        """Whether the state on top has an action for a terminal."""
        return terminal in self._state.parse_conf.states[self.states[-1]]

    def go_to(self, offset: int, stack: tuple[str, ...], previous: str) -> None:
        """Read on from another place, in another state of the layout."""
        self._lexer.state.line_ctr.char_pos = offset
        self.tokens.resume(self._lexer.lex(self._state).raw, offset, stack, previous)
