"""What a short clinical text asserts and what it denies, by key words and negation alone.

Made for texts of the knowledge bank: present-tense noun phrases separated by commas. A phrase is a set of folded
content words, so that "round regular glands" and "glands, regular and round" are the same. Synonyms ("haze", "opacity")
stay different words: the checks built on this miss contradictions rather than invent them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

Phrase = frozenset[str]

NEGATION = re.compile(
    r"\b(?:no(?! longer)|not|cannot|without|neither|nor|never|free of|hardly any|(?:loss|lack|absence) of)\b"
)
DENIAL_ENDS = re.compile(r"[,;]\s*(?=(?:only|but|with|and)\b)|\bbut\b|[;:.]")
CLAUSE_ENDS = re.compile(r"[,;:.]|\bbut\b")
PREDICATE = re.compile(r"\b(?:has|have|shows?|holds?|there (?:is|are))\b(.*)")
PHRASE_ENDS = re.compile(r"[,;:.]|\b(?:of|with|that|which|in|on|along|down|and|or|far|for)\b")
WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")

CONTENT_FREE = frozenset(
    WORD.findall(
        "a an and any are as be by do does for from has have hold holds is it its lie lies of one or out part run runs"
        " seen show shows some that the their them there these this visible which"
    )
)
PLACING = frozenset(WORD.findall("above along around at below beside between beyond in near on over to under with"))
CARRIERS = frozenset(
    WORD.findall(
        "dermoscopy dermoscopic fundus histopathology image lesion lesions photograph radiograph tile view x-ray"
    )
)
UNTOLD = CONTENT_FREE | PLACING | CARRIERS
IRREGULAR_PLURALS = {
    "lacunae": "lacuna",
    "lumina": "lumen",
    "mitoses": "mitosis",
    "nuclei": "nucleus",
    "alveoli": "alveolus",
}
NEGATING_PREFIXES = ("a", "ir", "un", "in", "non", "ill-", "well-")


def fold(word: str) -> str:
    """The singular of a lower-case noun; other words at most lose a final s."""
    if word in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def words(text: str) -> Phrase:
    """The folded content words of a text."""
    return frozenset(fold(word) for word in WORD.findall(text.lower()) if word not in UNTOLD)


def similarity(left: Phrase, right: Phrase) -> float:
    """Share of all words that both phrases hold (Jaccard index), in [0, 1]; 1 for two empty phrases."""
    return len(left & right) / len(left | right) if left | right else 1.0


@dataclass(frozen=True)
class Claims:
    """What a text asserts, clause by clause, and which phrases it denies."""

    asserted: tuple[Phrase, ...]
    denied: tuple[Phrase, ...]

    def asserts(self, phrase: Phrase) -> bool:
        """Whether one clause asserts every word of `phrase`."""
        return bool(phrase) and any(phrase <= clause for clause in self.asserted)

    @property
    def content(self) -> Phrase:
        """All words, asserted and denied."""
        return frozenset().union(*self.asserted, *self.denied)

    @property
    def signed(self) -> Phrase:
        """All words, a denied one marked, so that "a veil" and "no veil" are two things."""
        asserted: Phrase = frozenset().union(*self.asserted)
        return asserted | {f"no {word}" for phrase in self.denied for word in phrase}


def read_description(text: str) -> Claims:
    """The claims of a description, where a comma ends what "no" denies."""
    return _claims(CLAUSE_ENDS.split(text.lower()))


def read_statement(text: str) -> Claims:
    """The claims of a checklist statement, where "no" denies a whole list ("no tube, line or catheter")."""
    clauses = []
    for sentence in DENIAL_ENDS.split(text.lower()):
        negation = NEGATION.search(sentence)
        start = negation.start() if negation else len(sentence)
        *before, last = CLAUSE_ENDS.split(sentence[:start])
        clauses += [*before, last + sentence[start:]]
    return _claims(clauses)


def key_phrase(statement: str) -> Phrase:
    """What an affirmative statement is about: "the lesion has a sharp border, waxy" -> {sharp, border}.

    Empty for a statement with a negation. A predicate of a single word says too little, so that the whole first clause
    is taken instead.
    """
    text = statement.lower()
    if NEGATION.search(text):
        return frozenset()
    predicate = PREDICATE.search(text)
    head = words(PHRASE_ENDS.split(predicate[1])[0]) if predicate else frozenset()
    return head if len(head) > 1 else words(text)


def opposed(left: str, right: str) -> bool:
    """Whether two statements could contradict each other: about the same thing, not both denying, not both alike."""
    first, second = read_statement(left), read_statement(right)
    subject = _without_prefixes(first.content) & _without_prefixes(second.content)
    both_deny = bool(first.denied and second.denied)
    return bool(subject) and not both_deny and not alike(left, right)


def alike(left: str, right: str, threshold: float = 0.8) -> bool:
    """Whether two statements say (nearly) the same: equal polarity, and one holds the other's words or most of them."""
    first, second = read_statement(left), read_statement(right)
    if bool(first.denied) != bool(second.denied):
        return False
    one, other = first.content, second.content
    return one <= other or other <= one or similarity(one, other) >= threshold


def denies_before(text: str, position: int) -> bool:
    """Whether the clause that holds `position` has a negation before it."""
    return bool(NEGATION.search(CLAUSE_ENDS.split(text[:position].lower())[-1]))


def _claims(clauses: Iterable[str]) -> Claims:
    asserted, denied = [], []
    for clause in clauses:
        kept, *negated = NEGATION.split(clause)
        if negated and not words(" ".join(negated)):  # "a veil is not seen"
            denied.append(words(kept))
            continue
        asserted.append(words(kept))
        for part in negated:
            denied += _alternatives(part)
    return Claims(tuple(p for p in asserted if p), tuple(p for p in denied if p))


def _alternatives(negated: str) -> list[Phrase]:
    """The phrases of a denied list, each made whole with what it shares with the others.

    "brown dots or globules" -> {brown, dot}, {brown, globule}; "red or blue lacunae" -> {red, lacuna}, {blue, lacuna};
    "vessels on the disc or along the arcade" -> {vessel, disc}, {vessel, arcade}. Adjectives of a carrier alone ("dark
    or bright lesions") name nothing and are left out.
    """
    parts = [part.split() for part in re.split(r",|\b(?:or|and)\b", negated) if part.strip()]
    if not parts:
        return []
    first, last = parts[0], parts[-1]
    adjectives_only = len(first) == 1 and len(last) > 1
    if adjectives_only and last[-1] in CARRIERS:
        return []
    phrases = []
    for part in parts:
        shared: list[str] = []
        if part[0] in PLACING:
            shared = list(takewhile(lambda word: word not in PLACING, first))
        elif len(part) == 1:
            shared = last[-1:] if adjectives_only else first[:-1]
        phrases.append(words(" ".join([*shared, *part])))
    return phrases


def _without_prefixes(phrase: Phrase) -> Phrase:
    bare = {word.removeprefix(prefix) for word in phrase for prefix in NEGATING_PREFIXES if word.startswith(prefix)}
    return phrase | {word for word in bare if len(word) > 3}
