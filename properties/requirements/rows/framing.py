"""Requirements: frames and masking (sections 5.1, 5.2, 5.3)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    covered(
        "5.1-01",
        Binds.CLIENT,
        "To avoid confusing network intermediaries (such as intercepting proxies) and for security reasons that are "
        "further discussed in Section 10.3, a client MUST mask all frames that it sends to the server (see Section "
        "5.3 for further details).",
    ),
    covered(
        "5.1-02",
        Binds.SERVER,
        "The server MUST close the connection upon receiving a frame that is not masked.",
    ),
    covered(
        "5.1-03",
        Binds.SERVER,
        "In this case, a server MAY send a Close frame with a status code of 1002 (protocol error) as defined in "
        "Section 7.4.1.",
        rules=("5.1/server-refuses-unmasked", "7.1.7/appropriate-code"),
    ),
    covered(
        "5.1-04",
        Binds.SERVER,
        "A server MUST NOT mask any frames that it sends to the client.",
    ),
    covered(
        "5.1-05",
        Binds.CLIENT,
        "A client MUST close a connection if it detects a masked frame.",
    ),
    covered(
        "5.1-06",
        Binds.CLIENT,
        "In this case, it MAY use the status code 1002 (protocol error) as defined in Section 7.4.1.",
        rules=("5.1/client-refuses-masked", "7.1.7/appropriate-code"),
    ),
    covered(
        "5.1-07",
        Binds.ENDPOINT,
        "A data frame MAY be transmitted by either the client or the server at any time after opening handshake "
        "completion and before that endpoint has sent a Close frame (Section 5.5.1).",
    ),
    covered(
        "5.2-01",
        Binds.SENDER,
        "The first fragment MAY also be the final fragment.",
        rules=("6.2/text-message", "6.2/binary-message", "5.1/send-text", "5.1/send-binary"),
    ),
    covered(
        "5.2-02",
        Binds.SENDER,
        "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values.",
    ),
    covered(
        "5.2-03",
        Binds.RECEIVER,
        "If a nonzero value is received and none of the negotiated extensions defines the meaning of such a nonzero "
        "value, the receiving endpoint MUST _Fail the WebSocket Connection_.",
    ),
    covered(
        "5.2-04",
        Binds.RECEIVER,
        "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_.",
    ),
    covered(
        "5.2-05",
        Binds.SENDER,
        "If 127, the following 8 bytes interpreted as a 64-bit unsigned integer (the most significant bit MUST be 0) "
        "are the payload length.",
    ),
    covered(
        "5.2-06",
        Binds.SENDER,
        "Note that in all cases, the minimal number of bytes MUST be used to encode the length, for example, the "
        "length of a 124-byte-long string can't be encoded as the sequence 126, 0, 124.",
    ),
    not_observable(
        "5.2-07",
        Binds.EXTENSION,
        'Any extension MUST specify the length of the "Extension data", or how that length may be calculated, and how '
        "the extension use MUST be negotiated during the opening handshake.",
        why=(
            "It asks something of the text that specifies an extension; the octets of a connection do not show what "
            "that text says."
        ),
    ),
    covered(
        "5.2-08",
        Binds.SENDER,
        "frame-rsv1 = %x0 / %x1 ; 1 bit in length, MUST be 0 unless negotiated otherwise",
        rules=("5.2/reserved-bits-zero", "5.2/reserved-bits"),
    ),
    covered(
        "5.2-09",
        Binds.SENDER,
        "frame-rsv2 = %x0 / %x1 ; 1 bit in length, MUST be 0 unless negotiated otherwise",
        rules=("5.2/reserved-bits-zero", "5.2/reserved-bits"),
    ),
    covered(
        "5.2-10",
        Binds.SENDER,
        "frame-rsv3 = %x0 / %x1 ; 1 bit in length, MUST be 0 unless negotiated otherwise",
        rules=("5.2/reserved-bits-zero", "5.2/reserved-bits"),
    ),
    covered(
        "5.3-01",
        Binds.CLIENT,
        "A masked frame MUST have the field frame-masked set to 1, as defined in Section 5.2.",
        rules=("5.1/client-masks", "5.1/server-refuses-unmasked"),
    ),
    not_observable(
        "5.3-02",
        Binds.CLIENT,
        "When preparing a masked frame, the client MUST pick a fresh masking key from the set of allowed 32-bit "
        "values.",
        why=(
            "A key that equals an earlier one may yet have been picked afresh, so that frames do not show whether the "
            "client picked or reused."
        ),
    ),
    not_observable(
        "5.3-03",
        Binds.CLIENT,
        "The masking key needs to be unpredictable; thus, the masking key MUST be derived from a strong source of "
        "entropy, and the masking key for a given frame MUST NOT make it simple for a server/proxy to predict the "
        "masking key for a subsequent frame.",
        why=(
            "Entropy and unpredictability belong to the source of the keys; no finite number of keys on the wire "
            "proves or refutes them."
        ),
    ),
)
