"""An executable formal model of RFC 6455: proofs, generated cases, and a judge that names the clause."""
