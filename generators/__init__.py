"""What to try: strategies, witnesses, mutants, tours, suites and the case files made from them."""
