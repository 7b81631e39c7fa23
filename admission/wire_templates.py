"""What supervisors are told of the templates of broadcasts."""

from __future__ import annotations

from admission.broadcast_templates import FieldKind
from admission.broadcasts import Priority
from admission.wire_base import Answer, Text


class FieldAnswer(Answer, frozen=True):
    """A field of a template: `gate` and `deal` take an id, `time` 17:00 or an instant."""

    name: str
    kind: FieldKind


class TemplateAnswer(Answer, frozen=True):
    """A broadcast that was worded beforehand; names in braces are filled in.

    Attributes:
        loudspeaker: what is said over the loudspeaker (广播词).
        own: the venue wrote it itself.
    """

    template: str
    message: Text
    loudspeaker: Text
    priority: Priority
    fields: list[FieldAnswer]
    own: bool


class TemplatesAnswer(Answer, frozen=True):
    """All templates."""

    templates: list[TemplateAnswer]
