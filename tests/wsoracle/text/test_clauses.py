from wsoracle.text.clauses import clause


def test_the_words_behind_a_rule() -> None:
    assert clause("5.2/reserved-bits").startswith('MUST, section 5.2: "If a nonzero value')
