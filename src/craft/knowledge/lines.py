"""Where in a YAML file a key or list entry stands, and which keys are given twice."""

from dataclasses import dataclass, field

import yaml

from craft.core.reading import YAML_LOADER

KeyPath = tuple[str | int, ...]


@dataclass
class LineNumbers:
    """Line numbers (from 1) of a YAML text's entries.

    Attributes:
        lines: path of keys and list positions -> line of the key or list entry.
        repeated: paths of mapping keys that stand in the text once more, with that second line.
    """

    lines: dict[KeyPath, int] = field(default_factory=dict)
    repeated: list[tuple[KeyPath, int]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str) -> "LineNumbers":
        """Read the lines of a YAML text.

        Raises:
            yaml.YAMLError: if the text is no YAML.
        """
        numbers = cls()
        root = yaml.compose(text, Loader=YAML_LOADER)
        if root is not None:
            numbers._walk(root, (), frozenset())
        return numbers

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of the innermost entry around it that the text has."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1

    def _walk(self, node: yaml.Node, path: KeyPath, above: frozenset[int]) -> None:
        if id(node) in above:  # an alias to an entry around it
            return
        above |= {id(node)}
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._enter(key, value, (*path, str(key.value)), above)
        elif isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                self._enter(value, value, (*path, position), above)

    def _enter(self, marked: yaml.Node, value: yaml.Node, path: KeyPath, above: frozenset[int]) -> None:
        line = marked.start_mark.line + 1
        if path in self.lines:
            self.repeated.append((path, line))
        self.lines[path] = line
        self._walk(value, path, above)
