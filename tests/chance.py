"""What a text tells, without what chance wrote into it."""

import re

_BY_CHANCE = re.compile(
    r"""
    (?<![0-9A-Za-z]) (?:
        [0-9a-f]{8} (?:-[0-9a-f]{4}){3} - [0-9a-f]{12}  # a UUID
        | (?=[0-9]*[A-Za-z]) [0-9A-Za-z]{10,}           # hashes, tokens, ids, seals
        | 1[0-9]{12}                                    # milliseconds since 1970
    ) (?![0-9A-Za-z])
    | (?<=:[0-9]{2}) \.[0-9]{3,6}                       # fractions of a second
    | (?<=127\.0\.0\.1:) [0-9]+                         # a free port
    """,
    re.VERBOSE,
)


def without_chance(text):
    """Return `text` without hashes, tokens, ids, instants and ports.

    Any four digits and any three letters stand in one of those sooner or later, so that a test of
    what is kept secret fails by chance. Phone numbers and codes of words and dashes are left.
    """
    return _BY_CHANCE.sub("", text)
