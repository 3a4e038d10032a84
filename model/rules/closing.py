"""Rules for closing: the end of TCP, and the meaning of silence (sections 5.5.1, 7.1, 7.2 and 7.3).

TCP has two directions, and a FIN ends one of them: the peer's (``peer_open``) is over when its end was read, that of
the endpoint (``tcp_open``) when it closes TCP, which ends both. In between it may still send: no Pong or echo is owed
any more, a Close all the same, and a client has to close TCP.

Silence is an output: an endpoint that is observed to stay quiet owes nothing. A row that forbids silence names what is
due, and the canonical endpoint does just that.
"""

from __future__ import annotations

from typing import Final

from ..notation.expression import Expr
from ..notation.named import bundle, term
from ..notation.rule import LEGAL, Accept, Due, Forbid, Ignore, Permit, Reaction, Rule, Strength, effects, worded
from ..notation.switches import is_set_to
from ..notation.variables import (
    EventKind,
    established,
    failed,
    got_close,
    handshake_is,
    peer_open,
    pong_due,
    reply_due,
    sent_close,
    server,
    tcp_open,
    willing,
)
from ..octets import utf8
from .receiving import NOTHING_IN_PROGRESS

MUST, SHOULD, MAY, CONSENSUS = Strength.MUST, Strength.SHOULD, Strength.MAY, Strength.CONSENSUS
APPLICATION: Final = Strength.APPLICATION

TCP_CLOSED: Final = bundle(
    "TCP closed",
    {
        **NOTHING_IN_PROGRESS,
        **effects(
            tcp_open=False,
            peer_open=False,
            discarding=False,
            pong_due=False,
            reply_due=False,
            send_type=0,
            send_compressed=False,
            send_utf8=utf8.ACCEPT,
        ),
    },
)
"""Nothing is under way on a connection whose TCP is closed."""

PEER_ENDED: Final = bundle("the peer has ended", {**NOTHING_IN_PROGRESS, **effects(peer_open=False, discarding=False)})
"""Nothing more comes from a peer that has ended its direction of TCP."""

_ANSWERS: Final = (
    "When a client establishes a WebSocket connection to a server, the server MUST complete the following steps to "
    "accept the connection and send the server's opening handshake."
)
_ERROR_CODE: Final = (
    "the server MUST stop processing the client's handshake and return an HTTP response with an appropriate error code "
    "(such as 400 Bad Request)."
)

handshake_done: Final = term(
    "handshake_done",
    "the closing handshake is complete: a Close frame was sent and one was received",
    sent_close & got_close,
)


def _row(kind: EventKind, rule_id: str, strength: Strength, quote: str, when: Expr, then: Reaction) -> Rule:
    return Rule(rule_id, strength, quote, kind, when, then)


END_OF_TCP: Final = (
    _row(EventKind.RECEIVE_EOF, "7.1.4/closed-cleanly", MUST,
         "If the TCP connection was closed after the WebSocket closing handshake was completed, the WebSocket "
         "connection is said to have been closed _cleanly_.",
         peer_open & handshake_done, Accept(PEER_ENDED, "closed cleanly")),
    _row(EventKind.RECEIVE_EOF, "7.1.4/close-to-answer", MUST,
         "When the underlying TCP connection is closed, it is said that _The WebSocket Connection is Closed_ and that "
         "the WebSocket connection is in the CLOSED state.",
         # The other direction of TCP is open, and can carry the Close that is owed.
         peer_open & got_close & ~sent_close, Accept(PEER_ENDED)),
    _row(EventKind.RECEIVE_EOF, "7.2.1/client-lost", MUST,
         "If at any point the underlying transport layer connection is unexpectedly lost, the client MUST _Fail the "
         "WebSocket Connection_.",
         # On an established connection it may finish what it sends before it closes TCP.
         peer_open & ~got_close & ~server & ~handshake_is("refused"),
         Accept({**PEER_ENDED, **effects(failed=failed | ~established)}, "closed, not cleanly")),
    _row(EventKind.RECEIVE_EOF, "7.1.4/server-lost", MUST,
         "When the underlying TCP connection is closed, it is said that _The WebSocket Connection is Closed_ and that "
         "the WebSocket connection is in the CLOSED state.",
         peer_open & ~got_close & server & established, Accept(PEER_ENDED, "closed, not cleanly")),
    _row(EventKind.RECEIVE_EOF, "7.1.4/not-established", MUST,
         "If the WebSocket connection could not be established, it is also said that _The WebSocket Connection is "
         "Closed_, but not _cleanly_.",
         peer_open & ((server & ~established) | handshake_is("refused")), Accept(PEER_ENDED, "closed, not cleanly")),
    _row(EventKind.RECEIVE_EOF, "7.1.4/already-closed", MUST,
         "When the underlying TCP connection is closed, it is said that _The WebSocket Connection is Closed_ and that "
         "the WebSocket connection is in the CLOSED state.",
         ~peer_open, Ignore()),
)  # fmt: skip


def _forbid_close(rule_id: str, strength: Strength, quote: str, when: Expr) -> Rule:
    return _row(EventKind.CLOSE_TCP, rule_id, strength, quote, tcp_open & when, Forbid())


def _permit_close(rule_id: str, strength: Strength, quote: str, when: Expr) -> Rule:
    return _row(EventKind.CLOSE_TCP, rule_id, strength, quote, LEGAL & when, Permit(TCP_CLOSED))


CLOSING_TCP: Final = (
    _forbid_close("5.5.1/answer-close-first", MUST,
                  "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST "
                  "send a Close frame in response.",
                  got_close & ~sent_close & ~failed),
    _forbid_close("7.3/closing-handshake-first", CONSENSUS,
                  "In either case, an endpoint initiates a closure by following the procedures to _Start the WebSocket "
                  "Closing Handshake_ (Section 7.1.2).",
                  established & ~sent_close & ~got_close & ~failed & peer_open),
    _forbid_close("4.2.1/answer-before-closing", MUST, _ERROR_CODE,
                  server & peer_open & handshake_is("to be refused", "another version")
                  & is_set_to("request_dropped", "refused")),
    _forbid_close("4.2.2/answer-before-closing", MUST,
                  "If the server does not wish to accept this connection, it MUST return an appropriate HTTP error "
                  "code (e.g., 403 Forbidden) and abort the WebSocket handshake described in this section.",
                  server & peer_open & handshake_is("awaiting 101") & is_set_to("request_dropped", "refused")),
    _forbid_close("4.4/accept-before-closing", CONSENSUS,
                  "If the server supports the requested version and the handshake message is otherwise valid, the "
                  "server will accept that version.",
                  server & peer_open & willing & handshake_is("awaiting 101")),
    _forbid_close("10.7/answer-before-closing", SHOULD,
                  "If the invalid data is sent during the WebSocket handshake, the server SHOULD return an appropriate "
                  "HTTP [RFC2616] status code.",
                  server & peer_open & (handshake_is("unreadable", "not for us")
                                        | (is_set_to("request_dropped", "allowed")
                                           & (handshake_is("to be refused", "another version")
                                              | (handshake_is("awaiting 101") & ~willing))))),
    _forbid_close("7.1.1/close-cleanly", SHOULD,
                  "An endpoint SHOULD use a method that cleanly closes the TCP connection",
                  sent_close & ~got_close & ~failed & peer_open),
    _forbid_close("7.1.7/close-frame-before-tcp", SHOULD,
                  "the endpoint SHOULD send a Close frame with an appropriate status code (Section 7.4) before "
                  "proceeding to _Close the WebSocket Connection_.",
                  established & failed & ~sent_close & peer_open),
    _forbid_close("7.1.1/client-waits", SHOULD,
                  "when a client is instructed to do the same, it SHOULD wait for a TCP Close from the server",
                  ~server & handshake_done & ~failed & peer_open),
    _permit_close("5.5.1/server-closes-tcp", MUST,
                  "The server MUST close the underlying TCP connection immediately",
                  tcp_open & server & handshake_done & ~failed),
    _permit_close("5.5.1/client-may-close-tcp", MAY,
                  "the client SHOULD wait for the server to close the connection but MAY close the connection at any "
                  "time after sending and receiving a Close message",
                  tcp_open & ~server & handshake_done & ~failed),
    _permit_close("7.1.7/client-closes-tcp", MUST,
                  "To do so, the client MUST _Close the WebSocket Connection_",
                  tcp_open & ~server & (failed | (~peer_open & ~handshake_done))),
    _permit_close("7.1.7/server-closes-tcp", MUST,
                  "to do so, the server MUST _Close the WebSocket Connection_",
                  tcp_open & server & failed),
    _permit_close("7.1.1/any-means", MAY,
                  "An endpoint MAY close the connection via any means available when necessary, such as when under "
                  "attack.",
                  tcp_open & ~handshake_done & ~failed),
    _row(EventKind.CLOSE_TCP, "7.1.4/closed-already", MAY,
         "When the underlying TCP connection is closed, it is said that _The WebSocket Connection is Closed_",
         ~tcp_open, Permit()),
)  # fmt: skip


def _owed(rule_id: str, strength: Strength, quote: str, when: Expr, due: Due) -> Rule:
    return _row(EventKind.SILENCE, rule_id, strength, quote, tcp_open & when, Forbid(due=due))


def _soon(rule_id: str, quote: str, when: Expr, due: Due) -> Rule:
    return _row(EventKind.SILENCE, rule_id, SHOULD, quote, tcp_open & when, Forbid(due=due, soon=True))


pong_owed: Final = pong_due & ~got_close & ~failed & peer_open
close_owed: Final = got_close & ~sent_close & ~failed

SILENCE: Final = (
    _owed("4.1/request-owed", MUST,
          "Once a connection to the server has been established (including a connection via a proxy or over a "
          "TLS-encrypted tunnel), the client MUST send an opening handshake to the server.",
          ~server & handshake_is("not begun") & ~failed, Due.REQUEST),
    _owed("4.2.1/response-owed", MUST, _ERROR_CODE,
          server & peer_open & handshake_is("to be refused", "another version"), Due.RESPONSE),
    _owed("4.2.2/response-owed", MUST, _ANSWERS, server & peer_open & handshake_is("awaiting 101"), Due.RESPONSE),
    # SHOULD: that is all that section 10.7 says of data that is invalid, and what is no handshake is HTTP's business.
    _owed("10.7/response-owed", SHOULD,
          "If the invalid data is sent during the WebSocket handshake, the server SHOULD return an appropriate HTTP "
          "[RFC2616] status code.",
          server & peer_open & handshake_is("not for us", "unreadable"), Due.RESPONSE),
    _owed("5.5.2/pong-owed", MUST,
          "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already received a "
          "Close frame.",
          pong_owed, Due.PONG),
    _soon("5.5.2/pong-soon", "It SHOULD respond with Pong frame as soon as is practical.", pong_owed, Due.PONG),
    _owed("5.5.1/close-owed", MUST,
          "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send a "
          "Close frame in response.",
          close_owed, Due.CLOSE),
    _soon("5.5.1/close-soon", "It SHOULD do so as soon as practical.", close_owed, Due.CLOSE),
    _owed("5.5.1/server-tcp-close-owed", MUST,
          "The server MUST close the underlying TCP connection immediately",
          server & handshake_done & ~failed, Due.TCP_CLOSE),
    _owed("5.5.1/client-tcp-close-owed", MUST,
          "After both sending and receiving a Close message, an endpoint considers the WebSocket connection closed and "
          "MUST close the underlying TCP connection.",
          # Until then it waits for the server (section 7.1.1).
          ~server & handshake_done & ~failed & ~peer_open, Due.TCP_CLOSE),
    _owed("7.1.7/server-tcp-close-owed", MUST,
          "to do so, the server MUST _Close the WebSocket Connection_",
          server & failed, Due.TCP_CLOSE),
    _soon("7.1.1/tcp-close-soon",
          "when a server is instructed to _Close the WebSocket Connection_ it SHOULD initiate a TCP Close immediately",
          server & (handshake_done | failed), Due.TCP_CLOSE),
    _owed("7.1.7/client-tcp-close-owed", MUST,
          "To do so, the client MUST _Close the WebSocket Connection_",
          # A client that fails the connection waits for the server to end TCP (section 7.1.1), and where the server
          # ends it first, that is the reason to fail (section 7.2.1).
          ~server & ~peer_open & (failed | (established & ~got_close)), Due.TCP_CLOSE),
    _owed("7.1.7/close-frame-owed", SHOULD,
          "the endpoint SHOULD send a Close frame with an appropriate status code (Section 7.4) before proceeding to "
          "_Close the WebSocket Connection_.",
          established & failed & ~sent_close & peer_open, Due.CLOSE),
    _owed("6.2/reply-owed", APPLICATION,
          "it is said that _A WebSocket Message Has Been Received_",
          reply_due & ~sent_close & ~got_close & ~failed & peer_open, Due.REPLY),
    _row(EventKind.SILENCE, "2.1/nothing-owed", MAY,
         "When an implementation is required to _send_ data as part of the WebSocket Protocol, the implementation MAY "
         "delay the actual transmission arbitrarily",
         LEGAL, Permit()),
)  # fmt: skip

CLOSING: Final = worded(
    (*END_OF_TCP, *CLOSING_TCP, *SILENCE),
    {
        "5.5.1/answer-close-first": "the Close that it was sent gets no answer",
        "7.3/closing-handshake-first": "nothing was amiss, and the closing handshake is left out",
        "4.2.1/answer-before-closing": "a faulty request gets no answer",
        "4.2.2/answer-before-closing": "a request that is not accepted gets no answer",
        "4.4/accept-before-closing": "a sound request gets no answer",
        "10.7/answer-before-closing": "a request that it does not take should get an error as its answer",
        "7.1.1/close-cleanly": "it has sent a Close, and does not wait for the answer",
        "7.1.7/close-frame-before-tcp": "it fails the connection, and does not tell why",
        "7.1.1/client-waits": "a client should wait until the server closes TCP",
    },
)
