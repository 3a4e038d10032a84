"""The rows of the requirement register, one module for each part of RFC 6455, in the order of its text."""

from __future__ import annotations

from typing import Final

from ..requirement import Requirement
from . import (
    client_handshake,
    closing,
    control_frames,
    conventions,
    extensions,
    fragmentation,
    framing,
    messages,
    registration,
    security,
    server_handshake,
    status_codes,
)

ROWS: Final[tuple[Requirement, ...]] = (
    *conventions.ROWS,
    *client_handshake.ROWS,
    *server_handshake.ROWS,
    *framing.ROWS,
    *fragmentation.ROWS,
    *control_frames.ROWS,
    *messages.ROWS,
    *closing.ROWS,
    *status_codes.ROWS,
    *extensions.ROWS,
    *security.ROWS,
    *registration.ROWS,
)
"""Every row, in the order of the RFC's text."""

__all__ = ["ROWS"]
