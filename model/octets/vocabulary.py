"""The words of RFC 6455: roles, opcodes, length forms and the frame (sections 1.3, 5.2, 5.5, 5.6 and 11.8).

Only names and well-formedness of *values* live here (an opcode has 4 bits, a masking key 4 octets).
The rules decide what an endpoint may do with such a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """The role of an endpoint; masking (section 5.1) and the duty to close TCP (7.1.1) depend on it."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def peer(self) -> Role:
        """The role at the other end."""
        return Role.SERVER if self is Role.CLIENT else Role.CLIENT


# Opcodes, section 5.2; the registry is section 11.8.
CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

#: The opcode field has 4 bits.
MAX_OPCODE: Final = 0xF

RESERVED_DATA_OPCODES: Final = (0x3, 0x4, 0x5, 0x6, 0x7)
"""``%x3-7 are reserved for further non-control frames``."""

RESERVED_CONTROL_OPCODES: Final = (0xB, 0xC, 0xD, 0xE, 0xF)
"""``%xB-F are reserved for further control frames``."""

DATA_OPCODES: Final = (CONTINUATION, TEXT, BINARY)
CONTROL_OPCODES: Final = (CLOSE, PING, PONG)
KNOWN_OPCODES: Final = DATA_OPCODES + CONTROL_OPCODES

#: A name for each of the 16 values, in order of value.
OPCODE_NAMES: Final[dict[int, str]] = {
    CONTINUATION: "continuation",
    TEXT: "text",
    BINARY: "binary",
    **{opcode: f"reserved-data-{opcode:X}" for opcode in RESERVED_DATA_OPCODES},
    CLOSE: "close",
    PING: "ping",
    PONG: "pong",
    **{opcode: f"reserved-control-{opcode:X}" for opcode in RESERVED_CONTROL_OPCODES},
}

NORMAL: Final = 1000
"""The code of a normal closure (section 7.4.1)."""


def is_control(opcode: int) -> bool:
    """Whether the opcode is that of a control frame, reserved ones included.

    Section 5.5: "Control frames are identified by opcodes where the most significant bit of the opcode is 1."
    """
    return opcode >= 0x8


# How the payload length is written, section 5.2: "7 bits, 7+16 bits, or 7+64 bits".
FORM_7: Final = 0
FORM_16: Final = 1
FORM_64: Final = 2
FORMS: Final = (FORM_7, FORM_16, FORM_64)
FORM_NAMES: Final = ("7", "7+16", "7+64")

#: Octets in a masking key, section 5.3 ("a 32-bit value").
KEY_OCTETS: Final = 4

#: The stated limit on a payload, in octets, unless another is chosen (section 10.4; refused with code 1009).
DEFAULT_LIMIT: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame (section 5.2), legal or not: any value that the header can express.

    `payload` holds the *unmasked* octets. `key` is the masking key, or None for an unmasked frame. `form` is the
    length form to write, or None for the minimal one; whether the length fits the form is the encoder's question.

    Raises ValueError (or TypeError for a wrong type) on values that have no place in a frame.
    """

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv1: bool = False
    rsv2: bool = False
    rsv3: bool = False
    key: bytes | None = None
    form: int | None = None

    def __post_init__(self) -> None:
        _check_range("opcode", self.opcode, MAX_OPCODE)
        if type(self.payload) is not bytes:
            raise TypeError(f"payload must be bytes, not {type(self.payload).__name__}")
        if self.key is not None:
            if type(self.key) is not bytes:
                raise TypeError(f"key must be bytes or None, not {type(self.key).__name__}")
            if len(self.key) != KEY_OCTETS:
                raise ValueError(f"a masking key has {KEY_OCTETS} octets, not {len(self.key)}")
        if self.form is not None and self.form not in FORMS:
            raise ValueError(f"form must be 0 (7 bits), 1 (7+16), 2 (7+64) or None (minimal), not {self.form!r}")

    @property
    def masked(self) -> bool:
        """The MASK bit: whether a masking key is present."""
        return self.key is not None

    @property
    def length(self) -> int:
        """The payload length in octets; the masking key is not counted (section 5.3)."""
        return len(self.payload)

    @property
    def control(self) -> bool:
        """Whether this is a control frame (section 5.5)."""
        return is_control(self.opcode)

    @property
    def rsv(self) -> int:
        """The three reserved bits as one number: RSV1 is worth 4, RSV2 2, RSV3 1, as they lie in the first octet."""
        return self.rsv1 << 2 | self.rsv2 << 1 | self.rsv3

    def __str__(self) -> str:
        """A short description for people, such as ``text fin masked 5 octets``."""
        words = [OPCODE_NAMES[self.opcode], "fin" if self.fin else "more"]
        words += [name for name in ("rsv1", "rsv2", "rsv3") if getattr(self, name)]
        words += ["masked"] if self.masked else []
        words += [] if self.form is None else [f"form {FORM_NAMES[self.form]}"]
        return " ".join(words) + f" {self.length} octet" + ("" if self.length == 1 else "s")


def _check_range(name: str, value: int, highest: int) -> None:
    if not 0 <= value <= highest:
        raise ValueError(f"{name} must be in 0..{highest}, not {value}")
