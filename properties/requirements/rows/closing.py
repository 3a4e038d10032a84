"""Requirements: closing the connection (sections 7.1.1 to 7.3)."""

from __future__ import annotations

from typing import Final

from ..requirement import Binds, Requirement, covered, not_observable

ROWS: Final[tuple[Requirement, ...]] = (
    covered(
        "7.1.1-01",
        Binds.ENDPOINT,
        "An endpoint SHOULD use a method that cleanly closes the TCP connection, as well as the TLS session, if "
        "applicable, discarding any trailing bytes that may have been received.",
    ),
    covered(
        "7.1.1-02",
        Binds.ENDPOINT,
        "An endpoint MAY close the connection via any means available when necessary, such as when under attack.",
    ),
    covered(
        "7.1.1-03",
        Binds.ENDPOINT,
        "The underlying TCP connection, in most normal cases, SHOULD be closed first by the server, so that it holds "
        "the TIME_WAIT state and not the client (as this would prevent it from re-opening the connection for 2 "
        "maximum segment lifetimes (2MSL), while there is no corresponding server impact as a TIME_WAIT connection is "
        "immediately reopened upon a new SYN with a higher seq number).",
        rules=("5.5.1/server-closes-tcp", "7.1.1/client-waits"),
    ),
    covered(
        "7.1.1-04",
        Binds.CLIENT,
        "In abnormal cases (such as not having received a TCP Close from the server after a reasonable amount of "
        "time) a client MAY initiate the TCP Close.",
        rules=("5.5.1/client-may-close-tcp", "7.1.1/any-means", "7.1.7/client-closes-tcp"),
    ),
    covered(
        "7.1.1-05",
        Binds.ENDPOINT,
        "As such, when a server is instructed to _Close the WebSocket Connection_ it SHOULD initiate a TCP Close "
        "immediately, and when a client is instructed to do the same, it SHOULD wait for a TCP Close from the server.",
        rules=("5.5.1/server-tcp-close-owed", "7.1.7/server-tcp-close-owed"),
    ),
    covered(
        "7.1.2-01",
        Binds.ENDPOINT,
        "To _Start the WebSocket Closing Handshake_ with a status code (Section 7.4) /code/ and an optional close "
        "reason (Section 7.1.6) /reason/, an endpoint MUST send a Close control frame, as described in Section 5.5.1, "
        "whose status code is set to /code/ and whose close reason is set to /reason/.",
        rules=("5.5.1/send-close", "7.3/closing-handshake-first"),
    ),
    covered(
        "7.1.2-02",
        Binds.ENDPOINT,
        "Once an endpoint has both sent and received a Close control frame, that endpoint SHOULD _Close the WebSocket "
        "Connection_ as defined in Section 7.1.1.",
        rules=("5.5.1/server-closes-tcp", "5.5.1/client-may-close-tcp", "5.5.1/server-tcp-close-owed"),
    ),
    covered(
        "7.1.7-01",
        Binds.CLIENT,
        "To do so, the client MUST _Close the WebSocket Connection_, and MAY report the problem to the user (which "
        "would be especially useful for developers) in an appropriate manner.",
    ),
    covered(
        "7.1.7-02",
        Binds.SERVER,
        "Similarly, to do so, the server MUST _Close the WebSocket Connection_, and SHOULD log the problem.",
    ),
    covered(
        "7.1.7-03",
        Binds.ENDPOINT,
        "If _The WebSocket Connection is Established_ prior to the point where the endpoint is required to _Fail the "
        "WebSocket Connection_, the endpoint SHOULD send a Close frame with an appropriate status code (Section 7.4) "
        "before proceeding to _Close the WebSocket Connection_.",
    ),
    covered(
        "7.1.7-04",
        Binds.ENDPOINT,
        "An endpoint MAY omit sending a Close frame if it believes the other side is unlikely to be able to receive "
        "and process the Close frame, due to the nature of the error that led the WebSocket connection to fail in the "
        "first place.",
        rules=("7.1.7/close-frame-before-tcp", "7.1.7/client-closes-tcp", "7.1.7/server-closes-tcp"),
    ),
    covered(
        "7.1.7-05",
        Binds.ENDPOINT,
        "An endpoint MUST NOT continue to attempt to process data (including a responding Close frame) from the "
        "remote endpoint after being instructed to _Fail the WebSocket Connection_.",
    ),
    not_observable(
        "7.1.7-06",
        Binds.CLIENT,
        "Except as indicated above or as specified by the application layer (e.g., a script using the WebSocket API), "
        "clients SHOULD NOT close the connection.",
        why=(
            "Whether its application asked the client to close is not on the wire, so that a Close from a client may "
            "always have been asked for."
        ),
    ),
    covered(
        "7.2.1-01",
        Binds.CLIENT,
        "To do so, the client MUST _Fail the WebSocket Connection_ as defined in Section 7.1.7.",
        rules=("7.1.7/client-closes-tcp", "7.1.7/client-tcp-close-owed", "7.1.7/nothing-after-failing"),
    ),
    covered(
        "7.2.1-02",
        Binds.CLIENT,
        "If at any point the underlying transport layer connection is unexpectedly lost, the client MUST _Fail the "
        "WebSocket Connection_.",
    ),
    not_observable(
        "7.2.1-03",
        Binds.CLIENT,
        "Except as indicated above or as specified by the application layer (e.g., a script using the WebSocket API), "
        "clients SHOULD NOT close the connection.",
        why=(
            "Whether its application asked the client to close is not on the wire; the sentence repeats the last one "
            "of section 7.1.7."
        ),
    ),
    not_observable(
        "7.2.2-01",
        Binds.SERVER,
        "To do so, the server MUST simply _Close the WebSocket Connection_ (Section 7.1.1).",
        why=(
            "It speaks only of the opening handshake; on an established connection, where the model begins, nothing "
            "asks a server to abort."
        ),
    ),
    not_observable(
        "7.2.3-01",
        Binds.CLIENT,
        "To prevent this, clients SHOULD use some form of backoff when trying to reconnect after abnormal closures as "
        "described in this section.",
        why="Backoff is a delay between connections; an observer of one connection cannot see it.",
    ),
    not_observable(
        "7.2.3-02",
        Binds.CLIENT,
        "The first reconnect attempt SHOULD be delayed by a random amount of time.",
        why="The first attempt to reconnect is another connection, and the delay before it lies between the two.",
    ),
    not_observable(
        "7.2.3-03",
        Binds.CLIENT,
        "The parameters by which this random delay is chosen are left to the client to decide; a value chosen "
        "randomly between 0 and 5 seconds is a reasonable initial delay though clients MAY choose a different "
        "interval from which to select a delay length based on implementation experience and particular application.",
        why="The interval from which a delay is drawn is a parameter inside the client, and the sentence permits any.",
    ),
    not_observable(
        "7.2.3-04",
        Binds.CLIENT,
        "Should the first reconnect attempt fail, subsequent reconnect attempts SHOULD be delayed by increasingly "
        "longer amounts of time, using a method such as truncated binary exponential backoff.",
        why="Growing delays show only over a series of failed connections, never within one.",
    ),
    covered(
        "7.3-01",
        Binds.SERVER,
        "Servers MAY close the WebSocket connection whenever desired.",
        rules=("5.5.1/send-close",),
    ),
    not_observable(
        "7.3-02",
        Binds.CLIENT,
        "Clients SHOULD NOT close the WebSocket connection arbitrarily.",
        why="Whether a client closes arbitrarily or for a reason of its application is not on the wire.",
    ),
)
