"""What can go wrong with a call: the vocabulary that all fakes and the contract suite share."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What happens to a call instead of, or in spite of, its effect."""

    NONE = "ok"
    TOO_MANY = "429"
    BEFORE = "503-before"  #: 503, nothing applied
    AFTER = "503-after-apply"  #: applied, answered 503
    DROP = "apply-then-drop"  #: applied, the connection is cut
    HANG = "hang"  #: nothing applied, no answer
    LATE = "hang-then-apply"  #: no answer; applied after the client gave up, where a fake offers it
    HTML = "html502"  #: a front end's 502, which is not JSON; nothing applied
